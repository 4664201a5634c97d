/* delivery_test.c - hub/delivery: when a report goes out, and what a mail of it is. */
#include "hub/config/reports.h"
#include "hub/config/zone.h"
#include "hub/delivery/delivery.h"
#include "hub/delivery/mail.h"
#include "hub/report/report_write.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

#define SEC(n_) ((struct wall_time){(n_)*NS_PER_SEC})
/* 2026-11-30 07:00 UTC, a Monday. */
#define MONDAY INT64_C(1796022000)
#define DAY    INT64_C(86400)
#define WEEK   (7 * DAY)

struct outgoing {
    struct cron cron;
    struct delivery d;
    struct wall_time wake;
};

static struct outgoing outgoing(const char *cron, int64_t began)
{
    struct outgoing o = {.d = delivery_new(SEC(began))};
    struct err err = {0};
    assert_true(cron_parse(str_from(cron), &o.cron, &err));
    return o;
}

static unsigned step(struct outgoing *o, int64_t now)
{
    const struct delivery_schedule schedule = {&o->cron, tz_utc()};
    return delivery_step(&o->d, &schedule, SEC(now), 0, &o->wake);
}

static void delivered(struct outgoing *o)
{
    o->d.settled = o->d.due;
    o->d.due = o->d.since = o->d.next = (struct wall_time){0};
    o->d.attempts = 0;
}

static void a_time_is_due_once(void **state)
{
    (void)state;
    struct outgoing o = outgoing("0 7 * * mon", MONDAY - DAY);
    assert_int_equal(step(&o, MONDAY - 1), 0);
    assert_int_equal(o.wake.ns, MONDAY * NS_PER_SEC);
    assert_int_equal(step(&o, MONDAY), DELIVERY_CHANGED | DELIVERY_SEND);
    assert_int_equal(o.d.due.ns, MONDAY * NS_PER_SEC);
    assert_int_equal(o.d.attempts, 1);
    delivered(&o);
    for (int64_t now = MONDAY; now < MONDAY + WEEK; now += 3600) {
        assert_int_equal(step(&o, now), 0);
    }
    assert_int_equal(step(&o, MONDAY + WEEK), DELIVERY_CHANGED | DELIVERY_SEND);
}

static void what_fails_is_tried_again_and_given_up(void **state)
{
    (void)state;
    struct outgoing o = outgoing("0 7 * * mon", MONDAY - DAY);
    unsigned bits = step(&o, MONDAY);
    int attempts = 0;
    int64_t now = MONDAY;
    while ((bits & DELIVERY_GAVE_UP) == 0) {
        attempts += (bits & DELIVERY_SEND) != 0;
        assert_true(o.wake.ns > now * NS_PER_SEC);
        assert_true(o.d.next.ns <= now * NS_PER_SEC + DELIVERY_RETRY_MAX_NS);
        now = now + 600;
        bits = step(&o, now);
        assert_true(now < MONDAY + 2 * DAY);
    }
    assert_true(attempts > 40); /* `random` 0 waits least */
    assert_true(now >= MONDAY + DAY);
    assert_int_equal(bits & DELIVERY_SEND, 0);
    assert_int_equal(o.d.settled.ns, MONDAY * NS_PER_SEC);
    assert_int_equal(step(&o, now + 1), 0);
}

static void it_gives_way_to_the_next_time(void **state)
{
    (void)state;
    struct outgoing o = outgoing("0 * * * *", MONDAY - 60);
    assert_int_equal(step(&o, MONDAY), DELIVERY_CHANGED | DELIVERY_SEND);
    assert_int_equal(step(&o, MONDAY + 3600), DELIVERY_CHANGED | DELIVERY_GAVE_UP | DELIVERY_SEND);
    assert_int_equal(o.d.due.ns, (MONDAY + 3600) * NS_PER_SEC);
    assert_int_equal(o.d.attempts, 1);
}

static void of_missed_times_the_newest_is_late(void **state)
{
    (void)state;
    struct outgoing o = outgoing("0 7 * * mon", MONDAY - DAY);
    (void)step(&o, MONDAY);
    delivered(&o);
    assert_int_equal(step(&o, MONDAY + 5 * WEEK + 3 * DAY), DELIVERY_CHANGED | DELIVERY_SEND);
    assert_int_equal(o.d.due.ns, (MONDAY + 5 * WEEK) * NS_PER_SEC);
    delivered(&o);
    assert_int_equal(step(&o, MONDAY + 5 * WEEK + 3 * DAY), 0);
}

static void a_clock_that_goes_back_repeats_nothing(void **state)
{
    (void)state;
    struct outgoing o = outgoing("0 7 * * *", MONDAY - DAY + 60);
    (void)step(&o, MONDAY);
    delivered(&o);
    assert_int_equal(step(&o, MONDAY - 7200), 0);
    assert_int_equal(step(&o, MONDAY + 10), 0);
    /* What was due when the clock was far ahead was of no real time. */
    (void)step(&o, MONDAY + 400 * DAY);
    delivered(&o);
    assert_int_equal(step(&o, MONDAY + 60), DELIVERY_CHANGED);
    assert_int_equal(step(&o, MONDAY + DAY), DELIVERY_CHANGED | DELIVERY_SEND);
    /* Not set: nothing is known. */
    assert_int_equal(step(&o, 100), 0);
}

static void an_hour_that_comes_twice_is_one(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *berlin = NULL;
    struct outgoing o = outgoing("30 2 * * *", INT64_C(1792800000)); /* 2026-10-24 */
    if (!zone_load(STR("Europe/Berlin"), &arena, &berlin, &err)) {
        skip(); /* no zones here */
    }
    const struct delivery_schedule schedule = {&o.cron, berlin};
    int sent = 0;
    for (int64_t now = INT64_C(1792800000); now < INT64_C(1792800000) + 3 * DAY; now += 300) {
        if ((delivery_step(&o.d, &schedule, SEC(now), 0, &o.wake) & DELIVERY_SEND) != 0) {
            sent++;
            delivered(&o);
        }
    }
    assert_int_equal(sent, 3);
    assert_false(zone_load(STR("../etc/passwd"), &arena, &berlin, &err));
    assert_false(zone_load(STR("Europe/Nowhere"), &arena, &berlin, &err));
}

/* --- mail --------------------------------------------------------------------------------- */

static void expect_quoted(const char *text, const char *expected)
{
    AUTO(buf) out = buf_growing(1 << 16);
    mail_quote(&out, str_from(text));
    assert_string_equal(buf_cstr(&out), expected);
}

static void text_is_quoted(void **state)
{
    (void)state;
    expect_quoted("", "");
    expect_quoted("a\nb", "a\r\nb\r\n");
    expect_quoted("a\r\nb\r\n", "a\r\nb\r\n");
    expect_quoted("a=b", "a=3Db\r\n");
    expect_quoted("end \nof\t", "end=20\r\nof=09\r\n");
    expect_quoted("\xc3\xa9", "=C3=A9\r\n");
    expect_quoted("a\rb", "a=0Db\r\n");
    char line[400];
    memset(line, 'x', sizeof(line));
    AUTO(buf) out = buf_growing(1 << 16);
    mail_quote(&out, (struct str){line, sizeof(line)});
    struct str rest = buf_str(&out);
    while (rest.len > 0) {
        struct str part;
        (void)str_cut(rest, '\n', &part, &rest);
        assert_true(part.len <= 77); /* with its CR */
    }
}

static void nothing_breaks_out_of_a_header(void **state)
{
    (void)state;
    struct str to[] = {STR_INIT("a@b.c"), STR_INIT("d@e.f")};
    const struct str_list list = {to, 2};
    AUTO(buf) out = buf_growing(1 << 16);
    const struct mail mail = {.from = STR("x@y.z"),
                              .to = &list,
                              .subject = STR("hello\r\nBcc: evil@example.org\xc3\xa9"),
                              .date = SEC(MONDAY),
                              .id = STR("monday.1@shops"),
                              .text = STR(".\n--=_selvedge_part--\n"),
                              .other = STR("<p>"),
                              .other_type = STR("text/html; charset=utf-8"),
                              .is_alternative = true};
    mail_write(&mail, &out);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "Subject: hello??Bcc: evil@example.org??\r\n"));
    assert_non_null(strstr(text, "To: a@b.c,\r\n d@e.f\r\n"));
    assert_non_null(strstr(text, "Date: Mon, 30 Nov 2026 07:00:00 +0000\r\n"));
    assert_non_null(strstr(text, "Message-ID: <monday.1@shops>\r\n"));
    assert_non_null(strstr(text, "\r\n--=3D_selvedge_part--\r\n")); /* of the text: quoted */
    assert_ptr_equal(strstr(text, "--=_selvedge_part--"),
                     text + strlen(text) - strlen("--=_selvedge_part--\r\n"));
}

/* A setting holds the index of its format, and the report is written by it. */
static void settings_and_reports_mean_the_same_formats(void **state)
{
    (void)state;
    for (int i = 0; i < REPORT_FORMATS; i++) {
        assert_string_equal(hub_report_formats[i], report_format_names[i]);
    }
    assert_null(hub_report_formats[REPORT_FORMATS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_due_once),
        cmocka_unit_test(what_fails_is_tried_again_and_given_up),
        cmocka_unit_test(it_gives_way_to_the_next_time),
        cmocka_unit_test(of_missed_times_the_newest_is_late),
        cmocka_unit_test(a_clock_that_goes_back_repeats_nothing),
        cmocka_unit_test(an_hour_that_comes_twice_is_one),
        cmocka_unit_test(text_is_quoted),
        cmocka_unit_test(nothing_breaks_out_of_a_header),
        cmocka_unit_test(settings_and_reports_mean_the_same_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
