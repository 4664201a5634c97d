/* freshness_fleet_test.c - hub/store/freshness.h: failed, away and a wrong clock are three things. */
#include "hub/store/freshness.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const struct wall_time now = {INT64_C(1795400000000) * NS_PER_MS};

static void each_has_its_word(void **state)
{
    (void)state;
    static const struct {
        const char *told;
        bool is_failing, is_online, is_trusted;
        int64_t offset_ms, made_ago_s, fail_after_ms;
        enum freshness_word word;
    } of[] = {
        {"pass", false, true, true, 0, 10, 60000, FRESH_PASS},
        {"pass", true, true, true, 0, 10, 60000,
         FRESH_PASS}, /* it failed lately, and is fresh yet */
        {"warn", false, true, true, 0, 50, 60000, FRESH_LATE},
        {"fail", false, true, true, 0, 90, 60000, FRESH_STALE},
        {"fail", true, true, true, 0, 90, 60000, FRESH_FAILED},
        {"unknown", false, true, true, 0, 0, 60000, FRESH_UNKNOWN},
        {"unknown", true, true, true, 0, 0, 60000, FRESH_FAILED},
        {"of a newer agent", false, true, true, 0, 0, 60000, FRESH_UNKNOWN},
        /* away: what it judged holds for as long as the window does */
        {"pass", false, false, true, 0, 10, 60000, FRESH_PASS},
        {"warn", false, false, true, 0, 50, 60000, FRESH_PASS},
        {"pass", false, false, true, 0, 70, 60000, FRESH_AWAY},
        {"fail", true, false, true, 0, 10, 60000, FRESH_AWAY},
        {"pass", false, false, true, 0, 10, HUB_UNKNOWN, FRESH_AWAY},
        /* a clock that is wrong makes nonsense of all of it */
        {"pass", false, true, false, 0, 10, 60000, FRESH_CLOCK},
        {"fail", true, true, true, 3600000, 10, 60000, FRESH_CLOCK},
        {"pass", false, true, true, -61000, 10, 60000, FRESH_CLOCK},
        {"pass", false, true, true, -59000, 10, 60000, FRESH_PASS},
        {"pass", false, false, true, INT64_MAX, 10, 60000, FRESH_CLOCK},
        {"pass", false, true, true, HUB_UNKNOWN, 10, 60000, FRESH_PASS},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        const struct freshness_facts facts = {
            .told = str_from(of[i].told),
            .is_failing = of[i].is_failing,
            .is_online = of[i].is_online,
            .is_clock_trusted = of[i].is_trusted,
            .clock_offset_ms = of[i].offset_ms,
            .made = {of[i].made_ago_s == 0 ? 0 : now.ns - of[i].made_ago_s * NS_PER_SEC},
            .fail_after_ms = of[i].fail_after_ms};
        enum freshness_word word = freshness_judge(&facts, now);
        if (word != of[i].word) {
            fail_msg("row %zu: %s", i, freshness_word(word));
        }
    }
}

static void add_row(void *ctx, const struct hub_freshness *f)
{
    buf_addf(ctx, STR_FMT " on " STR_FMT " is %s; ", STR_ARG(f->asset), STR_ARG(f->device),
             freshness_word(f->word));
}

static void tell(struct merge *m, const char *device, const char *epoch, const char *status)
{
    struct story s = story_new(device, epoch, now.ns / NS_PER_MS - 10000, 1);
    story_add(&s, "definitions",
              "\"hash\":\"h\",\"part\":1,\"parts\":1,\"assets\":[{\"key\":\"a\",\"freshness\":{"
              "\"fail_after_ms\":60000}}]");
    story_add(&s, "asset_materialization", "\"asset\":\"a\"");
    story_add(&s, "freshness_state_change", "\"asset\":\"a\",\"status\":\"%s\"", status);
    story_add(&s, "freshness_state_change", "\"asset\":\"gone\",\"status\":\"fail\"");
    (void)world_send(m, &s, 0, s.count);
    story_release(&s);
}

static void it_is_read_from_what_devices_said_and_how_they_are(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *store = world_store();
    struct merge *m = world_merge(store);
    AUTO(buf) out = buf_growing(4096);
    tell(m, "away", "00000000000000a1", "pass");
    tell(m, "away-long", "00000000000000a2", "fail");
    tell(m, "clock", "00000000000000a3", "pass");
    tell(m, "fine", "00000000000000a4", "pass");
    tell(m, "late", "00000000000000a5", "fail");
    tell(m, "no-policy", "00000000000000a6", "not_applicable");
    assert_true(db_exec(store,
                        "INSERT INTO connection (device, is_online, since_ms, last_seen_ms, "
                        "clock_offset_ms, clock_trusted) VALUES ('fine', 1, 1, 1, 5, 1), "
                        "('late', 1, 1, 1, 5, 1), ('clock', 1, 1, 1, 99999999, 1), "
                        "('away', 0, 1, 1, 5, 1), ('no-policy', 1, 1, 1, 5, 1)",
                        &err));
    assert_true(hub_each_freshness(store, &(struct hub_filter){0}, now, add_row, &out, &err));
    assert_string_equal(buf_cstr(&out), "a on away is fresh; a on away-long is device away; a on "
                                        "clock is clock wrong; a on fine is fresh; a on late is "
                                        "stale; ");
    buf_reset(&out);
    struct wall_time later = {now.ns + 120 * NS_PER_SEC};
    assert_true(hub_each_freshness(store, &(struct hub_filter){.device = STR("away")}, later,
                                   add_row, &out, &err));
    assert_string_equal(buf_cstr(&out), "a on away is device away; ");
    merge_close(m);
    db_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_word),
        cmocka_unit_test(it_is_read_from_what_devices_said_and_how_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
