#include "common/model/cron.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"
#include <string.h>

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static struct wall_time at(const char *text)
{
    struct wall_time t;
    assert_true(wall_parse(str_from(text), &t));
    return t;
}

static struct cron parse(const char *text)
{
    struct cron c;
    struct err err = {0};
    if (!cron_parse(str_from(text), &c, &err)) {
        print_error("%s: %s\n", text, err.msg);
        fail();
    }
    return c;
}

/* The firings after `from`, as text, one after the other. */
static void assert_fires(const struct tz *tz, const char *expression, const char *from,
                         const char *const *expected, size_t count)
{
    struct cron c = parse(expression);
    struct wall_time t = at(from);
    for (size_t i = 0; i < count; i++) {
        assert_true(cron_next(&c, tz, t, &t));
        char text[WALL_TEXT_SIZE];
        wall_format(t, text);
        text[16] = 'Z'; /* seconds are always 0 */
        text[17] = '\0';
        if (strcmp(text, expected[i]) != 0) {
            print_error("%s: firing %zu\n", expression, i);
        }
        assert_string_equal(text, expected[i]);
    }
}

#define FIRES(tz, expression, from, ...)                                                           \
    assert_fires(tz, expression, from, (const char *const[]){__VA_ARGS__},                         \
                 COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void plain_times(void **state)
{
    (void)state;
    const struct tz *utc = tz_utc();
    FIRES(utc, "30 2 * * *", "2026-11-22T02:29:59", "2026-11-22T02:30Z", "2026-11-23T02:30Z");
    FIRES(utc, "30 2 * * *", "2026-11-22T02:30:00", "2026-11-23T02:30Z"); /* strictly after */
    FIRES(utc, "30 2 * * *", "2026-11-22T02:29:59.999", "2026-11-22T02:30Z");
    FIRES(utc, "*/15 * * * *", "2026-12-31T23:40:00", "2026-12-31T23:45Z", "2027-01-01T00:00Z");
    FIRES(utc, "5/20 9-17/4 * * *", "2026-01-01T09:45:00", "2026-01-01T13:05Z", "2026-01-01T13:25Z",
          "2026-01-01T13:45Z", "2026-01-01T17:05Z");
    FIRES(utc, "0 0 1 jan,JUL *", "2026-01-01T00:00:00", "2026-07-01T00:00Z", "2027-01-01T00:00Z");
    FIRES(utc, " 0\t0  31 * * ", "2026-01-31T00:00:00", "2026-03-31T00:00Z", "2026-05-31T00:00Z");
    FIRES(utc, "0 0 29 2 *", "2026-01-01", "2028-02-29T00:00Z", "2032-02-29T00:00Z");
    FIRES(utc, "0 0 29 2 *", "2096-03-01", "2104-02-29T00:00Z");
    FIRES(utc, "59 23 31 12 *", "1969-12-31T23:58:59.5", "1969-12-31T23:59Z", "1970-12-31T23:59Z");
}

static void nicknames(void **state)
{
    (void)state;
    const struct tz *utc = tz_utc();
    FIRES(utc, "@hourly", "2026-11-22T02:30:00", "2026-11-22T03:00Z", "2026-11-22T04:00Z");
    FIRES(utc, "@daily", "2026-11-22T02:30:00", "2026-11-23T00:00Z");
    FIRES(utc, "@Daily", "2026-11-22T02:30:00", "2026-11-23T00:00Z");
    FIRES(utc, " @midnight ", "2026-11-22T02:30:00", "2026-11-23T00:00Z");
    FIRES(utc, "@weekly", "2026-11-22T02:30:00", "2026-11-29T00:00Z"); /* a Sunday */
    FIRES(utc, "@monthly", "2026-11-22T02:30:00", "2026-12-01T00:00Z");
    FIRES(utc, "@yearly", "2026-11-22T02:30:00", "2027-01-01T00:00Z");
}

static void days_by_the_rule_of_dagster(void **state)
{
    (void)state;
    const struct tz *utc = tz_utc();
    /* Both restricted: either. 2026-11-13 is a Friday. */
    FIRES(utc, "0 0 15 * fri", "2026-11-12T12:00:00", "2026-11-13T00:00Z", "2026-11-15T00:00Z",
          "2026-11-20T00:00Z");
    FIRES(utc, "0 0 * * 5-7", "2026-11-12T12:00:00", "2026-11-13T00:00Z", "2026-11-14T00:00Z",
          "2026-11-15T00:00Z", "2026-11-20T00:00Z");
    FIRES(utc, "0 0 * * 0", "2026-11-12T12:00:00", "2026-11-15T00:00Z");
    /* A star alone restricts nothing; one with a step does, unlike in Vixie's cron. */
    FIRES(utc, "0 0 */20 * mon", "2026-11-01T12:00:00", "2026-11-02T00:00Z", "2026-11-09T00:00Z",
          "2026-11-16T00:00Z", "2026-11-21T00:00Z", "2026-11-23T00:00Z");
    /* Every day named in full restricts nothing only beside a star. */
    FIRES(utc, "0 0 1-31 * mon", "2026-11-01T12:00:00", "2026-11-02T00:00Z", "2026-11-03T00:00Z");
    FIRES(utc, "0 0 1-31 * */6", "2026-11-01T12:00:00", "2026-11-07T00:00Z", "2026-11-08T00:00Z");
    FIRES(utc, "0 0 */20 * 0-6", "2026-11-01T12:00:00", "2026-11-21T00:00Z", "2026-12-01T00:00Z");
    FIRES(utc, "0 0 20 * */1", "2026-11-01T12:00:00", "2026-11-02T00:00Z", "2026-11-03T00:00Z");
    /* A February 29 that is a Sunday. */
    FIRES(utc, "0 0 29 2 sun", "2027-02-10", "2027-02-14T00:00Z", "2027-02-21T00:00Z");
}

static void ranges_go_on_behind_the_end(void **state)
{
    (void)state;
    const struct tz *utc = tz_utc();
    FIRES(utc, "0 22-1 * * *", "2026-11-12T12:00:00", "2026-11-12T22:00Z", "2026-11-12T23:00Z",
          "2026-11-13T00:00Z", "2026-11-13T01:00Z", "2026-11-13T22:00Z");
    FIRES(utc, "0 0 * * fri-mon", "2026-11-12T12:00:00", "2026-11-13T00:00Z", "2026-11-14T00:00Z",
          "2026-11-15T00:00Z", "2026-11-16T00:00Z", "2026-11-20T00:00Z");
    FIRES(utc, "0 0 1 nov-jan *", "2026-11-12T12:00:00", "2026-12-01T00:00Z", "2027-01-01T00:00Z",
          "2027-11-01T00:00Z");
    /* 7 is another name of 0, at either end. */
    FIRES(utc, "0 0 * * 7-1", "2026-11-12T12:00:00", "2026-11-15T00:00Z", "2026-11-16T00:00Z",
          "2026-11-22T00:00Z");
    FIRES(utc, "0 0 * * 3-7/2", "2026-11-12T12:00:00", "2026-11-13T00:00Z", "2026-11-15T00:00Z",
          "2026-11-18T00:00Z");
    FIRES(utc, "0 0 * * 0-7/3", "2026-11-12T12:00:00", "2026-11-14T00:00Z", "2026-11-15T00:00Z",
          "2026-11-18T00:00Z");
    /* An open step ends with Saturday, and does not come to Sunday a second time. */
    FIRES(utc, "0 0 * * 1/3", "2026-11-12T12:00:00", "2026-11-16T00:00Z", "2026-11-19T00:00Z");
    FIRES(utc, "0 0 * * 7/3", "2026-11-12T12:00:00", "2026-11-14T00:00Z", "2026-11-15T00:00Z",
          "2026-11-18T00:00Z");
}

static void gaps_fire_once_behind_them(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_zone(&arena, BERLIN);
    FIRES(tz, "30 2 * * *", "2026-03-28T00:00:00", "2026-03-28T01:30Z", "2026-03-29T01:00Z",
          "2026-03-30T00:30Z");
    /* Three times within the gap, and the hour behind it: one firing. */
    FIRES(tz, "0,15,30 2,3 * * *", "2026-03-29T00:00:00", "2026-03-29T01:00Z", "2026-03-29T01:15Z",
          "2026-03-29T01:30Z", "2026-03-30T00:00Z");
    FIRES(tz, "30 2 * * *", "2026-03-29T01:00:00", "2026-03-30T00:30Z");
    FIRES(tz, "0 3 * * *", "2026-03-29T00:59:59", "2026-03-29T01:00Z", "2026-03-30T01:00Z");
    /* The date that did not exist in Samoa. */
    const struct tz *apia = tzif_real_zone(&arena, "pacific_apia");
    FIRES(apia, "0 12 30 12 *", "2011-12-01T00:00:00", "2011-12-30T10:00Z", "2012-12-29T22:00Z");
}

static void gaps_at_midnight(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    /* 2018-11-04 began at 01:00; the day before its end was 03:00Z. */
    const struct tz *sao_paulo = tzif_real_zone(&arena, "america_sao_paulo");
    FIRES(sao_paulo, "@daily", "2018-11-03T12:00:00", "2018-11-04T03:00Z", "2018-11-05T02:00Z");
    FIRES(sao_paulo, "45 0 * * *", "2018-11-03T12:00:00", "2018-11-04T03:00Z", "2018-11-05T02:45Z");
    FIRES(sao_paulo, "30 0,1 * * *", "2018-11-03T12:00:00", "2018-11-04T03:00Z",
          "2018-11-04T03:30Z", "2018-11-05T02:30Z");
    /* 2018-02-18 began twice: at 02:00Z the clock went back to 23:00. */
    FIRES(sao_paulo, "30 23 * * *", "2018-02-17T12:00:00", "2018-02-18T02:30Z",
          "2018-02-19T02:30Z");
    FIRES(sao_paulo, "30 23 17 2 *", "2018-02-18T01:45:00", "2018-02-18T02:30Z");
    /* 1986 began in Nepal at 00:15. */
    const struct tz *kathmandu = tzif_real_zone(&arena, "asia_kathmandu");
    FIRES(kathmandu, "5 0 1 1 *", "1985-12-01T00:00:00", "1985-12-31T18:30Z", "1986-12-31T18:20Z");
    FIRES(kathmandu, "15 0 1 1 *", "1985-12-01T00:00:00", "1985-12-31T18:30Z");
    FIRES(kathmandu, "*/10 * * * *", "1985-12-31T18:15:00", "1985-12-31T18:20Z",
          "1985-12-31T18:35Z");
}

static void repeated_times_fire_the_second_time(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_zone(&arena, BERLIN);
    FIRES(tz, "30 2 * * *", "2026-10-24T12:00:00", "2026-10-25T01:30Z", "2026-10-26T01:30Z");
    /* Asked in the hour that will be repeated, before and after the time of day, and in between. */
    FIRES(tz, "30 2 * * *", "2026-10-25T00:10:00", "2026-10-25T01:30Z", "2026-10-26T01:30Z");
    FIRES(tz, "30 2 * * *", "2026-10-25T00:45:00", "2026-10-25T01:30Z");
    FIRES(tz, "30 2 * * *", "2026-10-25T01:10:00", "2026-10-25T01:30Z");
    FIRES(tz, "30 2 * * *", "2026-10-25T01:30:00", "2026-10-26T01:30Z");
    FIRES(tz, "*/30 1,2,3 * * *", "2026-10-24T23:10:00", "2026-10-24T23:30Z", "2026-10-25T01:00Z",
          "2026-10-25T01:30Z", "2026-10-25T02:00Z", "2026-10-25T02:30Z", "2026-10-26T00:00Z");
    FIRES(tz, "0 0 25 10 *", "2026-10-24T00:00:00", "2026-10-24T22:00Z", "2027-10-24T22:00Z");
    /* Half an hour is repeated. */
    const struct tz *lord_howe = tzif_real_zone(&arena, "australia_lord_howe");
    FIRES(lord_howe, "30,45 1 * * *", "2026-04-04T13:10:00", "2026-04-04T15:00Z",
          "2026-04-04T15:15Z", "2026-04-05T15:00Z");
    /* And half an hour is missing in October. */
    FIRES(lord_howe, "10 2 * * *", "2026-10-03T00:00:00", "2026-10-03T15:30Z", "2026-10-04T15:10Z");
}

static void every_hour_means_every_real_hour(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_zone(&arena, BERLIN);
    FIRES(tz, "30 * * * *", "2026-03-29T00:00:00", "2026-03-29T00:30Z", "2026-03-29T01:30Z");
    FIRES(tz, "30 * * * *", "2026-10-25T00:00:00", "2026-10-25T00:30Z", "2026-10-25T01:30Z",
          "2026-10-25T02:30Z");
    FIRES(tz, "0 0-23 * * *", "2026-10-24T23:30:00", "2026-10-25T00:00Z", "2026-10-25T01:00Z");
    /* Local hours begin at half past in a zone of half hours, which also shift by half an hour. */
    const struct tz *lord_howe = tzif_real_zone(&arena, "australia_lord_howe");
    FIRES(lord_howe, "@hourly", "2026-04-04T13:10:00", "2026-04-04T14:00Z", "2026-04-04T15:30Z");
    FIRES(lord_howe, "*/20 * * * *", "2026-04-04T14:30:00", "2026-04-04T14:40Z",
          "2026-04-04T15:10Z", "2026-04-04T15:30Z");
}

static void impossible_dates_never_fire(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    static const char *const never[] = {"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "* * 30 2 *"};
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        struct cron c = parse(never[i]);
        struct wall_time t = {7};
        assert_false(cron_next(&c, tzif_zone(&arena, BERLIN), at("2026-01-01"), &t));
        assert_false(cron_next(&c, tz_utc(), (struct wall_time){INT64_MIN}, &t));
        assert_false(cron_next(&c, tz_utc(), (struct wall_time){INT64_MAX}, &t));
        assert_int_equal(t.ns, 7);
    }
    struct cron minutely = parse("* * * * *");
    struct wall_time t = {7};
    assert_false(cron_next(&minutely, tz_utc(), (struct wall_time){INT64_MAX}, &t));
    assert_true(cron_next(&minutely, tz_utc(), (struct wall_time){INT64_MIN}, &t));
}

static void the_last_firing_is_found(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_zone(&arena, BERLIN);
    static const struct {
        const char *cron;
        const char *expected;
    } cases[] = {
        {"* * * * *", "2026-11-22T02:30:00Z"},   {"0 * * * *", "2026-11-22T02:00:00Z"},
        {"0 3 * * *", "2026-11-22T02:00:00Z"},   {"0 4 * * *", "2026-11-21T03:00:00Z"},
        {"0 0 1 * *", "2026-10-31T23:00:00Z"},   {"0 0 29 2 *", "2024-02-28T23:00:00Z"},
        {"* * 24 12 *", "2025-12-24T22:59:00Z"}, {"30 2 25 10 *", "2026-10-25T01:30:00Z"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cron c = parse(cases[i].cron);
        struct wall_time last;
        assert_true(cron_last(&c, tz, at("2026-11-22T02:30:30.5"), &last));
        assert_int_equal(last.ns, at(cases[i].expected).ns);
    }
    struct cron never = parse("0 0 30 2 *");
    struct wall_time t = {7};
    assert_false(cron_last(&never, tz, at("2026-01-01"), &t));
    assert_false(cron_last(&never, tz, (struct wall_time){INT64_MIN}, &t));
    struct cron minutely = parse("* * * * *");
    assert_false(cron_last(&minutely, tz, (struct wall_time){INT64_MIN}, &t));
    assert_int_equal(t.ns, 7);
    assert_true(cron_last(&minutely, tz, (struct wall_time){INT64_MAX}, &t));
}

static bool is_named(const struct cron *c, int64_t local)
{
    struct civil_time f = civil_from_seconds(local);
    bool day = (c->days >> f.day & 1) != 0;
    bool weekday = (c->weekdays >> f.weekday & 1) != 0;
    bool is_day = c->any_day || c->any_weekday ? day && weekday : day || weekday;
    return is_day && (c->months >> f.month & 1) != 0 && (c->hours >> f.hour & 1) != 0 &&
           (c->minutes >> f.minute & 1) != 0;
}

/* Minute by minute: due when the clock shows a named time that it will not show again, or has just
 * jumped over one. */
static void compare(const struct cron *c, const struct tz *tz, const char *from, const char *until)
{
    int64_t t = at(from).ns / NS_PER_SEC;
    int64_t end = at(until).ns / NS_PER_SEC;
    struct wall_time next = at(from);
    assert_true(cron_next(c, tz, next, &next));
    for (t += 60; t < end; t += 60) {
        int64_t local = t + tz_offset_at(tz, t);
        int64_t change = tz_next_change(tz, t);
        bool is_shown_again = local >= change + tz_offset_at(tz, change);
        bool is_due = is_named(c, local) && !is_shown_again;
        for (int64_t jumped = t - 60 + tz_offset_at(tz, t - 60) + 60; jumped < local;
             jumped += 60) {
            is_due = is_due || is_named(c, jumped);
        }
        assert_int_equal(is_due, t == next.ns / NS_PER_SEC);
        if (is_due) {
            struct wall_time last;
            assert_true(cron_last(c, tz, next, &last));
            assert_int_equal(last.ns, next.ns);
            assert_true(cron_next(c, tz, next, &next));
            assert_true(cron_last(c, tz, (struct wall_time){next.ns - 1}, &last));
            assert_int_equal(last.ns, t * NS_PER_SEC);
        }
    }
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_zone(&arena, BERLIN);
    static const char *const expressions[] = {"*/7 1-3 * * *", "10 2,23 1,15,29 * sun",
                                              "17 */5 * 3,10 1-5", "0 4 25-31 * 0"};
    for (size_t i = 0; i < COUNT_OF(expressions); i++) {
        struct cron c = parse(expressions[i]);
        compare(&c, tz, "2026-03-20", "2026-04-02");
        compare(&c, tz, "2026-10-20", "2026-11-02");
    }
}

static void errors_name_field_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *msg;
    } cases[] = {
        {"", "minute (column 1): the field is missing"},
        {"  ", "minute (column 1): the field is missing"},
        {"0 0 1 1", "day of week (column 8): the field is missing"},
        {"60 * * * *", "minute (column 1): 60 is above 59"},
        {"0 24 * * *", "hour (column 3): 24 is above 23"},
        {"  0 24 * * *", "hour (column 5): 24 is above 23"},
        {"0 0 0 * *", "day of month (column 5): 0 is below 1"},
        {"0 0 * 13 *", "month (column 7): 13 is above 12"},
        {"0 0 * * 8", "day of week (column 9): 8 is above 7"},
        {"0 0 * foo *", "month (column 7): \"foo\" is not a number or a name of three letters"},
        {"x * * * *", "minute (column 1): \"x\" is not a number"},
        {"-5 * * * *", "minute (column 1): a value is missing"},
        {"5- * * * *", "minute (column 3): a value is missing"},
        {"1,,2 * * * *", "minute (column 3): a value is missing"},
        {"1, * * * *", "minute (column 3): a value is missing"},
        {"*/0 * * * *", "minute (column 3): a step is a number from 1 to 59"},
        {"*/x * * * *", "minute (column 3): a step is a number from 1 to 59"},
        {"0 20-4/2 * * *", "hour (column 3): a range that runs over the end takes no step"},
        {"0 5-5 * * *", "hour (column 3): the range is a single value"},
        {"0 0 * * 7-7", "day of week (column 9): the range is a single value"},
        {"0 0 * * 7-0", "day of week (column 9): the range is a single value"},
        {"0 23/2 * * *", "hour (column 3): no step leads on from the last value, 23"},
        {"0 0 * * 6/2", "day of week (column 9): no step leads on from the last value, 6"},
        {"*,5 * * * *", "minute (column 1): beside \"*\" the other values say nothing"},
        {"*5 * * * *", "minute (column 2): '5' is not expected here"},
        {"0 0 L * *", "day of month (column 5): 'L' (the last day) is not supported"},
        {"0 0 * * L5", "day of week (column 9): 'L' (the last day) is not supported"},
        {"0 0 * * fri#2",
         "day of week (column 9): '#' (the n-th weekday of a month) is not supported"},
        {"0 0 ? * 1", "day of month (column 5): '?' is not supported: write *"},
        {"H * * * *", "minute (column 1): 'H' and 'R' (a time by hash or by chance) are not "
                      "supported: use splay"},
        {"0 R(0-5) * * *",
         "hour (column 3): 'H' and 'R' (a time by hash or by chance) are not supported: use splay"},
        {"0 0 * lst *", "month (column 7): \"lst\" is not a number or a name of three letters"},
        {"9999999999999 * * * *", "minute (column 1): \"9999999999999\" is not a number"},
        {"0 0 * * * 2026", "column 11: five fields are expected, not more"},
        {"0 30 2 * * *", "column 12: five fields are expected, not more"},
        {"@reboot", "@reboot is not a time, and not supported"},
        {"@often", "\"@often\" is not a cron nickname"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cron c = {.minutes = 7};
        struct err err = {0};
        assert_false(cron_parse(str_from(cases[i].text), &c, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.msg, cases[i].msg);
        assert_int_equal(c.minutes, 7);
    }
    char text[256];
    memset(text, ' ', sizeof(text));
    struct cron c;
    struct err err = {0};
    assert_false(cron_parse((struct str){text, sizeof(text)}, &c, &err));
    assert_string_equal(err.msg, "the cron expression is longer than 255 bytes");
    assert_false(cron_parse(STR("0 20-4/2 * * *"), &c, &err));
    assert_string_equal(err.hint, "write it as two ranges with a comma between");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_times),
        cmocka_unit_test(nicknames),
        cmocka_unit_test(days_by_the_rule_of_dagster),
        cmocka_unit_test(ranges_go_on_behind_the_end),
        cmocka_unit_test(gaps_fire_once_behind_them),
        cmocka_unit_test(gaps_at_midnight),
        cmocka_unit_test(repeated_times_fire_the_second_time),
        cmocka_unit_test(every_hour_means_every_real_hour),
        cmocka_unit_test(impossible_dates_never_fire),
        cmocka_unit_test(the_last_firing_is_found),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(errors_name_field_and_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
