#include "agent/schedule/schedule.h"

#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"
#include <stdio.h>
#include <string.h>

static struct wall_time at(const char *text)
{
    struct wall_time t;
    if (!wall_parse(str_from(text), &t)) {
        fail_msg("%s is no time", text);
    }
    return t;
}

static struct schedule cron(const char *text)
{
    struct schedule s = {.name = STR("nightly"),
                         .cron_text = str_from(text),
                         .timezone = STR("UTC"),
                         .tz = tz_utc()};
    struct err err = {0};
    assert_true(cron_parse(str_from(text), &s.cron, &err));
    return s;
}

static struct schedule every(int64_t seconds)
{
    return (struct schedule){
        .name = STR("often"), .tz = tz_utc(), .every_ns = seconds * NS_PER_SEC};
}

static void expect_next(const struct schedule *s, const char *after, const char *expected)
{
    struct wall_time next;
    assert_true(schedule_next(s, at(after), &next));
    assert_int_equal(next.ns, at(expected).ns);
}

/* "skips 3 to 02:40:00 | fires 1 from 02:50:00 late 1 | wakes 03:00:00" */
static const char *look(const struct schedule *s, int64_t splay_s, const char *decided,
                        const char *now)
{
    static char text[256];
    struct buf out = buf_fixed(text, sizeof(text));
    struct schedule_look l;
    char time[WALL_TEXT_SIZE];
    schedule_look(s, splay_s * NS_PER_SEC, decided == NULL ? (struct wall_time){0} : at(decided),
                  at(now), &l);
    assert_true(l.skipped == 0 || l.skipped_first.ns <= l.skipped_last.ns);
    assert_true(l.fires == 0 || l.skipped == 0 || l.skipped_last.ns < l.first.ns);
    if (l.begin != SCHEDULE_GOES_ON) {
        buf_add_text(&out, l.begin == SCHEDULE_BEGINS ? "begins " : "begins anew ");
    }
    if (l.skipped > 0) {
        buf_addf(&out, "skips %lld to %.8s ", (long long)l.skipped,
                 wall_format(l.skipped_last, time) + 11);
    }
    if (l.fires > 0) {
        buf_addf(&out, "fires %lld from %.8s late %lld ", (long long)l.fires,
                 wall_format(l.first, time) + 11, (long long)l.late);
    }
    if (l.wake.ns == INT64_MAX) {
        buf_add_text(&out, "never wakes");
    } else {
        buf_addf(&out, "wakes %.19s", wall_format(l.wake, time));
    }
    return buf_cstr(&out);
}

#define LOOK(expected, ...) assert_string_equal(look(__VA_ARGS__), expected)

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
    struct wall_time last;
    assert_true(schedule_last(&odd, next, &last));
    assert_int_equal(last.ns, next.ns);
    assert_true(schedule_last(&odd, (struct wall_time){next.ns - 1}, &last));
    assert_int_equal(last.ns, next.ns - odd.every_ns);
}

static void a_tick_is_due_from_its_nominal_time_on(void **state)
{
    (void)state;
    struct schedule s = every(60);
    LOOK("wakes 2026-11-22T02:31:00", &s, 0, "2026-11-22T02:30:00Z", "2026-11-22T02:30:59.999Z");
    LOOK("fires 1 from 02:31:00 late 0 wakes 2026-11-22T02:32:00", &s, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T02:31:00Z");
    /* decided already */
    LOOK("wakes 2026-11-22T02:32:00", &s, 0, "2026-11-22T02:31:00Z", "2026-11-22T02:31:59Z");
    struct schedule c = cron("30 2 * * *");
    LOOK("wakes 2026-11-22T02:30:00", &c, 0, "2026-11-21T02:30:00Z", "2026-11-22T02:29:59Z");
    LOOK("fires 1 from 02:30:00 late 0 wakes 2026-11-23T02:30:00", &c, 0, "2026-11-21T02:30:00Z",
         "2026-11-22T02:30:00Z");
    LOOK("wakes 2026-11-23T02:30:00", &c, 0, "2026-11-22T02:30:00Z", "2026-11-22T23:00:00Z");
}

static void a_tick_is_missed_when_it_is_more_than_a_minute_late(void **state)
{
    (void)state;
    struct schedule s = cron("30 2 * * *");
    s.missed = MISSED_SKIP;
    LOOK("fires 1 from 02:30:00 late 0 wakes 2026-11-23T02:30:00", &s, 0, "2026-11-21T02:30:00Z",
         "2026-11-22T02:31:00Z");
    LOOK("skips 1 to 02:30:00 wakes 2026-11-23T02:30:00", &s, 0, "2026-11-21T02:30:00Z",
         "2026-11-22T02:31:00.001Z");
    s.missed = MISSED_LATEST;
    LOOK("fires 1 from 02:30:00 late 1 wakes 2026-11-23T02:30:00", &s, 0, "2026-11-21T02:30:00Z",
         "2026-11-22T02:31:00.001Z");
    /* Of several the newest alone can be on time. */
    struct schedule often = every(10);
    often.missed = MISSED_SKIP;
    LOOK("skips 2 to 02:30:20 fires 1 from 02:30:30 late 0 wakes 2026-11-22T02:30:40", &often, 0,
         "2026-11-22T02:30:00Z", "2026-11-22T02:30:31Z");
}

static void missed_latest_fires_the_newest(void **state)
{
    (void)state;
    struct schedule s = every(60);
    LOOK("skips 159 to 05:09:00 fires 1 from 05:10:00 late 0 wakes 2026-11-22T05:11:00", &s, 0,
         "2026-11-22T02:30:00Z", "2026-11-22T05:10:30Z");
    struct schedule c = cron("*/10 * * * *");
    LOOK("fires 1 from 02:40:00 late 1 wakes 2026-11-22T02:50:00", &c, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T02:49:00Z");
    LOOK("skips 143 to 02:20:00 fires 1 from 02:30:00 late 1 wakes 2026-11-23T02:40:00", &c, 0,
         "2026-11-22T02:30:00Z", "2026-11-23T02:39:00Z");
    struct schedule daily = cron("30 2 * * *");
    LOOK("skips 19 to 02:30:00 fires 1 from 02:30:00 late 1 wakes 2026-11-22T02:30:00", &daily, 0,
         "2026-11-01T02:30:00Z", "2026-11-22T02:00:00Z");
}

static void missed_skip_fires_none(void **state)
{
    (void)state;
    struct schedule s = cron("*/10 * * * *");
    s.missed = MISSED_SKIP;
    LOOK("skips 1 to 02:40:00 wakes 2026-11-22T02:50:00", &s, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T02:49:00Z");
    LOOK("skips 144 to 02:30:00 wakes 2026-11-23T02:40:00", &s, 0, "2026-11-22T02:30:00Z",
         "2026-11-23T02:39:00Z");
    LOOK("skips 144 to 02:30:00 fires 1 from 02:40:00 late 0 wakes 2026-11-23T02:50:00", &s, 0,
         "2026-11-22T02:30:00Z", "2026-11-23T02:40:30Z");
}

static void missed_all_fires_the_newest_up_to_a_maximum(void **state)
{
    (void)state;
    struct schedule s = cron("*/10 * * * *");
    s.missed = MISSED_ALL;
    s.missed_max = 3;
    LOOK("fires 2 from 02:40:00 late 2 wakes 2026-11-22T03:00:00", &s, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T02:55:00Z");
    LOOK("fires 3 from 02:40:00 late 3 wakes 2026-11-22T03:10:00", &s, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T03:05:00Z");
    /* One that is on time counts as none of the three. */
    LOOK("fires 4 from 02:40:00 late 3 wakes 2026-11-22T03:20:00", &s, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T03:10:30Z");
    LOOK("skips 141 to 02:00:00 fires 3 from 02:10:00 late 3 wakes 2026-11-23T02:40:00", &s, 0,
         "2026-11-22T02:30:00Z", "2026-11-23T02:39:00Z");
    s.missed_max = 1000;
    LOOK("skips 439 to 03:40:00 fires 1001 from 03:50:00 late 1000 wakes 2026-12-02T02:40:00", &s,
         0, "2026-11-22T02:30:00Z", "2026-12-02T02:30:00Z");
}

/* However long it was, and whatever the spacing of the ticks is. */
static void a_long_absence_is_looked_through_quickly(void **state)
{
    (void)state;
    static const struct {
        const char *cron;
        const char *expected;
    } cases[] = {
        {"* * * * *", "skips 16247669 to 02:29:00 fires 1 from 02:30:00 late 0 "},
        {"0 * * * *", "skips 270793 to 01:00:00 fires 1 from 02:00:00 late 1 "},
        {"0 3 * * *", "skips 11282 to 03:00:00 fires 1 from 03:00:00 late 1 "},
        {"0 0 1 * *", "skips 369 to 00:00:00 fires 1 from 00:00:00 late 1 "},
        {"0 0 29 2 *", "skips 7 to 00:00:00 fires 1 from 00:00:00 late 1 "},
        {"* * 24 12 *", "skips 43199 to 23:58:00 fires 1 from 23:59:00 late 1 "},
        {"30 2 22 11 *", "skips 30 to 02:30:00 fires 1 from 02:30:00 late 0 "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct schedule s = cron(cases[i].cron);
        const char *text = look(&s, 0, "1996-01-01T00:00:00Z", "2026-11-22T02:30:30Z");
        assert_memory_equal(text, cases[i].expected, strlen(cases[i].expected));
    }
    struct schedule s = every(1);
    LOOK("skips 974860229 to 02:30:29 fires 1 from 02:30:30 late 0 wakes 2026-11-22T02:30:31", &s,
         0, "1996-01-01T00:00:00Z", "2026-11-22T02:30:30Z");
}

static void splay_moves_when_a_tick_fires_and_not_what_it_is(void **state)
{
    (void)state;
    struct schedule s = cron("30 2 * * *");
    LOOK("wakes 2026-11-22T02:37:00", &s, 420, "2026-11-21T02:30:00Z", "2026-11-22T02:36:59Z");
    LOOK("fires 1 from 02:30:00 late 0 wakes 2026-11-23T02:37:00", &s, 420, "2026-11-21T02:30:00Z",
         "2026-11-22T02:37:00Z");
    LOOK("fires 1 from 02:30:00 late 0 wakes 2026-11-23T02:37:00", &s, 420, "2026-11-21T02:30:00Z",
         "2026-11-22T02:38:00Z");
    LOOK("fires 1 from 02:30:00 late 1 wakes 2026-11-23T02:37:00", &s, 420, "2026-11-21T02:30:00Z",
         "2026-11-22T02:38:01Z");
    /* A splay longer than the time between two ticks. */
    struct schedule often = cron("*/10 * * * *");
    LOOK("fires 1 from 02:10:00 late 0 wakes 2026-11-22T02:45:00", &often, 1500,
         "2026-11-22T02:00:00Z", "2026-11-22T02:35:00Z");
}

static void splay_is_stable_and_spread(void **state)
{
    (void)state;
    enum { DEVICES = 6000, SPLAY_S = 600, TENTHS = 10 };
    struct schedule s = {.name = STR("nightly"), .splay_ns = SPLAY_S * NS_PER_SEC};
    struct schedule other = {.name = STR("hourly"), .splay_ns = SPLAY_S * NS_PER_SEC};
    int in_tenth[TENTHS] = {0};
    int equal = 0;
    for (int i = 0; i < DEVICES; i++) {
        char device[32];
        (void)snprintf(device, sizeof(device), "shop-%04d", i);
        int64_t splay = schedule_splay(&s, str_from(device));
        assert_int_equal(schedule_splay(&s, str_from(device)), splay);
        assert_true(splay >= 0 && splay < s.splay_ns && splay % NS_PER_SEC == 0);
        in_tenth[splay / NS_PER_SEC * TENTHS / SPLAY_S]++;
        equal += schedule_splay(&other, str_from(device)) == splay;
    }
    for (int i = 0; i < TENTHS; i++) { /* 600 expected, five deviations of 23 allowed */
        assert_in_range(in_tenth[i], 485, 715);
    }
    assert_in_range(equal, 0, 40); /* one in 600 by chance: 10 */
    /* Kept for ever: a new release must not move a fleet's ticks. */
    assert_int_equal(schedule_splay(&s, STR("brooklyn")) / NS_PER_SEC, 113);
    s.splay_ns = NS_PER_SEC;
    assert_int_equal(schedule_splay(&s, STR("brooklyn")), 0);
    s.splay_ns = 0;
    assert_int_equal(schedule_splay(&s, STR("brooklyn")), 0);
}

static void a_schedule_begins_when_it_is_first_looked_at(void **state)
{
    (void)state;
    struct schedule s = cron("30 2 * * *");
    LOOK("begins wakes 2026-11-23T02:30:00", &s, 0, NULL, "2026-11-22T02:30:00Z");
    LOOK("begins wakes 2026-11-22T02:30:00", &s, 0, NULL, "2026-11-22T02:29:59.999Z");
    /* What was due before it began is not due later because of the splay. */
    LOOK("begins wakes 2026-11-23T02:40:00", &s, 600, NULL, "2026-11-22T02:35:00Z");
    LOOK("wakes 2026-11-23T02:40:00", &s, 600, "2026-11-22T02:35:00Z", "2026-11-22T02:45:00Z");
}

static void a_clock_set_back_repeats_nothing(void **state)
{
    (void)state;
    struct schedule s = every(60);
    struct schedule c = cron("*/5 * * * *");
    LOOK("wakes 2026-11-22T02:31:00", &s, 0, "2026-11-22T02:30:00Z", "2026-11-22T01:15:00Z");
    LOOK("wakes 2026-11-22T02:35:00", &c, 0, "2026-11-22T02:30:00Z", "2026-11-22T01:15:00Z");
    LOOK("wakes 2026-11-22T02:35:00", &c, 0, "2026-11-22T02:30:00Z", "2026-11-22T02:30:00Z");
    LOOK("fires 1 from 02:35:00 late 0 wakes 2026-11-22T02:40:00", &c, 0, "2026-11-22T02:30:00Z",
         "2026-11-22T02:35:00Z");
    LOOK("wakes 2026-11-22T02:35:00", &c, 0, "2026-11-22T02:30:00Z", "2026-11-21T02:30:00Z");
    /* It came from further than a day ahead: that was a wrong clock. */
    LOOK("begins anew wakes 2026-11-21T02:30:00", &c, 0, "2026-11-22T02:30:00Z",
         "2026-11-21T02:29:59.999Z");
    LOOK("begins anew wakes 2026-11-22T02:35:00", &c, 0, "2046-01-01T00:00:00Z",
         "2026-11-22T02:30:00Z");
}

static void an_impossible_date_is_never_due(void **state)
{
    (void)state;
    struct schedule s = cron("0 0 30 2 *");
    struct wall_time times[3];
    assert_int_equal(schedule_preview(&s, at("2026-11-22T02:30:00Z"), times, 3), 0);
    LOOK("never wakes", &s, 0, "2024-11-22T02:30:00Z", "2026-11-22T02:30:00Z");
    LOOK("begins never wakes", &s, 0, NULL, "2026-11-22T02:30:00Z");
}

static void a_zone_moves_the_tick(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 16);
    struct schedule s = cron("30 2 * * *");
    s.tz = tzif_zone(&arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    LOOK("fires 1 from 01:30:00 late 1 wakes 2026-11-23T01:30:00", &s, 0, "2026-11-21T01:30:00Z",
         "2026-11-22T02:00:00Z");
    LOOK("fires 1 from 01:00:00 late 0 wakes 2026-03-30T00:30:00", &s, 0, "2026-03-28T01:30:00Z",
         "2026-03-29T01:00:00Z");
    /* At the second 02:30, and at none before it. */
    LOOK("wakes 2026-10-25T01:30:00", &s, 0, "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z");
    LOOK("fires 1 from 01:30:00 late 0 wakes 2026-10-26T01:30:00", &s, 0, "2026-10-24T00:30:00Z",
         "2026-10-25T01:30:00Z");
}

static void a_preview_is_what_will_fire(void **state)
{
    (void)state;
    struct schedule s = cron("0 12 13 * fri");
    struct wall_time times[3];
    assert_int_equal(schedule_preview(&s, at("2026-11-12T00:00:00Z"), times, 3), 3);
    assert_int_equal(times[0].ns, at("2026-11-13T12:00:00Z").ns);
    assert_int_equal(times[1].ns, at("2026-11-20T12:00:00Z").ns);
    assert_int_equal(times[2].ns, at("2026-11-27T12:00:00Z").ns);
}

static void the_clock_is_trusted_by_rule(void **state)
{
    (void)state;
    struct clock_rule rule = {.built = at("2026-11-01")};
    assert_int_equal(schedule_trust(&rule, at("1970-01-01T00:00:10Z")), CLOCK_NOT_SET);
    assert_int_equal(schedule_trust(&rule, at("2026-10-31T23:59:59Z")), CLOCK_NOT_SET);
    assert_int_equal(schedule_trust(&rule, at("2026-11-01T00:00:00Z")), CLOCK_TRUSTED);
    rule.built = (struct wall_time){0}; /* a build that does not know */
    assert_int_equal(schedule_trust(&rule, at("2023-12-31T23:59:59Z")), CLOCK_NOT_SET);
    assert_int_equal(schedule_trust(&rule, at("2024-01-01T00:00:00Z")), CLOCK_TRUSTED);
    rule.requires_sync = true;
    assert_int_equal(schedule_trust(&rule, at("2026-11-22T00:00:00Z")), CLOCK_NOT_SYNCED);
    rule.has_been_synced = true;
    assert_int_equal(schedule_trust(&rule, at("2026-11-22T00:00:00Z")), CLOCK_TRUSTED);
    assert_int_equal(schedule_trust(&rule, at("1970-01-01T00:00:10Z")), CLOCK_NOT_SET);
    assert_string_equal(clock_trust_name(CLOCK_NOT_SYNCED), "not synchronized");
}

static void expect_skip_text(const struct schedule *s, const char *decided, const char *now,
                             enum schedule_absence absence, const char *expected)
{
    AUTO(buf) out = buf_growing(512);
    struct schedule_look l;
    schedule_look(s, 0, at(decided), at(now), &l);
    schedule_write_skip(s, &l, absence, &out);
    assert_string_equal(buf_cstr(&out), expected);
}

static void a_skip_says_how_many_and_why(void **state)
{
    (void)state;
    struct schedule s = cron("0 * * * *");
    expect_skip_text(&s, "2026-11-20T00:00:00Z", "2026-11-21T18:00:30Z", ABSENCE_DOWN,
                     "41 ticks were missed while the agent was down, the first "
                     "2026-11-20T01:00:00.000Z (missed: latest)");
    s.missed = MISSED_SKIP;
    expect_skip_text(&s, "2026-11-20T00:00:00Z", "2026-11-20T01:30:00Z", ABSENCE_CLOCK_SET,
                     "the tick was missed when the clock was set forward (missed: skip)");
    s.missed = MISSED_ALL;
    s.missed_max = 5;
    expect_skip_text(&s, "2026-11-20T00:00:00Z", "2026-11-20T08:30:00Z", ABSENCE_AWAY,
                     "3 ticks were missed while the device slept or was busy, the first "
                     "2026-11-20T01:00:00.000Z (missed: all, at most 5)");
    expect_skip_text(&s, "2016-11-20T00:00:00Z", "2026-11-20T08:30:00Z", ABSENCE_CLOCK_HELD,
                     "87651 ticks were missed while the clock was not to be trusted, "
                     "the first 2016-11-20T01:00:00.000Z (missed: all, at most 5)");
    AUTO(buf) out = buf_growing(512);
    schedule_write_late(ABSENCE_DISK, &out);
    assert_string_equal(buf_cstr(&out), "missed while the database could not be written");
}

static void its_times_are_one_text(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(512);
    struct schedule s = cron("30 2 * * *");
    s.timezone = STR("Europe/Berlin");
    schedule_write_times(&s, &out);
    assert_string_equal(buf_cstr(&out), "30 2 * * * Europe/Berlin");
    buf_reset(&out);
    s = every(15);
    schedule_write_times(&s, &out);
    assert_string_equal(buf_cstr(&out), "every 15000000000 ns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counts_from_1970),
        cmocka_unit_test(a_tick_is_due_from_its_nominal_time_on),
        cmocka_unit_test(a_tick_is_missed_when_it_is_more_than_a_minute_late),
        cmocka_unit_test(missed_latest_fires_the_newest),
        cmocka_unit_test(missed_skip_fires_none),
        cmocka_unit_test(missed_all_fires_the_newest_up_to_a_maximum),
        cmocka_unit_test(a_long_absence_is_looked_through_quickly),
        cmocka_unit_test(splay_moves_when_a_tick_fires_and_not_what_it_is),
        cmocka_unit_test(splay_is_stable_and_spread),
        cmocka_unit_test(a_schedule_begins_when_it_is_first_looked_at),
        cmocka_unit_test(a_clock_set_back_repeats_nothing),
        cmocka_unit_test(an_impossible_date_is_never_due),
        cmocka_unit_test(a_zone_moves_the_tick),
        cmocka_unit_test(a_preview_is_what_will_fire),
        cmocka_unit_test(the_clock_is_trusted_by_rule),
        cmocka_unit_test(a_skip_says_how_many_and_why),
        cmocka_unit_test(its_times_are_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
