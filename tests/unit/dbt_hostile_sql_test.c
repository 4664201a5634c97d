/* A project that means harm reaches nothing but its own tables, and is stopped. */
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

#include <string.h>

#define ENDLESS "with recursive n(i) as (values (1) union all select i + 1 from n) "

/* Statements that have no business in a model, a test or a hook. */
static const char *const outsiders[] = {
    "attach '/etc/passwd' as p",
    "attach database 'other.db' as o",
    "detach main",
    "pragma journal_mode = off",
    "pragma writable_schema = on",
    "vacuum",
    "vacuum into 'copy.db'",
    "begin",
    "commit",
    "rollback",
    "savepoint a",
    "release a",
    "end",
    "select load_extension('/tmp/x.so')",
    "select * from pragma_database_list",
    "select 1 as n; drop table treasure",
    "select 1 as n; attach '/etc/passwd' as p",
    "select 1 as n /* ; */; /* */ delete from treasure",
};

static void begin(struct dbt_world *w)
{
    dbt_world_init(w, NULL);
    dbt_world_exec(w, "create table treasure as select 'gold' as n;"
                      "create table it as select 'old' as n");
}

/* Nothing is attached, open or changed, and work goes on. */
static void check_untouched(struct dbt_world *w)
{
    struct err err = {0};
    dbt_world_check(w, "select n from treasure union all select n from it", "gold\nold");
    dbt_world_check(w, "select name from pragma_database_list where name <> 'temp'", "main");
    dbt_world_check(w, "pragma journal_mode", "wal");
    dbt_world_check(w, "select type, name from sqlite_schema", "table|treasure\ntable|it");
    assert_true(w->t.db->ops->begin(w->t.db, &err));
    w->t.db->ops->rollback(w->t.db);
}

static void as_a_node(enum dbt_materialization materialization)
{
    for (size_t i = 0; i < COUNT_OF(outsiders); i++) {
        AUTO(dbt_world) w;
        begin(&w);
        struct dbt_spec spec = dbt_world_spec(&w, materialization, "it", outsiders[i]);
        if (dbt_world_run(&w, &spec)) {
            fail_msg("carried out: %s", outsiders[i]);
        }
        assert_true(w.err.code == ERR_DENIED || w.err.code == ERR_INVALID);
        check_untouched(&w);
    }
}

static void a_model_reaches_nothing_else(void **state)
{
    (void)state;
    as_a_node(DBT_TABLE);
    as_a_node(DBT_VIEW);
    as_a_node(DBT_INCREMENTAL_TABLE);
    as_a_node(DBT_AS_TEST);
}

static void a_hook_reaches_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(outsiders); i++) {
        for (int place = 0; place < 4; place++) {
            AUTO(dbt_world) w;
            begin(&w);
            struct dbt_hook hook = {.sql = str_from(outsiders[i]), .is_outside = place % 2 == 1};
            struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "it", "select 'old' as n");
            *(place < 2 ? &spec.pre_hooks : &spec.post_hooks) = &hook;
            *(place < 2 ? &spec.pre_hook_count : &spec.post_hook_count) = 1;
            if (dbt_world_run(&w, &spec)) {
                fail_msg("carried out: %s", outsiders[i]);
            }
            assert_true(w.err.code == ERR_DENIED || w.err.code == ERR_INVALID);
            check_untouched(&w);
        }
    }
}

static void a_query_does_not_write(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "delete from treasure",
        "with a as (select 1) delete from treasure",
        "with a as (select 1) insert into treasure select * from a returning n",
        "update treasure set n = 'lead' returning n",
        "drop table treasure",
        "create table more (n)",
        "select 1 as n) delete from treasure --",
        "select 1 as n) as select 1; --",
    };
    static const enum dbt_materialization kinds[] = {DBT_TABLE, DBT_VIEW, DBT_INCREMENTAL_TABLE,
                                                     DBT_AS_TEST};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            AUTO(dbt_world) w;
            begin(&w);
            struct dbt_spec spec = dbt_world_spec(&w, kinds[k], "it", texts[i]);
            if (dbt_world_run(&w, &spec)) {
                fail_msg("carried out: %s", texts[i]);
            }
            check_untouched(&w);
        }
        AUTO(dbt_world) w;
        begin(&w);
        struct query_rows rows;
        assert_false(
            w.t.db->ops->query(w.t.db, str_from(texts[i]), BY_PROJECT, &w.arena, &rows, &w.err));
        check_untouched(&w);
    }
}

/* Everything beside the SQL that comes out of a manifest as text. */
static void settings_are_no_way_in(void **state)
{
    (void)state;
    static const char bad[] = "n) from treasure; drop table treasure; --";
    for (int i = 0; i < 8; i++) {
        AUTO(dbt_world) w;
        begin(&w);
        struct dbt_index index = {.columns = dbt_world_list(&w, bad, NULL)};
        struct dbt_node node = {.relation_name = STR("main.\"it\"; drop table treasure; --")};
        struct dbt_spec spec =
            dbt_world_spec(&w, i < 5 ? DBT_INCREMENTAL_TABLE : DBT_TABLE, "it", "select 'x' as n");
        spec.unique_key = dbt_world_list(&w, i == 0 ? bad : "n", NULL);
        spec.strategy = i == 2 || i == 3 ? DBT_MERGE : DBT_DELETE_INSERT;
        spec.predicates = i == 1 || i == 2 ? dbt_world_list(&w, bad, NULL) : spec.predicates;
        spec.merge_update_columns = i == 3 ? dbt_world_list(&w, bad, NULL) : spec.predicates;
        spec.sql_header = i == 4 ? STR("drop table treasure; select 1") : STR("");
        spec.indexes = &index;
        spec.index_count = i == 5 ? 1 : 0;
        spec.node = i == 6 ? &node : spec.node;
        if (i == 7) {
            spec.materialization = DBT_AS_TEST;
            spec.fail_calc = str_from("1; drop table treasure; --");
        }
        if (dbt_world_run(&w, &spec)) {
            fail_msg("carried out: %d", i);
        }
        check_untouched(&w);
    }
}

/* A type is any text; it comes back when a column is added. */
static void types_are_no_way_in(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    begin(&w);
    dbt_world_exec(&w, "create table odd (k \"int); drop table treasure; --\", b text);"
                       "insert into odd values (1, 'x')");
    struct dbt_spec spec = dbt_world_spec(&w, DBT_INCREMENTAL_TABLE, "odd", "select 2 as k");
    spec.on_schema_change = DBT_SYNC_ALL_COLUMNS;
    assert_false(dbt_world_run(&w, &spec));
    dbt_world_check(&w, "select n from treasure", "gold");
    dbt_world_check(&w, "select * from odd", "1|x");
}

static void other_schemas_and_our_own_tables_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"temp.\"it\"", "other.\"it\"", "main.\"_selvedge_state\"",
                                        "main.\"sqlite_x\""};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AUTO(dbt_world) w;
        begin(&w);
        struct dbt_node node = {.relation_name = str_from(names[i])};
        struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "it", "select 1 as n");
        spec.node = &node;
        assert_false(dbt_world_run(&w, &spec));
        check_untouched(&w);
    }
}

/* --- what never ends, or takes all ----------------------------------------------------------- */

static void an_endless_query_is_stopped(void **state)
{
    (void)state;
    static const enum dbt_materialization kinds[] = {DBT_TABLE, DBT_INCREMENTAL_TABLE, DBT_AS_TEST};
    const struct database_options options = {.statement_timeout_ns = 30 * NS_PER_MS};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        AUTO(dbt_world) w;
        dbt_world_init(&w, &options);
        dbt_world_exec(&w, "create table it as select 'old' as n");
        struct dbt_spec spec =
            dbt_world_spec(&w, kinds[i], "it", ENDLESS "select max(i) as n from n");
        dbt_world_refuse(&w, &spec, ERR_TIMEOUT, "ran longer than 30 ms");
        dbt_world_check(&w, "select n from it", "old");
        /* The limit is of a statement, not of a connection. */
        spec.sql = spec.sql_incremental = STR("select 'new' as n");
        dbt_world_make(&w, &spec);
    }
}

static void a_query_that_hoards_memory_is_stopped(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ENDLESS "select group_concat(i) as n from (select i from n limit 2000000)",
        "select length(randomblob(500000000)) as n",
        "select hex(zeroblob(400000000)) as n",
    };
    const struct database_options options = {.statement_timeout_ns = 60 * NS_PER_SEC,
                                             .memory_max_bytes = 12 << 20};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(dbt_world) w;
        dbt_world_init(&w, &options);
        dbt_world_exec(&w, "create table it as select 'old' as n");
        struct dbt_spec spec = dbt_world_spec(&w, DBT_TABLE, "it", texts[i]);
        dbt_world_refuse(&w, &spec, ERR_NO_MEMORY, "out of memory");
        dbt_world_check(&w, "select n from it", "old");
        spec.sql = STR("select 'new' as n");
        dbt_world_make(&w, &spec);
    }
}

static void answers_are_bounded(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct query_rows rows;
    const struct database_ops *ops = w.t.db->ops;
    assert_false(
        ops->query(w.t.db, STR(ENDLESS "select i from n"), BY_PROJECT, &w.arena, &rows, &w.err));
    assert_int_equal(w.err.code, ERR_FULL);
    assert_false(ops->query(w.t.db, STR("select hex(zeroblob(900000))"), BY_PROJECT, &w.arena,
                            &rows, &w.err));
    assert_int_equal(w.err.code, ERR_FULL);
    assert_true(ops->query(w.t.db, STR(ENDLESS "select i, null from n limit 1000"), BY_PROJECT,
                           &w.arena, &rows, &w.err));
    assert_int_equal(rows.rows, QUERY_ROWS_MAX);
    assert_true(str_eq(rows.values[2 * 999], STR("1000")));
    assert_null(rows.values[2 * 999 + 1].ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_reaches_nothing_else),
        cmocka_unit_test(a_hook_reaches_nothing_else),
        cmocka_unit_test(a_query_does_not_write),
        cmocka_unit_test(settings_are_no_way_in),
        cmocka_unit_test(types_are_no_way_in),
        cmocka_unit_test(other_schemas_and_our_own_tables_are_refused),
        cmocka_unit_test(an_endless_query_is_stopped),
        cmocka_unit_test(a_query_that_hoards_memory_is_stopped),
        cmocka_unit_test(answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
