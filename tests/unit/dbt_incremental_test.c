/* Incremental models in SQLite: which query, which strategy, which rows. */
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

#define NEWS                                                                                       \
    "create table news (id, shop, amount, at);"                                                    \
    "insert into news values (1, 'a', 10, 100), (2, 'b', 20, 100), (null, 'c', 30, 100)"
#define MORE                                                                                       \
    "delete from news;"                                                                            \
    "insert into news values (2, 'b', 21, 200), (3, 'a', 31, 200), (null, 'c', 32, 200)"
#define SALES "select id, shop, amount, at from sales order by at, id, shop"

/* A table of the first news, and a spec whose next run takes the second. */
static struct dbt_spec begin(struct dbt_world *w)
{
    dbt_world_init(w, NULL);
    dbt_world_exec(w, NEWS);
    struct dbt_spec spec = dbt_world_spec(w, DBT_INCREMENTAL_TABLE, "sales", "select * from news");
    spec.sql_incremental =
        STR("select * from news where at > (select max(at) from main.\"sales\") -- new ones;");
    dbt_world_make(w, &spec);
    assert_false(w->result.was_incremental);
    assert_int_equal(w->result.rows_written, 3);
    dbt_world_exec(w, MORE);
    return spec;
}

static void without_a_key_rows_are_added(void **state)
{
    (void)state;
    static const enum dbt_strategy strategies[] = {DBT_BY_DEFAULT, DBT_APPEND, DBT_MERGE,
                                                   DBT_DELETE_INSERT};
    for (size_t i = 0; i < COUNT_OF(strategies); i++) {
        AUTO(dbt_world) w;
        struct dbt_spec spec = begin(&w);
        spec.strategy = strategies[i];
        dbt_world_make(&w, &spec);
        dbt_world_check(&w, SALES,
                        "NULL|c|30|100\n1|a|10|100\n2|b|20|100\n"
                        "NULL|c|32|200\n2|b|21|200\n3|a|31|200");
        assert_true(w.result.was_incremental);
        assert_int_equal(w.result.rows_written, 3);
        assert_int_equal(w.result.row_count, 6);
        assert_int_equal(w.result.columns.count, 4);
    }
}

/* A strategy that says "append" does, whatever key is there: dbt's word for it. */
static void append_looks_at_no_key(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_APPEND;
    spec.unique_key = dbt_world_list(&w, "id", NULL);
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select count(*) from sales", "6");
}

/* As a column, a list, and an expression; NULL is like nothing, so its row is added. */
static void rows_with_a_known_key_take_the_place_of_the_old(void **state)
{
    (void)state;
    static const enum dbt_strategy strategies[] = {DBT_BY_DEFAULT, DBT_DELETE_INSERT, DBT_MERGE};
    static const char *const keys[][2] = {{"id", NULL},
                                          {"ID", NULL},
                                          {"id", "shop"},
                                          {"id || '-' || shop", NULL},
                                          {"id, shop", NULL}};
    for (size_t i = 0; i < COUNT_OF(strategies); i++) {
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            AUTO(dbt_world) w;
            struct dbt_spec spec = begin(&w);
            spec.strategy = strategies[i];
            spec.unique_key = dbt_world_list(&w, keys[k][0], keys[k][1]);
            dbt_world_make(&w, &spec);
            dbt_world_check(&w, SALES,
                            "NULL|c|30|100\n1|a|10|100\n"
                            "NULL|c|32|200\n2|b|21|200\n3|a|31|200");
            assert_int_equal(w.result.rows_written, 3);
            assert_int_equal(w.result.row_count, 5);
        }
    }
}

static void predicates_say_what_may_be_replaced(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_DELETE_INSERT;
    spec.unique_key = dbt_world_list(&w, "shop", NULL);
    spec.predicates = dbt_world_list(&w, "DBT_INTERNAL_DEST.amount > 10 -- old ones",
                                     "DBT_INTERNAL_DEST.amount < 30");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, SALES,
                    "NULL|c|30|100\n1|a|10|100\n"
                    "NULL|c|32|200\n2|b|21|200\n3|a|31|200");
}

/* --- a merge of some columns ----------------------------------------------------------------- */

static void a_merge_updates_the_columns_that_it_is_told(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "id", NULL);
    spec.merge_update_columns = dbt_world_list(&w, "Amount", NULL);
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, SALES,
                    "NULL|c|30|100\n1|a|10|100\n2|b|21|100\n"
                    "NULL|c|32|200\n3|a|31|200");
    assert_int_equal(w.result.rows_written, 3);
}

static void a_merge_leaves_the_columns_that_are_excluded(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "id", "shop");
    spec.merge_exclude_columns = dbt_world_list(&w, "AMOUNT", "id");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, SALES,
                    "NULL|c|30|100\n1|a|10|100\n"
                    "NULL|c|32|200\n2|b|20|200\n3|a|31|200");
    spec.merge_update_columns = dbt_world_list(&w, "amount", NULL);
    dbt_world_exec(&w, "update news set at = 300");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "cannot both be given");
}

/* Predicates of a merge see both sides; a row that they part from its match is a new one. */
static void a_merge_matches_by_key_and_predicates(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "shop", NULL);
    spec.predicates =
        dbt_world_list(&w, "DBT_INTERNAL_DEST.amount + 1 = DBT_INTERNAL_SOURCE.amount", NULL);
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, SALES,
                    "NULL|c|30|100\n1|a|10|100\n"
                    "NULL|c|32|200\n2|b|21|200\n3|a|31|200");
}

/* An update that makes a row match, or match no more, changes nothing of what is inserted. */
static void a_merge_decides_before_it_changes(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, "create table it as select 1 as k, 10 as p");
    struct dbt_spec spec =
        dbt_world_spec(&w, DBT_INCREMENTAL_TABLE, "it",
                       "select 1 as k, 99 as p union all select 1, 50 where false");
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "k", NULL);
    spec.predicates = dbt_world_list(&w, "DBT_INTERNAL_DEST.p < 50", NULL);
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|99");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from it", "1|99\n1|99");
}

static void a_merge_wants_one_row_for_each_of_the_table(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    dbt_world_exec(&w, "insert into news values (2, 'x', 0, 200)");
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "id", NULL);
    spec.merge_update_columns = dbt_world_list(&w, "amount", NULL);
    dbt_world_refuse(&w, &spec, ERR_INVALID, "several rows for one row");
    dbt_world_check(&w, "select count(*), sum(at) from sales", "3|300");
    /* Several that match nothing are several new rows. */
    dbt_world_exec(&w, "update news set id = 7 where id = 2");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select count(*) from sales where id = 7", "2");
}

static void a_merge_of_some_columns_wants_columns(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "id || shop", NULL);
    spec.merge_update_columns = dbt_world_list(&w, "amount", NULL);
    dbt_world_refuse(&w, &spec, ERR_INVALID, "unique_key id || shop is not a column");
    spec.unique_key = dbt_world_list(&w, "id", NULL);
    spec.merge_update_columns = dbt_world_list(&w, "amounts", NULL);
    dbt_world_refuse(&w, &spec, ERR_INVALID, "merge_update_columns: amounts is not a column");
}

/* --- which query ----------------------------------------------------------------------------- */

static void a_full_refresh_makes_the_table_anew(void **state)
{
    (void)state;
    static const struct {
        enum dbt_refresh setting;
        bool asked;
        bool is_incremental;
    } cases[] = {
        {DBT_AS_ASKED, false, true},   {DBT_AS_ASKED, true, false},
        {DBT_NEVER_FULL, true, true},  {DBT_ALWAYS_FULL, false, false},
        {DBT_NEVER_FULL, false, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(dbt_world) w;
        struct dbt_spec spec = begin(&w);
        spec.full_refresh = cases[i].setting;
        w.t.full_refresh = cases[i].asked;
        dbt_world_make(&w, &spec);
        assert_true(w.result.was_incremental == cases[i].is_incremental);
        dbt_world_check(&w, "select count(*) from sales", cases[i].is_incremental ? "6" : "3");
    }
}

static void without_the_query_for_new_rows_it_is_refused(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.has_incremental = false;
    spec.sql_incremental = STR("");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "the query for new rows only is missing");
    w.t.full_refresh = true;
    dbt_world_make(&w, &spec);
}

static void a_strategy_that_we_do_not_know_is_refused(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_OTHER_STRATEGY;
    spec.strategy_name = STR("microbatch");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "microbatch");
    dbt_world_check(&w, "select count(*) from sales", "3");
}

static void nothing_of_it_stays_beside_the_table(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    struct dbt_spec spec = begin(&w);
    spec.strategy = DBT_MERGE;
    spec.unique_key = dbt_world_list(&w, "id", NULL);
    spec.merge_update_columns = dbt_world_list(&w, "amount", NULL);
    dbt_world_make(&w, &spec);
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select name from sqlite_temp_schema", "");
    dbt_world_check(&w, "select name from sqlite_schema order by name", "news\nsales");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_key_rows_are_added),
        cmocka_unit_test(append_looks_at_no_key),
        cmocka_unit_test(rows_with_a_known_key_take_the_place_of_the_old),
        cmocka_unit_test(predicates_say_what_may_be_replaced),
        cmocka_unit_test(a_merge_updates_the_columns_that_it_is_told),
        cmocka_unit_test(a_merge_leaves_the_columns_that_are_excluded),
        cmocka_unit_test(a_merge_matches_by_key_and_predicates),
        cmocka_unit_test(a_merge_decides_before_it_changes),
        cmocka_unit_test(a_merge_wants_one_row_for_each_of_the_table),
        cmocka_unit_test(a_merge_of_some_columns_wants_columns),
        cmocka_unit_test(a_full_refresh_makes_the_table_anew),
        cmocka_unit_test(without_the_query_for_new_rows_it_is_refused),
        cmocka_unit_test(a_strategy_that_we_do_not_know_is_refused),
        cmocka_unit_test(nothing_of_it_stays_beside_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
