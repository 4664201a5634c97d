#include <string.h>

#include "agent/transform/loaded_at.h"
#include "common/base/compiler.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

static void test_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value, *time; /* NULL: none */
        bool has_offset;
    } cases[] = {
        {"2026-01-31 10:00:00", "2026-01-31T10:00:00.000Z", false},
        {"2026-01-31T10:00:00.25Z", "2026-01-31T10:00:00.250Z", false},
        {"2026-01-31 10:00", "2026-01-31T10:00:00.000Z", false},
        {"2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00.000Z", true},
        {"2026-01-31 10:00:00 -0130", "2026-01-31T11:30:00.000Z", true},
        {"2026-01-31 10:00:00.5+00", "2026-01-31T10:00:00.500Z", false},
        {"2026-01-31 10:00:00 UTC", "2026-01-31T10:00:00.000Z", false},
        {"2026-01-31t10:00:00z", "2026-01-31T10:00:00.000Z", false},
        {"20260131T100000Z", "2026-01-31T10:00:00.000Z", false},
        {" 2026-01-31 ", "2026-01-31T00:00:00.000Z", false},
        {"20260131", "2026-01-31T00:00:00.000Z", false},
        {"1769853600", "2026-01-31T10:00:00.000Z", false},
        {"1769853600.5", "2026-01-31T10:00:00.500Z", false},
        {"1769853600123", "2026-01-31T10:00:00.123Z", false},
        {"1769853600123456", "2026-01-31T10:00:00.123Z", false},
        {"1769853600123456789", "2026-01-31T10:00:00.123Z", false},
        {"2461071.5", NULL, false}, /* a Julian day, or not? */
        {"12", NULL, false},
        {"20261331", NULL, false},
        {"31.01.2026", NULL, false},
        {"2026-01-31 25:00:00", NULL, false},
        {"9223372036854775807.9", "2262-04-11T23:47:16.854Z", false},
        {"0001-01-01 00:00:00", NULL, false}, /* beyond wall time */
        {"yesterday", NULL, false},
        {"", NULL, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall_time t;
        bool has_offset;
        char text[WALL_TEXT_SIZE];
        print_message("%s\n", cases[i].value);
        bool is_read = loaded_at_read(str_from(cases[i].value), &t, &has_offset);
        assert_int_equal(is_read, cases[i].time != NULL);
        if (is_read) {
            assert_string_equal(wall_format(t, text), cases[i].time);
            assert_int_equal(has_offset, cases[i].has_offset);
        }
    }
}

enum { HOUR = 3600 };

static struct dbt_spec source(struct dbt_world *w)
{
    struct dbt_spec spec = dbt_world_spec(w, DBT_OTHER, "readings", "");
    spec.loaded_at_field = STR("at");
    spec.warn_after_ns = 2 * HOUR * NS_PER_SEC;
    spec.error_after_ns = 6 * HOUR * NS_PER_SEC;
    return spec;
}

static void check(struct dbt_world *w, const struct dbt_spec *spec, enum dbt_status status,
                  int64_t age_seconds, const char *loaded)
{
    w->err = (struct err){0};
    if (!freshness_run(&w->t, spec, &w->arena, &w->result, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    assert_int_equal(w->result.status, status);
    assert_true(w->result.age_ns == age_seconds * NS_PER_SEC);
    assert_true(str_eq(w->result.max_loaded_at, str_from(loaded)));
}

static void init(struct dbt_world *w, const char *rows)
{
    dbt_world_init(w, NULL);
    assert_true(wall_parse(STR("2026-01-31T12:00:00Z"), &w->t.now));
    dbt_world_exec(w, "create table readings (at, site)");
    if (rows != NULL) {
        char sql[512];
        struct buf text = buf_fixed(sql, sizeof sql);
        buf_addf(&text, "insert into readings values %s", rows);
        dbt_world_exec(w, buf_cstr(&text));
    }
}

static void test_statuses(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    init(
        &w,
        "('2026-01-31 10:00:00', 'a'), ('2026-01-31 06:00:00', 'b'), ('2026-01-31 05:59:59', 'c'), "
        "('2026-01-31 13:00:00', 'd'), (null, 'd')");
    struct dbt_spec spec = source(&w);
    spec.freshness_filter = STR("site = 'a' -- the main one");
    check(&w, &spec, DBT_PASS, 2 * HOUR, "2026-01-31T10:00:00.000Z"); /* not longer than 2 hours */
    spec.freshness_filter = STR("site = 'b'");
    check(&w, &spec, DBT_WARN, 6 * HOUR, "2026-01-31T06:00:00.000Z");
    spec.freshness_filter = STR("site = 'c'");
    check(&w, &spec, DBT_ERROR, 6 * HOUR + 1, "2026-01-31T05:59:59.000Z");
    spec.error_after_ns = 0;
    check(&w, &spec, DBT_WARN, 6 * HOUR + 1, "2026-01-31T05:59:59.000Z");
    spec.warn_after_ns = 0;
    check(&w, &spec, DBT_PASS, 6 * HOUR + 1, "2026-01-31T05:59:59.000Z");
    spec.freshness_filter = STR_NONE;
    check(&w, &spec, DBT_PASS, -HOUR, "2026-01-31T13:00:00.000Z");
}

static void test_no_row_is_infinitely_old(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    init(&w, NULL);
    struct dbt_spec spec = source(&w);
    assert_true(freshness_run(&w.t, &spec, &w.arena, &w.result, &w.err));
    assert_int_equal(w.result.status, DBT_ERROR);
    assert_true(w.result.age_ns == INT64_MAX);
    assert_int_equal(w.result.max_loaded_at.len, 0);
}

/* "03:10+02:00" is the greater text, and the earlier time. */
static void test_zones_are_compared_as_times(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    init(&w, "('2026-01-31T11:50:00+02:00', 'a'), ('2026-01-31T11:30:00+01:00', 'a')");
    struct dbt_spec spec = source(&w);
    check(&w, &spec, DBT_PASS, HOUR * 3 / 2, "2026-01-31T10:30:00.000Z");
}

static void test_numbers_and_queries(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    init(&w, "(1769857200, 'a'), (1769853600, 'b')");
    struct dbt_spec spec = source(&w);
    check(&w, &spec, DBT_PASS, HOUR, "2026-01-31T11:00:00.000Z");
    spec.loaded_at_query = STR("with r as (select * from main.readings) select min(at) from r");
    check(&w, &spec, DBT_PASS, 2 * HOUR, "2026-01-31T10:00:00.000Z");
    spec.loaded_at_query =
        STR("select datetime(at, 'unixepoch') from main.readings where site = 'b';");
    check(&w, &spec, DBT_PASS, 2 * HOUR, "2026-01-31T10:00:00.000Z");
}

static void refuse(struct dbt_world *w, const struct dbt_spec *spec, const char *text)
{
    w->err = (struct err){0};
    assert_false(freshness_run(&w->t, spec, &w->arena, &w->result, &w->err));
    if (strstr(w->err.msg, text) == NULL) {
        fail_msg("%s", w->err.msg);
    }
}

static void test_errors(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    init(&w, "('soon', 'a'), ('later', 'b')");
    struct dbt_spec spec = source(&w);
    refuse(&w, &spec, "at: \"soon\" is no time");
    spec.loaded_at_field = STR("nothing");
    refuse(&w, &spec, "nothing");
    spec.loaded_at_field = STR_NONE;
    refuse(&w, &spec, "no loaded_at_field");
    spec.loaded_at_query = STR("select at from readings");
    refuse(&w, &spec, "more than one value");
    spec.loaded_at_query = STR("select 1, 2");
    refuse(&w, &spec, "more than one value");
    spec.loaded_at_query = STR("select 1); delete from readings; --");
    assert_false(freshness_run(&w.t, &spec, &w.arena, &w.result, &w.err));
    dbt_world_check(&w, "select count(*) from readings", "2");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_read),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_no_row_is_infinitely_old),
        cmocka_unit_test(test_zones_are_compared_as_times),
        cmocka_unit_test(test_numbers_and_queries),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
