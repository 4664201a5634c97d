#include <string.h>

#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

/* Three builds of a shop's items. */
static const char first_build[] =
    "create table items (id, region, price, name, at);"
    "insert into items values (1, 'n', 10, 'one', '2026-01-01'), (2, 'n', 20, 'two', "
    "'2026-01-01'), "
    "(3, 's', 30, null, '2026-01-01'), (4, 's', 40, 'four', '2026-01-01')";
/* 1 changes with a stamp, 2 without, 3 is gone, 4 is stamped only, 5 is new. */
static const char second_build[] =
    "update items set price = 11, at = '2026-02-01' where id = 1;"
    "update items set price = 21 where id = 2; delete from items where id = 3;"
    "update items set at = '2026-02-01' where id = 4;"
    "insert into items values (5, 'n', 50, 'five', '2026-02-02')";
/* 3 is back, 5 is gone, there is a column more. */
static const char third_build[] =
    "insert into items values (3, 's', 30, null, '2026-03-01'); delete from items where id = 5;"
    "alter table items add column color; update items set color = 'red' where id = 1";
static const char *const builds[] = {first_build, second_build, third_build};

static struct dbt_spec snapshot(struct dbt_world *w)
{
    struct dbt_spec spec =
        dbt_world_spec(w, DBT_AS_SNAPSHOT, "history", "select * from main.items");
    spec.unique_key = dbt_world_list(w, "id", NULL);
    spec.valid_from_column = STR("dbt_valid_from");
    spec.valid_to_column = STR("dbt_valid_to");
    spec.scd_id_column = STR("dbt_scd_id");
    spec.updated_at_column = STR("dbt_updated_at");
    spec.is_deleted_column = STR("dbt_is_deleted");
    return spec;
}

static struct dbt_spec by_time(struct dbt_world *w)
{
    struct dbt_spec spec = snapshot(w);
    spec.updated_at = STR("at");
    return spec;
}

static struct dbt_spec by_check(struct dbt_world *w, const char *a, const char *b)
{
    struct dbt_spec spec = snapshot(w);
    spec.is_check_strategy = true;
    spec.check_columns = dbt_world_list(w, a, b);
    return spec;
}

static void run(struct dbt_world *w, const struct dbt_spec *spec)
{
    w->err = (struct err){0};
    if (!snapshot_run(&w->t, spec, &w->arena, &w->result, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
}

/* The build with this number, from 0, on the first of its month. */
static void build(struct dbt_world *w, const struct dbt_spec *spec, int number)
{
    static const char *const times[] = {"2026-01-15T08:00:00Z", "2026-02-15T08:00:00Z",
                                        "2026-03-15T08:00:00Z"};
    assert_true(wall_parse(str_from(times[number]), &w->t.now));
    dbt_world_exec(w, builds[number]);
    run(w, spec);
}

static void build_all(struct dbt_world *w, const struct dbt_spec *spec)
{
    for (int i = 0; i < 3; i++) {
        build(w, spec, i);
    }
}

static void refuse(struct dbt_world *w, const struct dbt_spec *spec, const char *text)
{
    w->err = (struct err){0};
    assert_false(snapshot_run(&w->t, spec, &w->arena, &w->result, &w->err));
    if (strstr(w->err.msg, text) == NULL) {
        fail_msg("%s", w->err.msg);
    }
}

static const char history[] =
    "select id, price, dbt_valid_from, dbt_valid_to from history order by id, rowid";

static void test_by_time(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_time(&w);
    build(&w, &spec, 0);
    assert_int_equal(w.result.columns.count, 9);
    assert_int_equal(w.result.rows_written, 4);
    /* Identities as dbt-sqlite writes them: hex() of md5("1|2026-01-01"). */
    dbt_world_check(
        &w, "select *, typeof(dbt_valid_to) from history where id = 1",
        "1|n|10|one|2026-01-01|0E20256D452C7516FDF63E2873C56418|2026-01-01|2026-01-01|NULL|null");
    build(&w, &spec, 1);
    assert_int_equal(w.result.rows_written, 2 + 3);
    dbt_world_check(&w, history,
                    "1|10|2026-01-01|2026-02-01\n1|11|2026-02-01|NULL\n2|20|2026-01-01|NULL\n"
                    "3|30|2026-01-01|NULL\n4|40|2026-01-01|2026-02-01\n4|40|2026-02-01|NULL\n"
                    "5|50|2026-02-02|NULL");
    build(&w, &spec, 2);
    dbt_world_check(&w, history,
                    "1|10|2026-01-01|2026-02-01\n1|11|2026-02-01|NULL\n2|20|2026-01-01|NULL\n"
                    "3|30|2026-01-01|2026-03-01\n3|30|2026-03-01|NULL\n"
                    "4|40|2026-01-01|2026-02-01\n4|40|2026-02-01|NULL\n5|50|2026-02-02|NULL");
    dbt_world_check(&w, "select name from pragma_table_info('history') where cid = 9", "color");
    dbt_world_check(&w, "select count(*) from sqlite_temp_schema", "0");
    run(&w, &spec); /* nothing new */
    assert_int_equal(w.result.rows_written, 0);
}

static void test_deletions_close_rows(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_time(&w);
    spec.hard_deletes = DBT_DELETES_INVALIDATE;
    build_all(&w, &spec);
    dbt_world_check(&w, history,
                    "1|10|2026-01-01|2026-02-01\n1|11|2026-02-01|NULL\n2|20|2026-01-01|NULL\n"
                    "3|30|2026-01-01|2026-02-15 08:00:00\n3|30|2026-03-01|NULL\n"
                    "4|40|2026-01-01|2026-02-01\n4|40|2026-02-01|NULL\n"
                    "5|50|2026-02-02|2026-03-15 08:00:00");
}

static void test_deletions_are_records(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_check(&w, "price", NULL);
    spec.hard_deletes = DBT_DELETES_NEW_RECORD;
    spec.valid_to_current = STR("'9999-12-31'");
    spec.valid_from_column = STR("since");
    spec.valid_to_column = STR("until");
    build_all(&w, &spec);
    dbt_world_check(
        &w,
        "select id, price, substr(since, 1, 10), substr(until, 1, 10), dbt_is_deleted from "
        "history order by id, rowid",
        "1|10|2026-01-15|2026-02-15|False\n1|11|2026-02-15|9999-12-31|False\n"
        "2|20|2026-01-15|2026-02-15|False\n2|21|2026-02-15|9999-12-31|False\n"
        "3|30|2026-01-15|2026-02-15|False\n3|30|2026-02-15|2026-03-15|True\n"
        "3|30|2026-03-15|9999-12-31|False\n4|40|2026-01-15|9999-12-31|False\n"
        "5|50|2026-02-15|2026-03-15|False\n5|50|2026-03-15|9999-12-31|True");
    /* A deletion is recorded once. */
    run(&w, &spec);
    assert_int_equal(w.result.rows_written, 0);
    dbt_world_check(
        &w,
        "select count(*) from history d join history v on d.dbt_scd_id = hex(md5(v.dbt_scd_id "
        "|| '|' || d.since)) where d.dbt_is_deleted = 'True'",
        "2");
}

static void test_a_new_column_makes_versions_of_all_rows(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_check(&w, NULL, NULL);
    spec.check_columns = (struct str_list){0};
    spec.checks_all_columns = true;
    build_all(&w, &spec);
    dbt_world_check(&w,
                    "select id, count(*), count(dbt_valid_to), max(color) from history group by id",
                    "1|3|2|red\n2|3|2|NULL\n3|2|1|NULL\n4|3|2|NULL\n5|1|0|NULL");
}

static void test_null_is_a_value_like_others(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_check(&w, "NAME", "\"price\"");
    build(&w, &spec, 0);
    run(&w, &spec);
    assert_int_equal(w.result.rows_written, 0);
    dbt_world_exec(
        &w, "update items set name = 'three' where id = 3; update items set name = null where "
            "id = 4");
    run(&w, &spec);
    assert_int_equal(w.result.rows_written, 4);
}

static void test_keys_of_several_columns(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_check(&w, "price", NULL);
    spec.unique_key = dbt_world_list(&w, "id", "region");
    spec.hard_deletes = DBT_DELETES_INVALIDATE;
    build(&w, &spec, 0);
    dbt_world_exec(&w, "update items set region = 'w' where id = 2");
    run(&w, &spec);
    dbt_world_check(&w,
                    "select region, dbt_valid_to is null from history where id = 2 order by rowid",
                    "n|0\nw|1");
}

/* As in dbt: it is like no other, so that each run adds it, and with hard_deletes closes it. */
static void test_a_key_that_is_null(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_time(&w);
    build(&w, &spec, 0);
    dbt_world_exec(&w, "insert into items values (null, 'n', 1, 'none', '2026-01-01')");
    run(&w, &spec);
    run(&w, &spec);
    dbt_world_check(&w, "select count(*), count(dbt_valid_to) from history where id is null",
                    "2|0");
    spec.hard_deletes = DBT_DELETES_INVALIDATE;
    run(&w, &spec);
    dbt_world_check(&w, "select count(*), count(dbt_valid_to) from history where id is null",
                    "3|2");
}

static void test_what_cannot_be_meant(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_check(&w, "lower(name)", NULL);
    build(&w, &spec, 0);
    refuse(&w, &spec, "check_cols: the query has no column lower(name)");
    spec = by_time(&w);
    spec.hard_deletes = DBT_DELETES_NEW_RECORD;
    refuse(&w, &spec, "has no column dbt_is_deleted");
    spec = by_time(&w);
    spec.unique_key = dbt_world_list(&w, "\"Id\"", "\"no\"");
    refuse(&w, &spec, "unique_key: the query has no column \"no\"");
    spec.updated_at = STR_NONE;
    refuse(&w, &spec, "needs updated_at");
    spec = by_time(&w);
    spec.unique_key = (struct str_list){0};
    refuse(&w, &spec, "needs a unique_key");
    dbt_world_exec(&w, "drop table history; create table history as select 1 as id");
    spec = by_time(&w);
    refuse(&w, &spec, "has no column dbt_scd_id");
    dbt_world_exec(&w, "drop table history; create view history as select 1 as id");
    refuse(&w, &spec, "is a view, and a snapshot needs a table");
    spec.sql = STR("select 1 as id, 2 as at; drop table items");
    dbt_world_exec(&w, "drop view history");
    w.err = (struct err){0};
    assert_false(snapshot_run(&w.t, &spec, &w.arena, &w.result, &w.err));
    dbt_world_check(&w, "select count(*) from items", "4");
}

static void test_what_fails_changes_nothing(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = by_check(&w, "price", NULL);
    build(&w, &spec, 0);
    struct str before = dbt_world_rows(&w, history);
    struct dbt_hook hook = {.sql = STR("insert into nowhere values (1)")};
    spec.post_hooks = &hook;
    spec.post_hook_count = 1;
    dbt_world_exec(&w, builds[1]);
    refuse(&w, &spec, "post-hook 1");
    assert_true(str_eq(before, dbt_world_rows(&w, history)));
    spec.post_hook_count = 0;
    run(&w, &spec);
    assert_int_equal(w.result.rows_written, 2 + 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_time),
        cmocka_unit_test(test_deletions_close_rows),
        cmocka_unit_test(test_deletions_are_records),
        cmocka_unit_test(test_a_new_column_makes_versions_of_all_rows),
        cmocka_unit_test(test_null_is_a_value_like_others),
        cmocka_unit_test(test_keys_of_several_columns),
        cmocka_unit_test(test_a_key_that_is_null),
        cmocka_unit_test(test_what_cannot_be_meant),
        cmocka_unit_test(test_what_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
