/* merge_sql.h - the statements that bring rows from a staging table into a PostgreSQL table. Pure:
 * builds text. */
#pragma once
#include "agent/el/pg_table.h"

struct merge_sql {
    const struct pg_table *table;
    struct str staging;      /* as it stands in SQL */
    const struct str *names; /* of the columns, in both */
    const struct str *types; /* the table's */
    size_t count;
    const struct load_key *key;
    bool has_repeats; /* rows in it share a key: the last one counts */
};
/* Inserts, or updates what differs: rows that are there already are not written again. */
void merge_sql_upsert(const struct merge_sql *m, struct buf *sql);
/* Inserts into a table that is empty, each value as the table's type. */
void merge_sql_fill(const struct merge_sql *m, struct buf *sql);
