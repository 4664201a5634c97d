/* pg_table.h - tables of a PostgreSQL database as taps and targets need them: describe, create,
 * widen, count. */
#pragma once
#include "agent/el/load_key.h"
#include "agent/el/pg.h"
#include "agent/el/schema_change.h"

struct pg_table {
    struct str schema;
    struct str name;
};
void pg_add_table(struct buf *sql, const struct pg_table *table); /* "schema"."name" */

/* The schema to use: the given one, or the connection's first (search_path). ERR_NOT_FOUND when
 * there is none of that name. */
MUST_CHECK bool pg_find_schema(struct pg *pg, struct str wanted, struct arena *arena,
                               struct str *ret, struct err *err);
/* Adds the columns to `into`; *ret_kind is pg_class.relkind, 0 = there is nothing of that name. Bit
 * i of ret_not_null (may be NULL): column i cannot be NULL. */
MUST_CHECK bool pg_table_describe(struct pg *pg, const struct pg_table *table, struct schema *into,
                                  char *ret_kind, bool *ret_not_null, struct err *err);
/* "there is no table ..." with the nearest name. Always false. */
bool pg_table_not_found(struct pg *pg, const struct pg_table *table, struct err *err);
MUST_CHECK bool pg_table_create(struct pg *pg, const struct pg_table *table,
                                const struct schema *schema, const struct load_key *key,
                                struct err *err);
MUST_CHECK bool pg_table_add_column(struct pg *pg, const struct pg_table *table,
                                    const struct column *column, struct err *err);
/* Gives a column another type, its values with it. */
MUST_CHECK bool pg_table_change_column(struct pg *pg, const struct pg_table *table,
                                       const struct column *column, enum schema_change change,
                                       struct err *err);
/* The column as it is then. */
struct column pg_changed_column(const struct column *column, enum schema_change change);
/* A unique index over the columns, made when there is none. */
MUST_CHECK bool pg_table_ensure_unique(struct pg *pg, const struct pg_table *table,
                                       const struct str *columns, size_t count, struct err *err);
/* -1 where counting would read more than PG_COUNT_BYTES_MAX. */
MUST_CHECK bool pg_table_row_count(struct pg *pg, const struct pg_table *table, int64_t *ret,
                                   struct err *err);
enum { PG_SQL_BYTES_MAX = 1 << 20 }; /* of a statement that we build */
