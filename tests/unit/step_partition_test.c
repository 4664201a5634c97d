/* step_partition_test.c - what a step's program and its SQL are told of the partitions it makes. */
#include "agent/run/step_partition.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/partition_fixture.h"
#include <string.h>

#define HOURLY "%Y-%m-%d-%H:%M"

static struct arena arena;
static struct err err;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    err = (struct err){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct step_partition make(const struct partitions *of, const char *first, const char *last)
{
    struct step_partition p;
    struct partition_bounds bounds = {str_from(first), str_from(last)};
    if (!step_partition_make(of, bounds, NULL, &arena, &p, &err)) {
        fail_msg("%s", err.msg);
    }
    return p;
}

static void assert_variables(const struct step_partition *p, const char *expected)
{
    struct step_variable variables[STEP_PARTITION_VARIABLES];
    size_t count = step_partition_variables(p, &arena, variables);
    char memory[512];
    struct buf out = buf_fixed(memory, sizeof(memory));
    for (size_t i = 0; i < count; i++) {
        assert_true(str_starts(variables[i].name, STR("SELVEDGE_PARTITION_")));
        struct str name = str_slice(variables[i].name, strlen("SELVEDGE_PARTITION_"), 99);
        buf_addf(&out, STR_FMT "=" STR_FMT " ", STR_ARG(name), STR_ARG(variables[i].value));
    }
    assert_string_equal(buf_cstr(&out), expected);
}

static void variables(void **state)
{
    (void)state;
    struct partitions days =
        partition_windows_of(&arena, "0 0 * * *", "europe_berlin", "2026-01-01", NULL);
    struct step_partition p = make(&days, "2026-03-29", "");
    assert_int_equal(p.keys.count, 1);
    assert_variables(&p, "KEY=2026-03-29 START_KEY=2026-03-29 END_KEY=2026-03-29 "
                         "WINDOW_START=2026-03-29T00:00:00+01:00 "
                         "WINDOW_END=2026-03-30T00:00:00+02:00 ");
    p = make(&days, "2026-03-28", "2026-03-30");
    assert_int_equal(p.keys.count, 3);
    assert_variables(&p, "START_KEY=2026-03-28 END_KEY=2026-03-30 "
                         "WINDOW_START=2026-03-28T00:00:00+01:00 "
                         "WINDOW_END=2026-03-31T00:00:00+02:00 ");
    struct partitions hours =
        partition_windows_of(&arena, "0 * * * *", "america_new_york", "2026-01-01", HOURLY);
    p = make(&hours, "2026-11-01-01:00-0500", "");
    assert_variables(&p, "KEY=2026-11-01-01:00-0500 START_KEY=2026-11-01-01:00-0500 "
                         "END_KEY=2026-11-01-01:00-0500 WINDOW_START=2026-11-01T01:00:00-05:00 "
                         "WINDOW_END=2026-11-01T02:00:00-05:00 ");
    static const struct str colours[] = {STR_INIT("red"), STR_INIT("green"), STR_INIT("blue")};
    struct partitions of = {.kind = PARTITION_STATIC, .keys = colours, .key_count = 3};
    p = make(&of, "red", "green");
    assert_variables(&p, "START_KEY=red END_KEY=green ");
    p = make(&of, "blue", "");
    assert_variables(&p, "KEY=blue START_KEY=blue END_KEY=blue ");
}

/* A run that was asked for goes on, although the clock stepped back or the offset changed. */
static void whatever_the_clock_says(void **state)
{
    (void)state;
    struct partitions days =
        partition_windows_of(&arena, "0 0 * * *", "europe_berlin", "2026-01-01", NULL);
    days.end_offset = -5;
    struct step_partition p = make(&days, "2100-01-01", "2100-01-03");
    assert_int_equal(p.keys.count, 3);
}

static void assert_sql(const struct step_partition *p, const char *sql, const char *expected)
{
    struct str out = STR_NONE;
    if (!step_partition_sql(p, str_from(sql), &arena, &out, &err)) {
        fail_msg("%s: %s", sql, err.msg);
    }
    assert_true(str_eq(out, str_from(expected)));
}

static void assert_refused(const struct step_partition *p, const char *sql, const char *message)
{
    struct str out = STR_NONE;
    assert_false(step_partition_sql(p, str_from(sql), &arena, &out, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, message);
}

static void sql_templates(void **state)
{
    (void)state;
    struct partitions days =
        partition_windows_of(&arena, "0 0 * * *", "europe_berlin", "2026-01-01", NULL);
    struct step_partition one = make(&days, "2026-03-29", "");
    struct step_partition three = make(&days, "2026-03-28", "2026-03-30");
    assert_sql(&one, "select {{ partition_key }} as day", "select '2026-03-29' as day");
    assert_sql(&one, "{{partition_key}}{{  partition_keys  }}", "'2026-03-29'('2026-03-29')");
    assert_sql(&three, "day in {{ partition_keys }}",
               "day in ('2026-03-28', '2026-03-29', '2026-03-30')");
    assert_sql(&one, "at >= {{ partition_start }} and at < {{ partition_end }}",
               "at >= '2026-03-29 00:00:00' and at < '2026-03-30 00:00:00'");
    assert_sql(&three, "{{ partition_start_utc }} {{ partition_end_utc }}",
               "'2026-03-27 23:00:00' '2026-03-30 22:00:00'");
    /* Not ours: JSON, a lonely brace, an end that never comes. */
    assert_sql(&one, "select '{{\"a\":1}}', '{', '{{', '{{ partition_key'",
               "select '{{\"a\":1}}', '{', '{{', '{{ partition_key'");
    assert_sql(&one, "", "");
    assert_refused(&three, "{{ partition_key }}",
                   "{{ partition_key }} in SQL: the run makes 3 partitions, from 2026-03-28 to "
                   "2026-03-30");
    assert_string_equal(err.hint, "write: in {{ partition_keys }}; or make one partition a run");
    assert_refused(&one, "{{ partion_key }}", "{{ partion_key }} in SQL is not known");
    static const struct str shops[] = {STR_INIT("O'Hara's '"), STR_INIT("b")};
    struct partitions of = {.kind = PARTITION_STATIC, .keys = shops, .key_count = 2};
    struct step_partition shop = make(&of, "O'Hara's '", "");
    assert_sql(&shop, "{{ partition_key }}", "'O''Hara''s '''");
    assert_refused(&shop, "{{ partition_start }}",
                   "{{ partition_start }} in SQL: the partitions are no windows of time");
}

static void what_cannot_be_made(void **state)
{
    (void)state;
    struct step_partition p;
    struct partitions hours =
        partition_windows_of(&arena, "0 * * * *", "etc_utc", "2020-01-01", HOURLY);
    struct partition_bounds bounds = {STR("2020-01-01-00:00"), STR("2021-06-01-00:00")};
    assert_false(step_partition_make(&hours, bounds, NULL, &arena, &p, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_string_equal(
        err.msg, "12409 partitions are more than one run can make (10000, or 128 KiB of keys)");
    assert_string_equal(err.hint, "selvedge-agent backfill makes several runs of them");
    bounds = (struct partition_bounds){STR("2020-01-02-00:00"), STR("2020-01-01-00:00")};
    assert_false(step_partition_make(&hours, bounds, NULL, &arena, &p, &err));
    bounds = (struct partition_bounds){STR("nonsense"), STR_NONE};
    assert_false(step_partition_make(&hours, bounds, NULL, &arena, &p, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    static const struct partitions dynamic = {.kind = PARTITION_DYNAMIC, .set = STR_INIT("shops")};
    bounds = (struct partition_bounds){STR("gone"), STR_NONE};
    assert_false(
        step_partition_make(&dynamic, bounds, &(struct partition_keys){0}, &arena, &p, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void keys_as_json(void **state)
{
    (void)state;
    static const struct str keys[] = {STR_INIT("a\"b"), STR_INIT("c")};
    struct partitions of = {.kind = PARTITION_STATIC, .keys = keys, .key_count = 2};
    struct step_partition p = make(&of, "a\"b", "c");
    struct str json = STR_NONE;
    assert_true(step_partition_json(&p, &arena, &json, &err));
    assert_true(str_eq(json, STR("[\"a\\\"b\",\"c\"]")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(variables, begin, end),
        cmocka_unit_test_setup_teardown(whatever_the_clock_says, begin, end),
        cmocka_unit_test_setup_teardown(sql_templates, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_made, begin, end),
        cmocka_unit_test_setup_teardown(keys_as_json, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
