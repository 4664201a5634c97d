/* Views, tables, hooks and indexes in SQLite. */
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

#define SALES                                                                                      \
    "create table sales (id integer, shop text, amount real);"                                     \
    "insert into sales values (1, 'a', 2.5), (2, 'a', 4), (3, 'b', null)"
#define OBJECTS "select type, name from sqlite_schema order by type, name"

static void a_table_is_made_and_made_again(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, SALES);
    struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "totals",
                                          "select shop, sum(amount) as total from main.\"sales\""
                                          " group by shop");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from totals", "a|6.5\nb|NULL");
    assert_int_equal(w.result.status, DBT_SUCCESS);
    assert_int_equal(w.result.rows_written, 2);
    assert_int_equal(w.result.row_count, 2);
    assert_int_equal(w.result.columns.count, 2);
    assert_true(str_eq(w.result.columns.items[0].name, STR("shop")));
    assert_true(str_eq(w.result.columns.items[0].type, STR("TEXT")));
    assert_true(str_eq(w.result.message, STR("OK")));
    assert_false(w.result.was_incremental);
    dbt_world_exec(&w, "delete from sales where shop = 'b'");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from totals", "a|6.5");
    dbt_world_check(&w, OBJECTS, "table|sales\ntable|totals");
}

static void a_view_is_made_and_made_again(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, SALES);
    struct dbt_spec spec =
        dbt_world_spec(&w, DBT_VIEW, "big", "select id from sales where amount > 3");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from big", "2");
    assert_int_equal(w.result.row_count, -1);
    assert_int_equal(w.result.rows_written, -1);
    assert_int_equal(w.result.columns.count, 1);
    spec.sql = STR("select id from sales where amount < 3");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select * from big", "1");
}

/* A view on it stays, and reads the new one. */
static void a_relation_of_another_kind_gives_way(void **state)
{
    (void)state;
    static const struct {
        const char *old;
        enum dbt_materialization now;
        const char *objects;
    } cases[] = {
        {"create view thing as select 7 as n", DBT_TABLE, "table|thing\nview|on_it"},
        {"create view thing as select 7 as n", DBT_INCREMENTAL_TABLE, "table|thing\nview|on_it"},
        {"create table thing as select 7 as n", DBT_VIEW, "view|on_it\nview|thing"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(dbt_world) w;
        dbt_world_init(&w, NULL);
        dbt_world_exec(&w, cases[i].old);
        dbt_world_exec(&w, "create view on_it as select n from thing");
        struct dbt_spec spec = dbt_world_spec(&w, cases[i].now, "thing", "select 8 as n");
        dbt_world_make(&w, &spec);
        dbt_world_check(&w, OBJECTS, cases[i].objects);
        dbt_world_check(&w, "select * from on_it", "8");
        assert_false(w.result.was_incremental);
    }
}

static void a_virtual_table_does_not(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, "create virtual table thing using fts5(a)");
    struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "thing", "select 1 as a");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "virtual table");
}

/* Ends of texts that would end a statement of ours too early, or comment it out. */
static void text_of_any_shape_is_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "select 1 as n",
        "\n\n  select 1 as n;\n",
        "select 1 as n; -- done",
        "select 1 as n -- done",
        "-- first\nselect 1 as n /* done; */ ;;\n",
        "/* a */ with a as (select 1 as n) select * from a",
        "with recursive a(n) as (values (1)) select n from a -- ;",
        "select 1 as n where ';' <> '--'",
        "values (1)",
    };
    static const enum dbt_materialization kinds[] = {DBT_VIEW, DBT_TABLE, DBT_INCREMENTAL_TABLE};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            AUTO(dbt_world) w;
            dbt_world_init(&w, NULL);
            struct dbt_spec spec = dbt_world_spec(&w, kinds[k], "it", texts[i]);
            dbt_world_make(&w, &spec);
            dbt_world_make(&w, &spec);
            dbt_world_check(&w,
                            "select min(a), max(a) from (select * from it) as t"
                            " join (select 1 as a)",
                            "1|1");
        }
    }
}

static void names_that_need_quotes(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_node node = {.relation_name = STR("main.\"the \"\"big\"\" order; --\"")};
    struct dbt_spec spec =
        dbt_world_spec(&w, DBT_INCREMENTAL_TABLE, "x", "select 1 as \"a b\", 2 as \"select\"");
    spec.node = &node;
    spec.unique_key = dbt_world_list(&w, "a b", "select");
    dbt_world_make(&w, &spec);
    dbt_world_make(&w, &spec);
    assert_true(w.result.was_incremental);
    dbt_world_check(&w, "select * from \"the \"\"big\"\" order; --\"", "1|2");
    dbt_world_check(&w, OBJECTS, "table|the \"big\" order; --");
}

static void rows_are_counted_whatever_their_columns_are_called(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec =
        dbt_world_spec(&w, DBT_TABLE, "x",
                       "select 70 as rowid, 80 as _rowid_, 90 as oid union all values (1, 2, 3)");
    dbt_world_make(&w, &spec);
    assert_int_equal(w.result.rows_written, 2);
    spec.sql = STR("select 70 as rowid, 80 as oid union all values (1, 2) union all values (1, 2)");
    dbt_world_make(&w, &spec);
    assert_int_equal(w.result.rows_written, 3);
    spec.sql = STR("select 1 as n where false");
    dbt_world_make(&w, &spec);
    assert_int_equal(w.result.rows_written, 0);
}

/* --- hooks ----------------------------------------------------------------------------------- */

static void hooks_run_in_their_order_and_place(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, "create table log (what text)");
    struct dbt_hook pre[] = {
        {.sql = STR("insert into log values ('before');")},
        {.sql = STR("insert into log values ('outside, before')"), .is_outside = true},
        {.sql = STR("  -- nothing\n;")},
        {.sql = STR("")},
    };
    struct dbt_hook post[] = {
        {.sql = STR("insert into log select 'after, outside, ' || count(*) from it"),
         .is_outside = true},
        {.sql = STR("insert into log select 'after, ' || count(*) from it")},
        {.sql = STR("insert into it values (9)")},
    };
    struct dbt_spec spec =
        dbt_world_spec(&w, DBT_TABLE, "it", "select 1 as n union all select 2 from log");
    spec.pre_hooks = pre;
    spec.pre_hook_count = COUNT_OF(pre);
    spec.post_hooks = post;
    spec.post_hook_count = COUNT_OF(post);
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select what from log",
                    "outside, before\nbefore\nafter, 3\nafter, outside, 4");
    assert_int_equal(w.result.rows_written, 3);
    assert_int_equal(w.result.row_count, 4);
}

/* Whatever fails inside, all is as it was. */
static void a_hook_that_fails_undoes_all(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, "create table log (what text); create table it as select 'old' as n");
    struct dbt_hook pre = {.sql = STR("insert into log values ('before')")};
    struct dbt_hook post = {.sql = STR("insert into missing values (1)")};
    struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "it", "select 'new' as n");
    spec.pre_hooks = &pre;
    spec.pre_hook_count = 1;
    spec.post_hooks = &post;
    spec.post_hook_count = 1;
    dbt_world_refuse(&w, &spec, ERR_INVALID, "post-hook 1");
    dbt_world_check(&w, "select n, (select count(*) from log) from it", "old|0");
    post.is_outside = true;
    dbt_world_refuse(&w, &spec, ERR_INVALID, "after the commit: post-hook 1");
    dbt_world_check(&w, "select n, (select count(*) from log) from it", "new|1");
}

static void a_model_that_fails_leaves_the_old_one(void **state)
{
    (void)state;
    static const enum dbt_materialization kinds[] = {DBT_VIEW, DBT_TABLE, DBT_INCREMENTAL_TABLE};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        AUTO(dbt_world) w;
        dbt_world_init(&w, NULL);
        struct dbt_spec spec = dbt_world_spec(&w, kinds[i], "it", "select 'old' as n");
        dbt_world_make(&w, &spec);
        spec.sql = spec.sql_incremental = STR("select n from missing");
        dbt_world_refuse(&w, &spec, ERR_INVALID, "missing");
        dbt_world_check(&w, "select n from it", "old");
    }
}

static void a_header_runs_before_the_query(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "it", "select n from numbers");
    spec.sql_header = STR("create temporary table numbers as select 5 as n;");
    dbt_world_make(&w, &spec);
    dbt_world_check(&w, "select n from it", "5");
}

/* --- indexes --------------------------------------------------------------------------------- */

static void indexes_are_made_with_the_table(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_index indexes[] = {
        {.columns = dbt_world_list(&w, "a b", "n"), .is_unique = true},
        {.columns = dbt_world_list(&w, "lower(\"a b\")", NULL), .type = STR("hash")},
    };
    struct dbt_spec spec =
        dbt_world_spec(&w, DBT_INCREMENTAL_TABLE, "it", "select 'x' as \"a b\", 1 as n");
    spec.strategy = DBT_APPEND;
    spec.indexes = indexes;
    spec.index_count = COUNT_OF(indexes);
    dbt_world_make(&w, &spec);
    /* The names: printf 'a b_n_main."it"_True_None' | md5sum */
    dbt_world_check(
        &w, "select sql from sqlite_schema where type = 'index' order by rowid",
        "CREATE UNIQUE INDEX \"cfb342469f027772c4ca964ae8c8bee5\" on \"it\" (\"a b\", \"n\")\n"
        "CREATE INDEX \"9602fcdd8c15e9321b002cd6a7c1fd6e\" on \"it\" (lower(\"a b\"))");
    dbt_world_refuse(&w, &spec, ERR_EXISTS, "UNIQUE");
    w.t.full_refresh = true;
    dbt_world_make(&w, &spec);
    spec.sql = STR("select 'x' as \"a b\", 1 as n union all values ('x', 1)");
    dbt_world_refuse(&w, &spec, ERR_EXISTS, "index");
    dbt_world_check(&w, "select count(*) from it", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_made_and_made_again),
        cmocka_unit_test(a_view_is_made_and_made_again),
        cmocka_unit_test(a_relation_of_another_kind_gives_way),
        cmocka_unit_test(a_virtual_table_does_not),
        cmocka_unit_test(text_of_any_shape_is_taken),
        cmocka_unit_test(names_that_need_quotes),
        cmocka_unit_test(rows_are_counted_whatever_their_columns_are_called),
        cmocka_unit_test(hooks_run_in_their_order_and_place),
        cmocka_unit_test(a_hook_that_fails_undoes_all),
        cmocka_unit_test(a_model_that_fails_leaves_the_old_one),
        cmocka_unit_test(a_header_runs_before_the_query),
        cmocka_unit_test(indexes_are_made_with_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
