/* desired_lay_test.c - agent/desired/desired_lay.h: what the hub wants over what the file says. */
#include "agent/desired/desired_lay.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <string.h>

#define HEAD                                                                                       \
    "{\"kind\":\"desired\",\"v\":1,\"fleet\":\"main\",\"device\":\"brooklyn\",\"revision\":7,"     \
    "\"issued_at\":\"2026-11-29T17:00:00.000Z\","

static const char file[] = "assets: [{key: a, run: [x]}, {key: b, run: [x]}]\n"
                           "jobs: [{name: both, select: \"*\"}]\n"
                           "schedules:\n"
                           "  - {name: night, job: both, cron: 30 2 * * *}\n"
                           "  - {name: hourly, select: a, every: 1h}\n"
                           "sensors: [{name: files, watch: in/*.csv, job: both}]\n";

static struct loaded base;
static struct err err;
static struct desired_laid laid;

static int begin(void **state)
{
    (void)state;
    err = (struct err){0};
    laid = (struct desired_laid){0};
    load_assets(&base, file);
    assert_loaded(&base);
    return 0;
}

static int end(void **state)
{
    (void)state;
    definitions_close(laid.defs);
    loaded_release(&base);
    return 0;
}

static bool lay(const char *content, enum overlay_rule rule)
{
    char body[4096];
    struct definitions_files files = fixture_files();
    (void)snprintf(body, sizeof(body), HEAD "%s}", content);
    return desired_lay(str_from(body), base.defs, rule, &files, &laid, &err);
}

static const struct schedule *schedule(const char *name)
{
    const struct schedule *found = NULL;
    assert_true(definitions_find_schedule(laid.defs, str_from(name), &found, &err));
    return found;
}

static void a_hubs_schedule_takes_the_place_of_the_files(void **state)
{
    (void)state;
    assert_true(lay("\"schedules\":[{\"name\":\"night\",\"job\":\"both\",\"cron\":\"0 4 * * *\","
                    "\"timezone\":\"Europe/Berlin\",\"missed\":{\"all\":3}},"
                    "{\"name\":\"new\",\"select\":\"b\",\"every\":\"15m\",\"splay\":\"1m\"}]",
                    OVERLAY_WHOLE));
    assert_int_equal(laid.defs->schedule_count, 3);
    assert_true(schedule("night")->is_hubs);
    assert_true(str_eq(schedule("night")->cron_text, STR("0 4 * * *")));
    assert_int_equal(schedule("night")->missed, MISSED_ALL);
    assert_int_equal(schedule("night")->asset_count, 2);
    assert_true(schedule("new")->is_hubs);
    assert_int_equal(schedule("new")->assets[0], 1);
    assert_false(schedule("hourly")->is_hubs);
    assert_int_equal(base.defs->schedule_count, 2); /* the file's are as they were */
    assert_true(str_eq(base.defs->schedules[0].cron_text, STR("30 2 * * *")));
    assert_string_equal(laid.defs->hash, base.defs->hash);
    assert_ptr_equal(definitions_base(laid.defs), base.defs);
    assert_string_equal(laid.reason, "");
}

static void pauses_hold_what_they_name(void **state)
{
    (void)state;
    assert_true(
        lay("\"pauses\":{\"schedules\":[\"night\"],\"sensors\":[\"*\"],\"automation\":true}",
            OVERLAY_WHOLE));
    assert_true(schedule("night")->is_held);
    assert_false(schedule("hourly")->is_held);
    assert_true(laid.defs->sensors[0].is_held);
    assert_false(base.defs->sensors[0].is_held);
    assert_false(base.defs->schedules[0].is_held);
    assert_true(laid.defs->is_automation_held);
}

/* All or nothing, with every reason. */
static void what_does_not_fit_refuses_the_whole(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *says;
    } cases[] = {
        {"\"schedules\":[{\"name\":\"new\",\"job\":\"bth\",\"every\":\"1h\"}]",
         "schedule new: there is no job \"bth\""},
        {"\"schedules\":[{\"name\":\"new\",\"job\":\"both\",\"cron\":\"61 * * * *\"}]",
         "schedule new: cron"},
        {"\"schedules\":[{\"name\":\"new\",\"select\":\"none\",\"every\":\"1h\"}]", "schedule new"},
        {"\"schedules\":[{\"name\":\"new\",\"job\":\"both\",\"every\":\"1h\",\"croon\":1}]",
         "croon"},
        {"\"schedules\":[{\"name\":\"new one\",\"job\":\"both\",\"every\":\"1h\"}]", "new one"},
        {"\"schedules\":[{\"name\":\"new\",\"job\":\"both\",\"cron\":\"* * * * *\","
         "\"timezone\":\"Mars/Olympus\"}]",
         "Mars/Olympus"},
        {"\"pauses\":{\"schedules\":[\"nigt\"]}",
         "pauses.schedules: there is no schedule \"nigt\" (did you mean night?)"},
        {"\"pauses\":{\"sensors\":[\"x\"]}", "pauses.sensors: there is no sensor \"x\""},
        {"\"schedules\":[{\"name\":\"new\",\"job\":\"one\",\"every\":\"1h\"},"
         "{\"name\":\"newer\",\"job\":\"two\",\"every\":\"1h\"}]",
         "; schedule newer: there is no job \"two\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        err = (struct err){0};
        assert_false(lay(cases[i].content, OVERLAY_WHOLE));
        assert_int_equal(err.code, ERR_INVALID);
        if (strstr(err.msg, cases[i].says) == NULL) {
            fail_msg("case %zu says \"%s\", not \"%s\"", i, err.msg, cases[i].says);
        }
        assert_int_equal(base.defs->shares, 0);
    }
}

/* After a reload: the rest stays, and where a hub's schedule is left out the file's is in force. */
static void what_no_longer_fits_is_left_out_and_told(void **state)
{
    (void)state;
    assert_true(lay("\"schedules\":[{\"name\":\"night\",\"job\":\"gone\",\"cron\":\"0 4 * * *\"},"
                    "{\"name\":\"new\",\"job\":\"both\",\"every\":\"1h\"}],"
                    "\"pauses\":{\"schedules\":[\"old\",\"new\"]}",
                    OVERLAY_FITTING));
    assert_int_equal(laid.defs->schedule_count, 3);
    assert_false(schedule("night")->is_hubs);
    assert_true(str_eq(schedule("night")->cron_text, STR("30 2 * * *")));
    assert_true(schedule("new")->is_held);
    assert_non_null(strstr(laid.reason, "schedule night: there is no job \"gone\""));
    assert_non_null(strstr(laid.reason, "pauses.schedules: there is no schedule \"old\""));
}

static void a_long_reason_is_cut_between_two(void **state)
{
    (void)state;
    AUTO(buf) content = buf_growing(1 << 16);
    buf_add_text(&content, "\"schedules\":[");
    for (int i = 0; i < 20; i++) {
        buf_addf(&content, "%s{\"name\":\"s%d\",\"job\":\"no-such-job-%d\",\"every\":\"1h\"}",
                 i == 0 ? "" : ",", i, i);
    }
    buf_add_char(&content, ']');
    assert_true(lay(buf_cstr(&content), OVERLAY_FITTING));
    assert_true(strlen(laid.reason) <= DESIRED_REASON_BYTES);
    assert_string_equal(laid.reason + strlen(laid.reason) - 5, ", ...");
}

static void settings_and_bundle_are_read(void **state)
{
    (void)state;
    assert_true(lay("\"settings\":{\"log_level\":\"warn\"},\"bundle\":"
                    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
                    OVERLAY_WHOLE));
    assert_true(laid.settings.has_log_level);
    assert_int_equal(laid.settings.log_level, 1);
    assert_int_equal(strlen(laid.bundle), 64);
    assert_int_equal(laid.revision, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hubs_schedule_takes_the_place_of_the_files, begin, end),
        cmocka_unit_test_setup_teardown(pauses_hold_what_they_name, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit_refuses_the_whole, begin, end),
        cmocka_unit_test_setup_teardown(what_no_longer_fits_is_left_out_and_told, begin, end),
        cmocka_unit_test_setup_teardown(a_long_reason_is_cut_between_two, begin, end),
        cmocka_unit_test_setup_teardown(settings_and_bundle_are_read, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
