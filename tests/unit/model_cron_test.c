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
    FIRES(utc, " @midnight ", "2026-11-22T02:30:00", "2026-11-23T00:00Z");
    FIRES(utc, "@weekly", "2026-11-22T02:30:00", "2026-11-29T00:00Z"); /* a Sunday */
    FIRES(utc, "@monthly", "2026-11-22T02:30:00", "2026-12-01T00:00Z");
    FIRES(utc, "@yearly", "2026-11-22T02:30:00", "2027-01-01T00:00Z");
}

static void days_by_vixies_rule(void **state)
{
    (void)state;
    const struct tz *utc = tz_utc();
    /* Both restricted: either. 2026-11-13 is a Friday. */
    FIRES(utc, "0 0 15 * fri", "2026-11-12T12:00:00", "2026-11-13T00:00Z", "2026-11-15T00:00Z",
          "2026-11-20T00:00Z");
    FIRES(utc, "0 0 * * 5-7", "2026-11-12T12:00:00", "2026-11-13T00:00Z", "2026-11-14T00:00Z",
          "2026-11-15T00:00Z", "2026-11-20T00:00Z");
    FIRES(utc, "0 0 * * 0", "2026-11-12T12:00:00", "2026-11-15T00:00Z");
    /* A field that begins with a star restricts nothing by itself: both must match. */
    FIRES(utc, "0 0 */2 * mon", "2026-11-01T12:00:00", "2026-11-09T00:00Z", "2026-11-23T00:00Z");
    /* A February 29 that is a Sunday. */
    FIRES(utc, "0 0 29 2 */7", "2026-01-01", "2032-02-29T00:00Z", "2060-02-29T00:00Z");
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

static void repeated_times_fire_at_the_first(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = tzif_zone(&arena, BERLIN);
    FIRES(tz, "30 2 * * *", "2026-10-24T12:00:00", "2026-10-25T00:30Z", "2026-10-26T01:30Z");
    /* Asked in the repeated hour itself. */
    FIRES(tz, "30 2 * * *", "2026-10-25T01:10:00", "2026-10-26T01:30Z");
    FIRES(tz, "*/30 2,3 * * *", "2026-10-25T00:10:00", "2026-10-25T00:30Z", "2026-10-25T02:00Z",
          "2026-10-25T02:30Z", "2026-10-26T01:00Z");
    FIRES(tz, "0 0 25 10 *", "2026-10-24T00:00:00", "2026-10-24T22:00Z", "2027-10-24T22:00Z");
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

static bool is_named(const struct cron *c, int64_t local)
{
    struct civil_time f = civil_from_seconds(local);
    bool day = (c->days >> f.day & 1) != 0;
    bool weekday = (c->weekdays >> f.weekday & 1) != 0;
    bool is_day = c->any_day || c->any_weekday ? day && weekday : day || weekday;
    return is_day && (c->months >> f.month & 1) != 0 && (c->hours >> f.hour & 1) != 0 &&
           (c->minutes >> f.minute & 1) != 0;
}

/* Minute by minute: due when the clock shows, or has just jumped over, a named time for the first
 * time. */
static void compare(const struct cron *c, const struct tz *tz, const char *from, const char *until)
{
    int64_t t = at(from).ns / NS_PER_SEC;
    int64_t end = at(until).ns / NS_PER_SEC;
    int64_t shown = t + tz_offset_at(tz, t); /* the latest local time so far */
    struct wall_time next = at(from);
    assert_true(cron_next(c, tz, next, &next));
    for (t += 60; t < end; t += 60) {
        int64_t local = t + tz_offset_at(tz, t);
        bool is_due = false;
        for (; shown < local; shown += 60) {
            is_due = is_due || is_named(c, shown + 60);
        }
        assert_int_equal(is_due, t == next.ns / NS_PER_SEC);
        if (is_due) {
            assert_true(cron_next(c, tz, next, &next));
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
        {"0 20-4 * * *", "hour (column 3): the range runs backwards"},
        {"*5 * * * *", "minute (column 2): '5' is not expected here"},
        {"0 0 L * *", "day of month (column 5): \"L\" is not a number"},
        {"9999999999999 * * * *", "minute (column 1): \"9999999999999\" is not a number"},
        {"0 0 * * * 2026", "column 11: five fields are expected, not more"},
        {"@reboot", "\"@reboot\" is not a cron nickname"},
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
    assert_false(cron_parse(STR("0 20-4 * * *"), &c, &err));
    assert_string_equal(err.hint, "write it as two ranges with a comma between");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_times),
        cmocka_unit_test(nicknames),
        cmocka_unit_test(days_by_vixies_rule),
        cmocka_unit_test(gaps_fire_once_behind_them),
        cmocka_unit_test(repeated_times_fire_at_the_first),
        cmocka_unit_test(every_hour_means_every_real_hour),
        cmocka_unit_test(impossible_dates_never_fire),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(errors_name_field_and_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
