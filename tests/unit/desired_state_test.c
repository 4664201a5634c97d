/* desired_state_test.c - agent/desired/desired_state.h */
#include "agent/desired/desired_state.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void revisions_only_rise(void **state)
{
    (void)state;
    struct desired_state s = {0};
    assert_int_equal(desired_weigh(&s, 1, "a"), DESIRED_TRY);
    desired_state_apply(&s, 5, "five", DESIRED_APPLIED, STR(""));
    assert_int_equal(desired_weigh(&s, 4, "four"), DESIRED_STALE);
    assert_int_equal(desired_weigh(&s, 5, "five"), DESIRED_KNOWN);
    assert_int_equal(desired_weigh(&s, 5, "other"), DESIRED_STALE);
    assert_int_equal(desired_weigh(&s, 6, "six"), DESIRED_TRY);
}

static void what_was_refused_is_not_tried_at_each_repeat(void **state)
{
    (void)state;
    struct desired_state s = {0};
    desired_state_apply(&s, 5, "five", DESIRED_APPLIED, STR(""));
    desired_state_refuse(&s, 8, "eight", STR("no such job"));
    assert_int_equal(desired_weigh(&s, 8, "eight"), DESIRED_KNOWN);
    assert_int_equal(desired_weigh(&s, 7, "seven"), DESIRED_STALE);
    assert_int_equal(desired_weigh(&s, 5, "five"), DESIRED_STALE);
    assert_int_equal(desired_weigh(&s, 9, "nine"), DESIRED_TRY);
    desired_state_apply(&s, 9, "nine", DESIRED_APPLIED, STR(""));
    assert_int_equal(s.refused, 0);
    assert_int_equal(desired_weigh(&s, 8, "eight"), DESIRED_STALE);
}

static void the_answer_is_of_the_newest(void **state)
{
    (void)state;
    struct desired_state s = {0};
    struct message_reported m = desired_answer(&s, (struct wall_time){1});
    assert_int_equal(m.revision, 0);
    desired_state_apply(&s, 5, "five", DESIRED_DEGRADED, STR("schedule a: no job"));
    m = desired_answer(&s, (struct wall_time){1});
    assert_int_equal(m.status, DESIRED_DEGRADED);
    assert_true(str_eq(m.reason, STR("schedule a: no job")));
    desired_state_refuse(&s, 6, "six", STR("no"));
    m = desired_answer(&s, (struct wall_time){1});
    assert_int_equal(m.revision, 6);
    assert_int_equal(m.status, DESIRED_REFUSED);
    assert_int_equal(m.applied, 5);
    assert_true(str_eq(m.hash, STR("five")));
}

static void what_is_for_others_is_denied(void **state)
{
    (void)state;
    struct err err = {0};
    struct desired d = {.fleet = STR("main"), .device = STR("brooklyn"), .revision = 1};
    assert_true(desired_check_address(&d, STR("main"), STR("brooklyn"), &err));
    assert_false(desired_check_address(&d, STR("main"), STR("harlem"), &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_false(desired_check_address(&d, STR("other"), STR("brooklyn"), &err));
    assert_non_null(strstr(err.msg, "fleet main"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revisions_only_rise),
        cmocka_unit_test(what_was_refused_is_not_tried_at_each_repeat),
        cmocka_unit_test(the_answer_is_of_the_newest),
        cmocka_unit_test(what_is_for_others_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
