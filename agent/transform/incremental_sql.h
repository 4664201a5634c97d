/* incremental_sql.h - the statements by which new rows go into an incremental model's table, as far
 * as they are the same in every database. A key that is NULL is like no other, as in dbt: such
 * rows are added.
 * Source: dbt-adapters, macros/materializations/models/incremental (strategies.sql, merge.sql) */
#pragma once
#include "agent/transform/relation.h"
#include "common/dbt/spec.h"

struct incremental_sql {
    const struct dbt_spec *spec;
    const struct relation *target;
    const struct relation *source;  /* with the new rows */
    const struct str_list *columns; /* that rows are inserted into */
};

/* What the strategy is with what it is given: never DBT_BY_DEFAULT. ERR_INVALID for one that we do
 * not know. A merge without a key adds rows. */
MUST_CHECK bool incremental_strategy(const struct dbt_spec *spec, enum dbt_strategy *ret,
                                     struct err *err);

/* Whether the new rows have the key at all, to be asked before they delete by it where the database
 * is SQLite: there even the keys' own query sees the columns of the table. */
MUST_CHECK bool incremental_check_key(struct database *db, const struct incremental_sql *in,
                                      struct arena *arena, struct err *err);
/* Deletes the rows whose key the source has, as far as the predicates allow. */
void incremental_delete(const struct incremental_sql *in, struct buf *out);
void incremental_insert(const struct incremental_sql *in, struct buf *out);

/* The columns that a merge updates, as the project or the table names them. ERR_INVALID when both
 * lists are given. */
MUST_CHECK bool incremental_update_columns(const struct incremental_sql *in, struct arena *arena,
                                           struct str_list *ret, struct err *err);
