/* yaml_scalar.h - what a plain scalar means in YAML's core schema. Internal to common/yaml. */
#pragma once
#include "common/json/json.h"

/* Sets type and value of `node`. `text` has the node's lifetime. Returns NULL, or what is wrong. */
MUST_CHECK const char *yaml_set_plain(struct json *node, struct str text);
