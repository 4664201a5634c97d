#include "common/model/cron_count.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"

static const char *const zones[] = {"europe_berlin",       "america_new_york", "america_sao_paulo",
                                    "australia_lord_howe", "pacific_apia",     "asia_kathmandu",
                                    "africa_casablanca",   "etc_utc"};
static const char *const expressions[] = {
    "0 * * * *",   "*/17 * * * *",  "30 2 * * *",        "0 0 * * *",   "15,45 1-3 * * *",
    "0 7 * * 3",   "0 0 1 * *",     "0 0 31 * *",        "0 */6 * * *", "59 23 29 2 *",
    "0 12 13 * 5", "10 0 * 2,10 *", "30 0-23/2 */2 * *", "5 4 * * sun",
};

static struct wall_time at(const char *text)
{
    struct wall_time t;
    assert_true(wall_parse(str_from(text), &t));
    return t;
}

enum { NEAR_S = 7200, SAMPLED = 97 };

static void assert_nth(const struct cron *c, const struct tz *tz, struct wall_time from, int64_t n,
                       struct wall_time t)
{
    struct wall_time found;
    struct wall_time before = {t.ns - 1};
    assert_int_equal(cron_count(c, tz, from, t), n);
    assert_int_equal(cron_count(c, tz, from, before), n - 1);
    assert_true(cron_nth(c, tz, from, n, &found));
    assert_int_equal(found.ns, t.ns);
}

/* From one firing to the next with cron_next() for 400 days: the counts and the n-th are to be the
 * same, about each change of the clock at every firing, elsewhere now and then. */
static void compare(const struct cron *c, const struct tz *tz, struct wall_time from)
{
    const int64_t end = from.ns + INT64_C(400) * 86400 * NS_PER_SEC;
    int64_t change = tz_next_change(tz, from.ns / NS_PER_SEC);
    struct wall_time t = from;
    int64_t n = 0;
    while (cron_next(c, tz, t, &t) && t.ns <= end) {
        int64_t seconds = t.ns / NS_PER_SEC;
        n++;
        if (change != INT64_MAX && seconds > change + NEAR_S) {
            change = tz_next_change(tz, seconds);
        }
        bool is_near = change != INT64_MAX && seconds >= change - NEAR_S;
        if (n % SAMPLED == 1 || is_near) {
            assert_nth(c, tz, from, n, t);
        }
    }
}

static void same_as_one_by_one(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(4 << 20);
    for (size_t z = 0; z < COUNT_OF(zones); z++) {
        const struct tz *tz = tzif_real_zone(&arena, zones[z]);
        for (size_t e = 0; e < COUNT_OF(expressions); e++) {
            struct cron c;
            struct err err = {0};
            assert_true(cron_parse(str_from(expressions[e]), &c, &err));
            compare(&c, tz, at("2011-09-30T12:34:56"));
            compare(&c, tz, at("2024-03-31T01:00:00"));
        }
    }
}

/* Beginning within what a change reaches: the second of two equal hours, and a gap. */
static void from_any_moment(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_real_zone(&arena, "europe_berlin");
    static const char *const changes[] = {"2024-10-26T22:30:00", "2024-03-30T22:30:00"};
    for (size_t e = 0; e < COUNT_OF(expressions); e++) {
        struct cron c;
        struct err err = {0};
        assert_true(cron_parse(str_from(expressions[e]), &c, &err));
        for (int minute = 0; minute < 600; minute++) {
            struct wall_time from = at(changes[minute % 2]);
            struct wall_time expected;
            struct wall_time found;
            from.ns += (int64_t)(minute / 2) * 60 * NS_PER_SEC;
            assert_true(cron_next(&c, tz, from, &expected));
            assert_true(cron_nth(&c, tz, from, 1, &found));
            assert_int_equal(found.ns, expected.ns);
            assert_int_equal(cron_count(&c, tz, from, expected), 1);
        }
    }
}

static void never(void **state)
{
    (void)state;
    struct cron c;
    struct err err = {0};
    struct wall_time found;
    assert_true(cron_parse(STR("0 0 30 2 *"), &c, &err));
    assert_int_equal(cron_count(&c, tz_utc(), at("1900-01-01"), at("2200-01-01")), 0);
    assert_false(cron_nth(&c, tz_utc(), at("1900-01-01"), 1, &found));
    assert_true(cron_parse(STR("0 0 29 2 *"), &c, &err));
    assert_false(cron_nth(&c, tz_utc(), at("2024-01-01"), 100000, &found));
    assert_int_equal(cron_count(&c, tz_utc(), at("2024-01-01"), at("2020-01-01")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_one_by_one),
        cmocka_unit_test(from_any_moment),
        cmocka_unit_test(never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
