/* json_tree.h - building trees of struct json, for the parsers in common/json and common/yaml. */
#pragma once
#include "common/json/json.h"

/* A container whose children are being read. */
struct json_open {
    struct json *node;
    struct json *last; /* child */
};

void json_append(struct json_open *open, struct json *child);

/* What json_close_object() finds. */
enum json_close { JSON_CLOSE_OK, JSON_CLOSE_DUPLICATE, JSON_CLOSE_NO_MEMORY };

/* Checks that the first `own` members of an object have different keys (else *ret_duplicate is a
 * second one) and drops each later member whose key came before: YAML's merge keys yield to the
 * object's own, and the first merge to the next. `arena` gives scratch memory. Time: n log n. */
MUST_CHECK enum json_close json_close_object(struct json *object, size_t own, struct arena *arena,
                                             const struct json **ret_duplicate);
