/* schema_change.h - a stream's columns are not those its table was made of: what becomes of each
 * column of the table, and what is told of it. Pure. docs/reference/worker.md, "Schema changes". */
#pragma once
#include "agent/connectors/options.h"
#include "agent/el/schema.h"
#include "common/json/json_writer.h"

enum schema_change {
    CHANGE_NONE,       /* the column takes the values as it is */
    CHANGE_TO_INTEGER, /* of a BOOLEAN */
    CHANGE_TO_NUMBER,  /* of an INTEGER or BOOLEAN: to a type that holds both without loss */
    CHANGE_TO_TEXT,
    CHANGE_TO_JSON,
    CHANGE_HELD, /* it stays; a row whose value does not fit is refused */
};
/* ERR_INVALID, with what to do, where the policy says so or cannot help. */
MUST_CHECK bool schema_change_choose(const struct column *there, const struct column *now,
                                     enum schema_policy policy, enum schema_change *ret,
                                     struct err *err);
/* The column as it is then, with the type of this database. Of CHANGE_NONE and CHANGE_HELD, as it is. */
enum { SCHEMA_CHANGES = CHANGE_HELD + 1 };
struct column schema_changed_column(const struct column *column, enum schema_change change,
                                    const struct str types[SCHEMA_CHANGES]);
/* Of a column that is held: ERR_INVALID when the value does not fit its kind. */
MUST_CHECK bool schema_change_check(const struct column *there, const struct value *value,
                                    struct err *err);

/* The columns of `now` that are held in `there`, as `there` has them; NULL for the others. */
struct held_columns {
    const struct column **items; /* by column of the rows; NULL: none is held */
    size_t count;
};
/* `count` columns, none held, in the arena. */
MUST_CHECK bool held_columns_init(struct held_columns *ret, size_t count, struct arena *arena,
                                  struct err *err);
MUST_CHECK bool held_columns_check(const struct held_columns *held, const struct value *row,
                                   struct err *err);

/* [{"column": "n", "change": "type", "from": "INTEGER", "to": "TEXT"}, ...], also "added" and "gone";
 * the first SCHEMA_CHANGES_MAX. Nothing is written, and false, when there is none. */
enum { SCHEMA_CHANGES_MAX = 50 };
bool schema_write_changes(const struct schema *before, const struct schema *after, struct buf *out);
