/* yaml.h - YAML 1.1 through libyaml into the tree of common/json, with line and column of every
 * node and key. Core-schema scalars: plain null/true/false/integers/decimals become typed,
 * everything else (and all quoted text) a string. Refused with position: duplicate keys, non-scalar
 * keys, tags, more than one document, NUL characters, integers beyond int64, numbers that are not
 * finite, nesting > LIMIT_YAML_DEPTH, more than LIMIT_YAML_NODES nodes. Anchors and aliases work
 * (expanded, so that a bomb meets the node limit). `<<` merges one mapping or a list of them. */
#pragma once
#include "common/json/json.h"

/* At most LIMIT_DEFINITIONS_BYTES of UTF-8. `name` is the file's name for errors. The tree borrows
 * nothing from `text`. Empty input gives an empty object.
 * Errors:  ERR_INVALID "file:line:column: text", often with a hint; ERR_FULL; ERR_NO_MEMORY. */
MUST_CHECK bool yaml_parse(struct str text, struct str name, struct arena *arena, struct json **ret,
                           struct err *err);
