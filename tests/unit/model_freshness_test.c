#include "common/model/freshness.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"
#include <string.h>

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define MINUTE (60 * NS_PER_SEC)
#define HOUR   (60 * MINUTE)

static struct wall_time at(const char *text)
{
    struct wall_time t = {0};
    if (text[0] != '\0') {
        assert_true(wall_parse(str_from(text), &t));
    }
    return t;
}

/* At `now` an asset made at `made` (empty = never) is in `state`, until `next` (NULL = for ever). */
struct moment {
    const char *made;
    const char *now;
    enum freshness_state state;
    const char *next;
};

static void assert_states(const struct freshness_policy *policy, const struct moment *moments,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct moment *m = &moments[i];
        struct wall_time next;
        enum freshness_state state = freshness_at(policy, at(m->made), at(m->now), &next);
        int64_t expected = m->next == NULL ? INT64_MAX : at(m->next).ns;
        if (state != m->state || next.ns != expected) {
            char text[WALL_TEXT_SIZE];
            print_error("moment %zu: made %s, now %s: %s, next %s\n", i, m->made, m->now,
                        freshness_state_name(state),
                        next.ns == INT64_MAX ? "never" : wall_format(next, text));
        }
        assert_int_equal(state, m->state);
        assert_int_equal(next.ns, expected);
        /* Nothing changes before `next`, and `next` is no false alarm. */
        if (m->next != NULL) {
            struct wall_time then;
            struct wall_time before = {next.ns - 1};
            assert_int_equal(freshness_at(policy, at(m->made), before, &then), state);
            assert_int_not_equal(freshness_at(policy, at(m->made), next, &then), state);
        }
    }
}

#define STATES(policy, ...)                                                                        \
    assert_states(policy, (const struct moment[]){__VA_ARGS__},                                    \
                  COUNT_OF(((const struct moment[]){__VA_ARGS__})))

static struct freshness_policy deadline(const char *cron, const struct tz *tz, int64_t lower_bound)
{
    struct freshness_policy policy = {.kind = FRESHNESS_DEADLINE,
                                      .cron_text = str_from(cron),
                                      .tz = tz,
                                      .lower_bound_ns = lower_bound};
    struct err err = {0};
    assert_true(cron_parse(policy.cron_text, &policy.cron, &err));
    return policy;
}

static void no_policy_says_nothing(void **state)
{
    (void)state;
    const struct freshness_policy none = {.kind = FRESHNESS_NONE};
    STATES(&none, {"2026-01-01", "2026-01-02", FRESHNESS_NOT_APPLICABLE, NULL},
           {"", "2026-01-02", FRESHNESS_NOT_APPLICABLE, NULL});
}

static void a_window_warns_then_fails(void **state)
{
    (void)state;
    const struct freshness_policy policy = {
        .kind = FRESHNESS_WINDOW, .warn_after_ns = 90 * MINUTE, .fail_after_ns = 2 * HOUR};
    STATES(
        &policy, {"", "2026-01-01T00:00:00", FRESHNESS_UNKNOWN, NULL},
        {"2026-01-01T00:00:00", "2026-01-01T00:00:00", FRESHNESS_PASS, "2026-01-01T01:30:00"},
        {"2026-01-01T00:00:00", "2026-01-01T01:29:59.999", FRESHNESS_PASS, "2026-01-01T01:30:00"},
        {"2026-01-01T00:00:00", "2026-01-01T01:30:00", FRESHNESS_WARN, "2026-01-01T02:00:00"},
        {"2026-01-01T00:00:00", "2026-01-01T02:00:00", FRESHNESS_FAIL, NULL},
        /* the clock was set back since */
        {"2026-01-01T00:00:00", "2025-12-31T00:00:00", FRESHNESS_PASS, "2026-01-01T01:30:00"});
}

static void a_window_need_not_warn(void **state)
{
    (void)state;
    const struct freshness_policy policy = {.kind = FRESHNESS_WINDOW, .fail_after_ns = 2 * HOUR};
    STATES(&policy,
           {"2026-01-01T00:00:00", "2026-01-01T00:00:00", FRESHNESS_PASS, "2026-01-01T02:00:00"},
           {"2026-01-01T00:00:00", "2026-01-01T01:59:59", FRESHNESS_PASS, "2026-01-01T02:00:00"},
           {"2026-01-01T00:00:00", "2026-01-01T02:00:00", FRESHNESS_FAIL, NULL});
}

static void a_window_beyond_the_end_of_time_passes(void **state)
{
    (void)state;
    const struct freshness_policy policy = {
        .kind = FRESHNESS_WINDOW, .warn_after_ns = INT64_MAX - 1, .fail_after_ns = INT64_MAX};
    struct wall_time next;
    assert_int_equal(freshness_at(&policy, at("2026-01-01"), at("2126-01-01"), &next),
                     FRESHNESS_PASS);
    assert_int_equal(next.ns, INT64_MAX);
}

/* The four examples of Dagster's own page: daily at 10, an hour before it. */
static void a_deadline_is_kept_or_missed(void **state)
{
    (void)state;
    const struct freshness_policy policy = deadline("0 10 * * *", tz_utc(), HOUR);
    STATES(&policy, {"", "2026-01-02T12:00:00", FRESHNESS_UNKNOWN, NULL},
           {"2026-01-02T09:30:00", "2026-01-02T09:59:00", FRESHNESS_PASS, "2026-01-03T10:00:00"},
           {"2026-01-02T09:30:00", "2026-01-02T10:00:00", FRESHNESS_PASS, "2026-01-03T10:00:00"},
           {"2026-01-02T09:00:00", "2026-01-03T09:59:59", FRESHNESS_PASS, "2026-01-03T10:00:00"},
           /* too early, just, for the deadline of the same day */
           {"2026-01-02T08:59:59", "2026-01-02T09:59:59", FRESHNESS_PASS, "2026-01-02T10:00:00"},
           {"2026-01-02T08:59:59", "2026-01-02T10:00:00", FRESHNESS_FAIL, NULL},
           {"2026-01-02T08:59:59", "2026-01-05T00:00:00", FRESHNESS_FAIL, NULL},
           /* late: passes from then to the next deadline */
           {"2026-01-02T10:30:00", "2026-01-02T10:30:00", FRESHNESS_PASS, "2026-01-03T10:00:00"},
           {"2026-01-02T10:30:00", "2026-01-03T10:00:00", FRESHNESS_FAIL, NULL});
}

static void a_deadline_follows_the_wall_clock(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *berlin = tzif_zone(&arena, BERLIN);
    const struct freshness_policy nine = deadline("0 9 * * *", berlin, 30 * MINUTE);
    /* summer time begins on 2026-03-29: nine o'clock is an hour earlier in UTC; 23 hours between */
    STATES(&nine,
           {"2026-03-28T07:45:00", "2026-03-28T08:00:00", FRESHNESS_PASS, "2026-03-29T07:00:00"},
           {"2026-03-28T07:45:00", "2026-03-29T07:00:00", FRESHNESS_FAIL, NULL},
           {"2026-03-29T06:30:00", "2026-03-29T07:00:00", FRESHNESS_PASS, "2026-03-30T07:00:00"},
           /* and ends on 2026-10-25: 25 hours between */
           {"2026-10-24T06:30:00", "2026-10-25T07:59:59", FRESHNESS_PASS, "2026-10-25T08:00:00"},
           {"2026-10-25T07:30:00", "2026-10-25T08:00:00", FRESHNESS_PASS, "2026-10-26T08:00:00"});
    /* half past two does not exist on 2026-03-29: the deadline is at three, 01:00 UTC */
    const struct freshness_policy half_past_two = deadline("30 2 * * *", berlin, HOUR);
    STATES(&half_past_two,
           {"2026-03-28T02:00:00", "2026-03-29T00:59:59", FRESHNESS_PASS, "2026-03-29T01:00:00"},
           {"2026-03-28T02:00:00", "2026-03-29T01:00:00", FRESHNESS_FAIL, NULL},
           {"2026-03-29T00:00:00", "2026-03-29T01:00:00", FRESHNESS_PASS, "2026-03-30T00:30:00"});
}

static void a_rare_deadline_is_found(void **state)
{
    (void)state;
    const struct freshness_policy leap = deadline("0 0 29 2 *", tz_utc(), HOUR);
    STATES(&leap, {"2025-01-01", "2026-01-01", FRESHNESS_PASS, "2028-02-29"},
           {"2024-02-28", "2026-01-01", FRESHNESS_FAIL, NULL});
    const struct freshness_policy never = deadline("0 0 30 2 *", tz_utc(), HOUR);
    STATES(&never, {"2025-01-01", "2026-01-01", FRESHNESS_PASS, NULL});
    /* A longer bound than lies between two ticks keeps several of them. */
    const struct freshness_policy wide = deadline("*/10 * * * *", tz_utc(), HOUR);
    STATES(&wide,
           {"2026-01-01T00:05:00", "2026-01-01T00:06:00", FRESHNESS_PASS, "2026-01-01T01:10:00"},
           {"2026-01-01T00:05:00", "2026-01-01T01:10:00", FRESHNESS_FAIL, NULL});
}

static void states_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRESHNESS_STATE_COUNT; i++) {
        const char *name = freshness_state_name((enum freshness_state)i);
        assert_int_equal(freshness_state_from(str_from(name)), i);
    }
    assert_string_equal(freshness_state_name(FRESHNESS_PASS), "pass");
    assert_int_equal(freshness_state_from(STR("")), FRESHNESS_UNKNOWN);
    assert_int_equal(freshness_state_from(STR("fresh")), FRESHNESS_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_policy_says_nothing),
        cmocka_unit_test(a_window_warns_then_fails),
        cmocka_unit_test(a_window_need_not_warn),
        cmocka_unit_test(a_window_beyond_the_end_of_time_passes),
        cmocka_unit_test(a_deadline_is_kept_or_missed),
        cmocka_unit_test(a_deadline_follows_the_wall_clock),
        cmocka_unit_test(a_rare_deadline_is_found),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
