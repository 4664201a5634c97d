#include "agent/schedule/schedule.h"

#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"
#include <time.h>

static struct wall_time at(const char *text)
{
    struct wall_time t;
    assert_true(wall_parse(str_from(text), &t));
    return t;
}

static struct schedule cron(const char *text)
{
    struct schedule s = {.tz = tz_utc()};
    struct err err = {0};
    assert_true(cron_parse(str_from(text), &s.cron, &err));
    return s;
}

static struct schedule every(int64_t seconds)
{
    return (struct schedule){.tz = tz_utc(), .every_ns = seconds * NS_PER_SEC};
}

static void expect_next(const struct schedule *s, const char *after, const char *expected)
{
    struct wall_time next;
    assert_true(schedule_next(s, at(after), &next));
    assert_int_equal(next.ns, at(expected).ns);
}

/* `expected` NULL: nothing is due. */
static void expect_due(const struct schedule *s, const char *last, const char *now,
                       const char *expected)
{
    struct wall_time due;
    bool is_due = schedule_due(s, at(last), at(now), &due);
    assert_int_equal(is_due, expected != NULL);
    if (expected != NULL && due.ns != at(expected).ns) {
        char text[WALL_TEXT_SIZE];
        fail_msg("last %s, now %s: due %s instead of %s", last, now, wall_format(due, text),
                 expected);
    }
}

static void every_counts_from_1970(void **state)
{
    (void)state;
    struct schedule s = every(15);
    expect_next(&s, "2026-11-22T02:30:00Z", "2026-11-22T02:30:15Z");
    expect_next(&s, "2026-11-22T02:30:14.999Z", "2026-11-22T02:30:15Z");
    expect_next(&s, "2026-11-22T02:30:15Z", "2026-11-22T02:30:30Z");
    expect_next(&s, "1970-01-01T00:00:00Z", "1970-01-01T00:00:15Z");
    struct schedule odd = every(INT64_C(7) * 3600);
    struct wall_time next;
    assert_true(schedule_next(&odd, at("2026-11-22T02:30:00Z"), &next));
    assert_int_equal(next.ns % odd.every_ns, 0);
}

static void a_tick_is_due_from_its_nominal_time_on(void **state)
{
    (void)state;
    struct schedule s = every(60);
    expect_due(&s, "2026-11-22T02:30:00Z", "2026-11-22T02:30:59.999Z", NULL);
    expect_due(&s, "2026-11-22T02:30:00Z", "2026-11-22T02:31:00Z", "2026-11-22T02:31:00Z");
    expect_due(&s, "2026-11-22T02:31:00Z", "2026-11-22T02:31:59Z", NULL); /* decided already */
    struct schedule c = cron("30 2 * * *");
    expect_due(&c, "2026-11-21T02:30:00Z", "2026-11-22T02:29:59Z", NULL);
    expect_due(&c, "2026-11-21T02:30:00Z", "2026-11-22T02:30:00Z", "2026-11-22T02:30:00Z");
    expect_due(&c, "2026-11-22T02:30:00Z", "2026-11-22T23:00:00Z", NULL);
}

static void missed_ticks_are_folded_into_the_latest(void **state)
{
    (void)state;
    struct schedule s = every(60);
    expect_due(&s, "2026-11-22T02:30:00Z", "2026-11-22T05:10:30Z", "2026-11-22T05:10:00Z");
    struct schedule c = cron("*/10 * * * *");
    expect_due(&c, "2026-11-22T02:30:00Z", "2026-11-22T02:49:00Z", "2026-11-22T02:40:00Z");
    expect_due(&c, "2026-11-22T02:30:00Z", "2026-11-23T02:39:00Z", "2026-11-23T02:30:00Z");
    struct schedule daily = cron("30 2 * * *");
    expect_due(&daily, "2026-11-01T02:30:00Z", "2026-11-22T02:00:00Z", "2026-11-21T02:30:00Z");
}

/* The walk begins near the end, whatever the spacing of the ticks is. */
static void a_long_absence_finds_the_latest_tick_too(void **state)
{
    (void)state;
    static const struct {
        const char *cron;
        const char *expected;
    } cases[] = {
        {"* * * * *", "2026-11-22T02:30:00Z"},    {"0 * * * *", "2026-11-22T02:00:00Z"},
        {"0 3 * * *", "2026-11-21T03:00:00Z"},    {"0 0 * * mon", "2026-11-16T00:00:00Z"},
        {"0 0 1 * *", "2026-11-01T00:00:00Z"},    {"0 0 31 12 *", "2025-12-31T00:00:00Z"},
        {"0 0 29 2 *", "2024-02-29T00:00:00Z"},   {"* * 24 12 *", "2025-12-24T23:59:00Z"},
        {"30 2 22 11 *", "2026-11-22T02:30:00Z"},
    };
    clock_t begin = clock();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct schedule s = cron(cases[i].cron);
        expect_due(&s, "1996-01-01T00:00:00Z", "2026-11-22T02:30:30Z", cases[i].expected);
    }
    /* Thirty years of minutes would take many seconds. */
    assert_true(clock() - begin < 10 * CLOCKS_PER_SEC);
}

static void a_clock_set_back_repeats_nothing(void **state)
{
    (void)state;
    struct schedule s = every(60);
    struct schedule c = cron("*/5 * * * *");
    expect_due(&s, "2026-11-22T02:30:00Z", "2026-11-22T01:15:00Z", NULL);
    expect_due(&c, "2026-11-22T02:30:00Z", "2026-11-22T01:15:00Z", NULL);
    expect_due(&c, "2026-11-22T02:30:00Z", "2026-11-22T02:30:00Z", NULL);
    expect_due(&c, "2026-11-22T02:30:00Z", "2026-11-22T02:35:00Z", "2026-11-22T02:35:00Z");
}

/* Told of each second in order, with jumps and steps back: each nominal time at most once, and
 * rising. */
static void one_nominal_tick_is_due_at_most_once(void **state)
{
    (void)state;
    struct schedule s = cron("*/2 * * * *");
    struct wall_time last = at("2026-11-22T02:30:00Z");
    struct wall_time now = last;
    uint64_t random = 1;
    int ticks = 0;
    for (int i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t jump = (random >> 40) % 500 == 0 ? (int64_t)((random >> 33) % 1200) - 600 : 1;
        now.ns += jump * NS_PER_SEC;
        struct wall_time due;
        if (schedule_due(&s, last, now, &due)) {
            assert_true(due.ns > last.ns && due.ns <= now.ns);
            assert_int_equal(due.ns % (120 * NS_PER_SEC), 0);
            last = due;
            ticks++;
        }
    }
    assert_true(ticks > 50);
}

static void an_impossible_date_is_never_due(void **state)
{
    (void)state;
    struct schedule s = cron("0 0 30 2 *");
    struct wall_time next;
    assert_false(schedule_next(&s, at("2026-11-22T02:30:00Z"), &next));
    expect_due(&s, "2024-11-22T02:30:00Z", "2026-11-22T02:30:00Z", NULL);
}

static void a_zone_moves_the_tick(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 16);
    struct schedule s = cron("30 2 * * *");
    s.tz = tzif_zone(&arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    expect_due(&s, "2026-11-21T01:30:00Z", "2026-11-22T02:00:00Z", "2026-11-22T01:30:00Z");
    expect_due(&s, "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counts_from_1970),
        cmocka_unit_test(a_tick_is_due_from_its_nominal_time_on),
        cmocka_unit_test(missed_ticks_are_folded_into_the_latest),
        cmocka_unit_test(a_long_absence_finds_the_latest_tick_too),
        cmocka_unit_test(a_clock_set_back_repeats_nothing),
        cmocka_unit_test(one_nominal_tick_is_due_at_most_once),
        cmocka_unit_test(an_impossible_date_is_never_due),
        cmocka_unit_test(a_zone_moves_the_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
