/* targets.h - which devices a person means. Pure.
 *
 *   expr : "not" expr | expr "and" expr | expr "or" expr | term
 *   term : "*" | NAME | "label" ":" KEY ["=" VALUE] | "is" ":" ("online" | "away") | "(" expr ")"
 *
 * NAME is a device's name, or what people call it; VALUE is a label's value; in both * stands for any
 * characters. A comma is an
 * `or` that binds least: "brooklyn,harlem,label:site=berlin". Binding: not, and, or, comma. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"

enum { TARGETS_BYTES_MAX = 64 << 10, TARGETS_DEPTH_MAX = 32 };

struct target_label {
    struct str key, value;
};
struct target_device { /* what is asked of a device */
    struct str name;
    const struct target_label *labels;
    size_t label_count;
    bool is_online;
    struct str display_name; /* empty: it has none but its name */
};

struct targets; /* lives in the arena it was parsed into, text included */
/* ERR_INVALID: "targets, column 7: ..." with a hint. */
MUST_CHECK bool targets_parse(struct str text, struct arena *arena, struct targets **ret,
                              struct err *err);
bool targets_match(const struct targets *t, const struct target_device *device);

/* Keys: 1..63 of a-z, 0-9, '-', '_', '.', '/'; values: 1..255 of those, A-Z, ':', '@' and '+'. */
bool label_key_is_valid(struct str key);
bool label_value_is_valid(struct str value);
