/* insert_sql.h - the statement that loads rows into a table, and the index that an upsert may need. Pure: builds text. */
#pragma once
#include "agent/el/request.h"
#include "agent/el/schema.h"

struct insert_sql {
    struct str table;
    struct str rows; /* the table of rows to take, with columns c0, c1, ... */
    const struct schema *schema;
    const struct schema *there; /* columns of the table */
    struct str_list key;        /* count 0: rows are added, never updated */
    const size_t *key_columns;  /* their places in the schema */
};
void insert_sql_build(const struct insert_sql *plan, struct buf *sql);
void insert_sql_unique_index(const struct insert_sql *plan, struct buf *sql);
