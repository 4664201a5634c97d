/* yaml_error.h - libyaml's complaint as a sentence for whoever wrote the file. Internal to
 * common/yaml. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include <yaml.h>

/* "file:line:column: text"; `mark` counts from 0, as libyaml does. Always false. */
PRINTF_LIKE(4, 5)
bool yaml_fail_at(struct err *err, struct str name, yaml_mark_t mark, const char *fmt, ...);
/* After a call of libyaml failed. Always false. */
bool yaml_fail_parser(struct err *err, struct str name, struct str text,
                      const yaml_parser_t *parser);
