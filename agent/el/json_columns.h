/* json_columns.h - which columns JSON objects have, and of what kinds, where nobody says: what any
 * of them has a member for. For the taps jsonl and http. Pure. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"

struct json_evidence {
    bool has_integer, has_real, has_boolean, has_string, has_nested;
};
struct json_columns {
    struct schema *schema;          /* the caller's, which gets the columns */
    struct json_evidence *evidence; /* by column */
    struct buf name;                /* an unescaped member name */
    size_t settled;                 /* columns at the last settling */
    bool passes_over_nulls;         /* a member makes a column once it has a value */
};

MUST_CHECK bool json_columns_init(struct json_columns *c, struct schema *schema,
                                  struct arena *arena, struct err *err);
/* Takes note of an object's members; false (err) when it is none. */
MUST_CHECK bool json_columns_look(struct json_columns *c, struct str object, struct err *err);
/* Gives each column the narrowest kind that holds all that was seen. True when something changed
 * since the last time: a column is new, or has another kind. */
bool json_columns_settle(struct json_columns *c);
void json_columns_release(struct json_columns *c); /* fits AUTO(json_columns) */
