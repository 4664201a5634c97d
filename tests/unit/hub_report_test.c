/* hub_report_test.c - hub/report: what is added up, and what is put into words. */
#include "hub/report/report_times.h"
#include "hub/report/report_words.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/merge_world.h"
#include <stdio.h>
#include <string.h>

#define START_MS INT64_C(1795400000000)
#define AT(ms_)  ((struct wall_time){(START_MS + (ms_)) * NS_PER_MS})

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void execute(struct db *store, const char *sql)
{
    struct err err = {0};
    check(db_exec(store, sql, &err), &err);
}

static struct report read_report(struct db *store, struct wall_time since, struct wall_time until)
{
    struct err err = {0};
    struct report report;
    const struct report_question question = {.fleet = STR("shops"),
                                             .alert_group = STR("site"),
                                             .since = since,
                                             .until = until,
                                             .now = until};
    check(report_read(store, &question, &arena, &report, &err), &err);
    return report;
}

/* One run of one step; `took_ms` of it. */
static void tell_step(struct story *s, int number, const char *asset, int rows, int took_ms)
{
    story_add(s, "run_start", "\"run\":\"r%d\"", number);
    story_add(s, "step_start", "\"run\":\"r%d\",\"step\":\"%s\",\"asset\":\"%s\"", number, asset,
              asset);
    story_add(s, "asset_materialization",
              "\"run\":\"r%d\",\"step\":\"%s\",\"asset\":\"%s\",\"metadata\":{\"rows_written\":{"
              "\"type\":\"int\",\"raw_value\":%d},\"bytes_read\":{\"type\":\"int\",\"raw_value\":"
              "%d}}",
              number, asset, asset, rows, rows * 10);
    story_add(s, "step_success",
              "\"run\":\"r%d\",\"step\":\"%s\",\"asset\":\"%s\",\"duration_ms\":%d", number, asset,
              asset, took_ms);
    story_add(s, "run_success", "\"run\":\"r%d\"", number);
}

static void send_all(struct db *store, const struct story *s)
{
    struct merge *m = world_merge(store);
    assert_int_equal(world_send(m, s, 0, s->count).outcome, MERGE_MERGED);
    merge_close(m);
}

static void rows_and_durations_add_up(void **state)
{
    (void)state;
    struct db *store = world_store();
    AUTO(story) s = story_new("brooklyn", "00000000000000aa", START_MS, 1);
    static const int took[] = {10, 500, 30, 20};
    for (int i = 0; i < 4; i++) {
        char asset[8];
        (void)snprintf(asset, sizeof(asset), "a/%d", i);
        tell_step(&s, i * 2, asset, 5, took[i]);
        tell_step(&s, i * 2 + 1, asset, 7, took[i] * 3);
    }
    send_all(store, &s);
    struct report r = read_report(store, AT(0), AT(60000));
    assert_int_equal(r.loaded.materializations, 8);
    assert_int_equal(r.loaded.rows, 48);
    assert_int_equal(r.loaded.bytes, 480);
    assert_int_equal(r.runs.success, 8);
    assert_int_equal(r.assets.count, 4);
    assert_int_equal(r.assets.items[1].duration_avg_ms, 1000);
    assert_int_equal(r.assets.items[1].duration_max_ms, 1500);
    assert_int_equal(r.slowest_count, 4);
    assert_int_equal(r.slowest[0], 1);
    assert_int_equal(r.slowest[1], 2);
    assert_int_equal(r.slowest[2], 3);
    assert_int_equal(r.slowest[3], 0);
    struct report later = read_report(store, AT(3600000), AT(7200000));
    assert_int_equal(later.loaded.materializations, 0);
    assert_int_equal(later.runs.success, 0);
    assert_int_equal(later.slowest_count, 0);
    db_close(store);
}

static void expect_rate(int64_t success, int64_t failure, const char *expected)
{
    char text[32];
    struct buf b = buf_fixed(text, sizeof(text));
    const struct report_runs runs = {.success = success, .failure = failure};
    report_add_rate(&b, &runs);
    assert_true(str_eq(buf_str(&b), str_from(expected)));
}

static void a_rate_is_cut_not_rounded(void **state)
{
    (void)state;
    expect_rate(0, 0, "");
    expect_rate(5, 0, "100.0 %");
    expect_rate(999999, 1, "99.9 %");
    expect_rate(0, 3, "0.0 %");
    expect_rate(2, 1, "66.6 %");
}

static void numbers_are_grouped(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},          {999, "999"},           {1000, "1,000"},
        {-1000, "-1,000"}, {1234567, "1,234,567"}, {INT64_MIN, "-9,223,372,036,854,775,808"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];
        struct buf b = buf_fixed(text, sizeof(text));
        report_add_number(&b, cases[i].number);
        assert_true(str_eq(buf_str(&b), str_from(cases[i].text)));
    }
}

/* --- attention ---------------------------------------------------------------------------- */

static void expect_line(const struct report_line *lines, size_t count, const char *expected)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(lines[i].text, str_from(expected))) {
            return;
        }
    }
    for (size_t i = 0; i < count; i++) {
        print_error(STR_FMT "\n", STR_ARG(lines[i].text));
    }
    fail_msg("no line \"%s\"", expected);
}

static struct db *troubled_store(void)
{
    struct db *store = world_store();
    execute(store, "INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, "
                   "cert_fingerprint, "
                   "key_fingerprint, not_after_ms) VALUES "
                   "('brooklyn', 'enrolled', 1, 1, 's', 'f', 'k', 1795400000000 + 10 * 86400000),"
                   "('chicago', 'enrolled', 1, 1, 's', 'f', 'k', 1795400000000 - 86400000),"
                   "('denver', 'enrolled', 1, 1, 's', 'f', 'k', 1795400000000 + 300 * 86400000)");
    execute(store,
            "INSERT INTO connection (device, is_online, since_ms, last_seen_ms, epoch, last_seq, "
            "clock_offset_ms, offline_reason) VALUES "
            "('brooklyn', 1, 1, 1795400000000, 'e', 0, -7200000, NULL),"
            "('chicago', 0, 1, 1795400000000 - 600000, 'e', 1200, 0, 'connection lost')");
    execute(store, "INSERT INTO asset_state (device, asset, failures, failed_at_ms, failed_error, "
                   "failed_stream_ms, failed_epoch, failed_seq) VALUES "
                   "('denver', 'pos/orders', 1, 1795400000000 - 60000, "
                   "'{\"message\":\"no \\u001bdisk\"}', 1, 'e', 1)");
    execute(store, "INSERT INTO check_result VALUES "
                   "('denver','a','c',0,'warn',1795400000000,NULL,NULL,1,'e',1),"
                   "('denver','a','d',0,NULL,1795400000000,NULL,NULL,1,'e',1),"
                   "('denver','a','ok',1,NULL,1795400000000,NULL,NULL,1,'e',1)");
    execute(store, "INSERT INTO stream VALUES (1, 'denver', '00000000000000aa', 1, 50, 1)");
    execute(store, "INSERT INTO gap VALUES (1, 50, 11, 1, 'quota', NULL)");
    execute(store, "INSERT INTO refusal (at_ms, peer, what, why) VALUES "
                   "(1795399999999, 'p', 'w', 'y'), (1, 'old', 'w', 'y')");
    return store;
}

static void what_is_wrong_is_told_worst_first(void **state)
{
    (void)state;
    struct db *store = troubled_store();
    struct report r = read_report(store, AT(-86400000), AT(0));
    struct report_line lines[REPORT_LINES_MAX];
    size_t count = report_attention(&r, &arena, lines);
    assert_int_equal(count, 9);
    assert_true(str_eq(lines[0].text, STR("pos/orders fails on denver, 1 min ago: no  disk")));
    assert_true(str_eq(lines[1].text, STR("check d of a failed on denver, just now")));
    expect_line(lines, count,
                "chicago is away, last seen 10 min ago (connection lost); events that wait there: "
                "at least 1,200");
    expect_line(lines, count, "the certificate of brooklyn expires on 2026-12-03");
    expect_line(lines, count, "the certificate of chicago expired on 2026-11-22");
    expect_line(lines, count, "the clock of brooklyn is 2 h 00 m slow");
    expect_line(lines, count, "denver has lost events: 40");
    assert_true(str_eq(lines[7].text, STR("warning: check c of a failed on denver, just now")));
    expect_line(lines, count, "1 refusal of strangers or bad messages; see: selvedge-hub refusals");
    db_close(store);
}

static void the_hubs_own_certificates_are_told_in_time(void **state)
{
    (void)state;
    const int64_t day_ns = INT64_C(86400) * NS_PER_SEC;
    struct db *store = troubled_store();
    struct report r = read_report(store, AT(-86400000), AT(0));
    struct report_line lines[REPORT_LINES_MAX];
    r.certificates[0] = (struct report_certificate){"CA", {r.now.ns + (179 * day_ns)}};
    r.certificates[1] = (struct report_certificate){"broker", {r.now.ns + (31 * day_ns)}};
    r.certificates[2] = (struct report_certificate){"web side", {r.now.ns}};
    r.certificate_count = 3;
    size_t count = report_attention(&r, &arena, lines);
    assert_int_equal(count, 11);
    assert_true(
        str_eq(lines[0].text, STR("the hub's certificate of its web side expired on 2026-11-23")));
    assert_string_equal(lines[0].kind, "certificate");
    assert_true(str_is_empty(lines[0].device));
    expect_line(lines, count,
                "the hub's CA expires on 2027-05-21; make the next: selvedge-hub ca rotate");
    r.certificates[0].not_after.ns += 2 * day_ns;
    r.certificates[1].not_after.ns -= 2 * day_ns;
    count = report_attention(&r, &arena, lines);
    assert_int_equal(count, 11);
    expect_line(lines, count, "the hub's certificate of its broker expires on 2026-12-22");
    db_close(store);
}

static void many_troubles_are_counted(void **state)
{
    (void)state;
    struct db *store = world_store();
    execute(store, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12000)"
                   "INSERT INTO check_result SELECT 'd' || i, 'a', 'c', 0, NULL, 1, NULL, NULL, 1, "
                   "'e', 1 FROM n");
    struct report r = read_report(store, AT(0), AT(1));
    struct report_line lines[REPORT_LINES_MAX];
    assert_int_equal(r.checks.count, REPORT_ROWS_MAX);
    assert_int_equal(r.checks.total, 12000);
    assert_int_equal(report_attention(&r, &arena, lines), REPORT_LINES_MAX);
    assert_true(str_starts(lines[REPORT_LINES_MAX - 1].text, STR("... and 11,961 more")));
    db_close(store);
}

static void a_report_that_does_not_fit_says_so(void **state)
{
    (void)state;
    struct db *store = troubled_store();
    struct err err = {0};
    struct report report;
    AUTO(arena) small = arena_new(64);
    const struct report_question question = {.since = AT(0), .until = AT(1), .now = AT(1)};
    assert_false(report_read(store, &question, &small, &report, &err));
    assert_int_equal(err.code, ERR_FULL);
    db_close(store);
}

/* --- the three forms ---------------------------------------------------------------------- */

static void all_forms_say_the_same(void **state)
{
    (void)state;
    struct db *store = troubled_store();
    struct report r = read_report(store, AT(-86400000), AT(0));
    AUTO(buf) json = buf_growing(1 << 20);
    AUTO(buf) markdown = buf_growing(1 << 20);
    report_write_json(&r, &json);
    report_write_markdown(&r, &markdown);
    AUTO(buf) out = buf_growing(1 << 20);
    report_write(&r, REPORT_TEXT, &out);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "1 of 3 online, 1 away"));
    assert_non_null(strstr(text, "needs attention\n  pos/orders fails on denver"));
    assert_null(strchr(text, '\033'));
    assert_true(str_contains(buf_str(&markdown), STR("- **devices**: 1 of 3 online, 1 away\n")));
    assert_true(str_contains(buf_str(&json), STR("\"lost_events\":40")));
    assert_true(str_contains(buf_str(&json), STR("\"waiting_events\":1200")));
    assert_true(str_contains(buf_str(&json), STR("\"severity\":\"error\"")));
    db_close(store);
}

/* Devices may say anything: every form survives it, and no line of one breaks out of its place. */
static void lies_are_survived(void **state)
{
    (void)state;
    struct db *store = world_store();
    execute(store, "INSERT INTO stream VALUES (1, 'd', '00000000000000aa', 1, 50, 1)");
    execute(store, "INSERT INTO device_label VALUES ('d', 'site', '=cmd|<b>')");
    execute(store, "INSERT INTO step VALUES (1, 'r', 's', 'x', 'success', 9223372036854775807, 1, "
                   "1, 9223372036854775807, NULL, NULL, NULL, NULL),"
                   "(1, 'r', 't', 'y', 'success', 1, 1, 1, -9223372036854775807, NULL, NULL, NULL, "
                   "NULL)");
    execute(store, "INSERT INTO run (stream_id, run, status, ended_ms, first_seq, last_seq) VALUES "
                   "(1, 'r', 'success', 1795399999000, 1, 2)");
    execute(store,
            "INSERT INTO materialization VALUES "
            "(1, 1, '</td><script>' || char(10, 13, 27) || x'ff', 1795399999000, 'r', 's', 1, "
            "9223372036854775807, -9223372036854775807),"
            "(1, 2, '=HYPERLINK(\"x\")', 1795399999000, 'r', 't', 1, -9223372036854775807, 1),"
            "(1, 3, '=HYPERLINK(\"x\")', 1795399999000 - 86400000, 'r', 't', 1, 1, "
            "9223372036854775807)");
    struct err err = {0};
    struct report r;
    const struct report_question question = {.fleet = STR("shops"),
                                             .group_by = STR("site"),
                                             .alert_group = STR("site"),
                                             .since = AT(-86400000),
                                             .until = AT(0),
                                             .now = AT(0)};
    check(report_read(store, &question, &arena, &r, &err), &err);
    for (int f = 0; f < REPORT_FORMATS; f++) {
        AUTO(buf) out = buf_growing(1 << 20);
        report_write(&r, (enum report_format)f, &out);
        assert_false(out.overflow);
        assert_true(str_is_utf8(buf_str(&out)));
        assert_false(str_contains(buf_str(&out), STR("\033")));
        if (f == REPORT_HTML) {
            assert_false(str_contains(buf_str(&out), STR("<script")));
        } else if (f == REPORT_CSV) {
            assert_true(str_contains(buf_str(&out), STR("\"'=HYPERLINK(\"\"x\"\")\"")));
        }
    }
    struct report_question ever = question;
    ever.since.ns = INT64_MIN / 2;
    check(report_read(store, &ever, &arena, &r, &err), &err);
    db_close(store);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

static void expect_times(const char *since, const char *until, int64_t from_s, int64_t to_s)
{
    const struct wall_time now = {INT64_C(1796018400) * NS_PER_SEC};
    struct report_times times = {0};
    struct err err = {0};
    bool ok = report_times_from(str_from(since), str_from(until), now, &times, &err);
    if (from_s == 0) {
        assert_false(ok);
        assert_int_equal(err.code, ERR_INVALID);
        return;
    }
    check(ok, &err);
    assert_int_equal(times.since.ns / NS_PER_SEC, from_s);
    assert_int_equal(times.until.ns / NS_PER_SEC, to_s);
}

static void a_time_is_asked_for_in_two_ways(void **state)
{
    (void)state;
    const int64_t now = 1796018400; /* 2026-11-30 06:00 UTC */
    expect_times("", "", now - 86400, now);
    expect_times("7d", "", now - 7 * 86400, now);
    expect_times("1h", "2026-11-30T05:00:00Z", now - 7200, now - 3600);
    expect_times("2026-11-29T06:00:00Z", "2026-11-30T06:00:00+01:00", now - 86400, now - 3600);
    expect_times("1m", "2027-01-01T00:00:00Z", now - 60, now); /* a clock that is ahead */
    static const char *const wrong[][2] = {{"0s", ""},
                                           {"367d", ""},
                                           {"yesterday", ""},
                                           {"24h", "noon"},
                                           {"2026-11-30T06:00:00Z", ""},
                                           {"2026-12-24T00:00:00Z", ""},
                                           {"-1h", ""},
                                           {"400000d", ""},
                                           {"2025-01-01T00:00:00Z", ""},
                                           {"24h", "1h"}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        expect_times(wrong[i][0], wrong[i][1], 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_and_durations_add_up),
        TEST(a_rate_is_cut_not_rounded),
        TEST(numbers_are_grouped),
        TEST(what_is_wrong_is_told_worst_first),
        TEST(the_hubs_own_certificates_are_told_in_time),
        TEST(many_troubles_are_counted),
        TEST(a_report_that_does_not_fit_says_so),
        TEST(all_forms_say_the_same),
        TEST(lies_are_survived),
        TEST(a_time_is_asked_for_in_two_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
