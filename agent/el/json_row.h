/* json_row.h - one JSON object into one row of a schema; for the taps jsonl and singer. Pure. */
#pragma once
#include "agent/el/flatten.h"
#include "agent/el/schema.h"
#include "common/base/buf.h"
#include "common/json/json_scan.h"

struct json_row {
    const struct schema *schema;
    struct value *row; /* schema->count values; borrowed from the object's text or from `scratch` */
    uint32_t *seen;    /* per column: the number of the object in which it was last seen */
    uint32_t object;   /* number of the present object */
    struct buf scratch; /* unescaped text */
    bool validates;     /* values are held to the columns' json_types and format; stays as it is */
    int64_t ignored;    /* members that the schema does not have */
    const struct flatten *flatten; /* NULL: nested objects are values; set it before init */
    struct buf name;               /* of a nested member's column */
};

/* `r` is zero, or was in use for an earlier schema of the stream. */
MUST_CHECK bool json_row_init(struct json_row *r, const struct schema *schema, struct arena *arena,
                              struct err *err);
/* Members that are missing become NULL, unless the column is required (ERR_INVALID, like a member
 * of another type than the column's, or one that occurs twice). */
MUST_CHECK bool json_row_read(struct json_row *r, struct str object, struct err *err);
/* The same of an object whose members were collected; more than there was room for, or an object
 * that is flattened: they are scanned again. */
MUST_CHECK bool json_row_take(struct json_row *r, struct str object,
                              const struct json_members *members, struct err *err);
void json_row_release(struct json_row *r);
