/* seed_sql.h - the statements that make a seed's table and fill it, typed as dbt-sqlite and dbt-postgres
 * do. Pure. What a project writes into them, types and names without quotes, is checked: nothing in it
 * ends the statement. */
#pragma once
#include "agent/transform/database.h"
#include "common/dbt/seed_types.h"
#include "common/dbt/spec.h"

struct seed_table {
    const struct relation *relation;
    const struct dbt_spec *spec; /* column_types, quotes_columns */
    bool is_postgres;
    const struct str *names;
    const struct seed_column *columns; /* `count` of them, all rows seen */
    size_t count;
};

/* The type declared for a column; false when there is none. */
bool seed_declared_type(const struct dbt_spec *spec, struct str column, struct str *ret);
/* ERR_INVALID for a type or a name that is more than that. */
MUST_CHECK bool seed_check_table(const struct seed_table *table, struct err *err);
void seed_add_create(const struct seed_table *table, struct buf *sql);
/* "insert into ... values", then rows with a comma between. */
void seed_add_insert(const struct seed_table *table, struct buf *sql);
/* False when a field is not of its column's type, whose number is *ret_column. */
MUST_CHECK bool seed_add_row(const struct seed_table *table, const struct str *fields,
                             struct buf *sql, size_t *ret_column);
