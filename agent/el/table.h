/* table.h - tables of an SQLite database as taps and targets need them: describe, create, widen,
 * swap. */
#pragma once
#include "agent/el/request.h"
#include "agent/el/schema.h"
#include "common/base/limits.h"
#include "common/db/db.h"

enum table_type { TABLE_NONE, TABLE_ORDINARY, TABLE_WITHOUT_ROWID, TABLE_VIEW, TABLE_VIRTUAL };
MUST_CHECK bool table_type_of(struct db *db, struct str table, enum table_type *ret,
                              struct err *err);
/* Adds the table's columns to `into`; none when it is not there. Bit i of ret_not_null: column i
 * cannot be NULL. */
MUST_CHECK bool table_columns(struct db *db, struct str table, struct schema *into,
                              bool *ret_not_null, struct err *err);
/* Fills err with "there is no table ..." and the nearest name. Always false. */
bool table_not_found(struct db *db, struct str table, struct err *err);
/* The same for a column. Always false. */
bool column_not_found(const struct schema *schema, struct str table, struct str column,
                      struct err *err);

MUST_CHECK bool table_create(struct db *db, struct str table, const struct schema *schema,
                             const struct str_list *key, struct err *err);
MUST_CHECK bool table_add_column(struct db *db, struct str table, const struct column *column,
                                 struct err *err);
/* Whether the table may refuse a row for more than its key: NOT NULL, UNIQUE, CHECK, types (STRICT),
 * foreign keys, triggers. True when in doubt. */
MUST_CHECK bool table_has_rules(struct db *db, struct str table, const struct str_list *key,
                                bool *ret, struct err *err);
/* Drops a table or view, whichever it is; nothing there is no error. */
MUST_CHECK bool table_drop(struct db *db, struct str table, struct err *err);
/* `from` takes the place and the name of `to`, whose indexes and triggers are made again. In the
 * caller's transaction. */
MUST_CHECK bool table_swap(struct db *db, struct str from, struct str to, struct err *err);
/* -1 where counting would read more than TABLE_COUNT_BYTES_MAX. */
MUST_CHECK bool table_row_count(struct db *db, struct str table, int64_t *ret, struct err *err);
/* The name of the staging table for `table`. */
MUST_CHECK struct str table_staging_name(struct str table, struct arena *arena);
/* "shop.sales" for /var/lib/shop.db and sales, for people and the hub; a file's own name when there
 * is no table. */
struct str table_display_name(struct str path, struct str table, struct arena *arena);
/* Text built in `sql`, executed; ERR_NO_MEMORY when it did not fit. */
MUST_CHECK bool sql_exec(struct db *db, struct buf *sql, struct err *err);
MUST_CHECK bool sql_prepare(struct db *db, struct buf *sql, struct db_query *ret, struct err *err);
enum { SQL_BYTES_MAX = 1 << 20 }; /* of a statement that we build */
