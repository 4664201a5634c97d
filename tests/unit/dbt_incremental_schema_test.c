/* on_schema_change in SQLite. */
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

#define COLUMNS "select name, type from pragma_table_xinfo('it')"

static struct dbt_spec begin(struct dbt_world *w, enum dbt_schema_change policy, const char *now)
{
    dbt_world_init(w, NULL);
    dbt_world_exec(w, "create table old (k integer, a text, b real);"
                      "insert into old values (1, '10', 1.5), (2, '20', 2.5)");
    struct dbt_spec spec =
        dbt_world_spec(w, DBT_INCREMENTAL_TABLE, "it", "select k, a, b from old");
    spec.on_schema_change = policy;
    spec.unique_key = dbt_world_list(w, "k", NULL);
    spec.sql_incremental = str_from(now);
    dbt_world_make(w, &spec);
    return spec;
}

static void ignored_columns_stay_out(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w, DBT_IGNORE, "select 7 as c, 3.5 as b, 'x' as a, 2 as k");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|x|3.5");
    /* SQLite would take "b" for a text. */
    spec.sql_incremental = STR("select 'x' as a, 2 as k");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "columns that the query has not: \"b\"");
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|x|3.5");
}

static void new_columns_are_appended(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec =
        begin(&w, DBT_APPEND_NEW_COLUMNS,
              "select 2 as k, 'x' as a, cast(7 as integer) as \"c d\", 1 as \"e\"\"f\"");
    dbt_world_exec(&w, "create view on_it as select a, b from it;"
                       "create view broken as select 1 from gone");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|10|1.5|NULL|NULL\n2|x|NULL|7|1");
    dbt_world_check(&w, COLUMNS, "k|INT\na|TEXT\nb|REAL\nc d|INT\ne\"f|");
    assert_int_equal(w.result.columns.count, 5);
}

/* Views on the table, broken views elsewhere, and the table's indexes and triggers do not mind. */
static void all_columns_are_kept_in_step(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec =
        begin(&w, DBT_SYNC_ALL_COLUMNS,
              "select cast(2 as integer) as k, cast(21 as integer) as a, cast(9 as real) as c");
    dbt_world_exec(&w, "create view on_it as select a, b from it;"
                       "create view broken as select 1 from gone;"
                       "create table log (n);"
                       "create index by_a on it (a);"
                       "create trigger noted after insert on it begin"
                       " insert into log values (new.k); end");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select *, typeof(a) from it", "1|10|NULL|integer\n2|21|9.0|integer");
    dbt_world_check(&w, COLUMNS, "k|INT\na|INT\nc|REAL");
    dbt_world_check(&w, "select n from log", "2");
    dbt_world_check(&w, "select type, name from sqlite_schema order by name",
                    "view|broken\nindex|by_a\ntable|it\ntable|log\ntrigger|noted\ntable|old\n"
                    "view|on_it");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|10|NULL\n2|21|9.0");
}

static void an_index_on_a_column_that_goes_is_told(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w, DBT_SYNC_ALL_COLUMNS, "select 3 as k, 'x' as a");
    dbt_world_exec(&w, "create index by_b on it (b)");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "make the table's indexes again");
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|20|2.5");
    dbt_world_check(&w, "select name from sqlite_schema where name = 'by_b'", "by_b");
    dbt_world_exec(&w, "drop index by_b");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|10\n2|20\n3|x");
}

static void a_change_is_an_error_where_it_is_to_be(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w, DBT_FAIL_ON_CHANGE, "select 2 as K, 'x' as a, 3 as c");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "new: \"c\"; gone: \"b\"");
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|20|2.5");
    spec.sql_incremental = STR("select 2 as K, 'x' as a, 3 as b");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|x|3.0");
}

/* In a sub-select the key would be the table's own column, and every row would go. */
static void a_key_that_is_gone_deletes_nothing(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w, DBT_APPEND_NEW_COLUMNS, "select 'x' as a, 3 as b");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "no such column: k");
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|20|2.5");
}

/* What the query has no more keeps its values in the rows that are updated. */
static void a_merge_keeps_what_it_has_no_column_for(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w, DBT_APPEND_NEW_COLUMNS, "select 2 as k, 'x' as a");
    spec.strategy = DBT_MERGE;
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|10|1.5\n2|x|2.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ignored_columns_stay_out),
        cmocka_unit_test(new_columns_are_appended),
        cmocka_unit_test(all_columns_are_kept_in_step),
        cmocka_unit_test(an_index_on_a_column_that_goes_is_told),
        cmocka_unit_test(a_change_is_an_error_where_it_is_to_be),
        cmocka_unit_test(a_key_that_is_gone_deletes_nothing),
        cmocka_unit_test(a_merge_keeps_what_it_has_no_column_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
