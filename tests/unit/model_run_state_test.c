#include "common/model/run_state.h"
#include "tests/support/cmocka_all.h"

static void names_go_both_ways(void **state)
{
    (void)state;
    for (enum run_state s = 0; s < RUN_STATE_COUNT; s++) {
        enum run_state back = RUN_STATE_COUNT;
        assert_true(run_state_from(str_from(run_state_name(s)), &back));
        assert_int_equal(back, s);
    }
    for (enum step_state s = 0; s < STEP_STATE_COUNT; s++) {
        enum step_state back = STEP_STATE_COUNT;
        assert_true(step_state_from(str_from(step_state_name(s)), &back));
        assert_int_equal(back, s);
    }
    enum run_state run = RUN_QUEUED;
    enum step_state step = STEP_WAITING;
    assert_false(run_state_from(STR("STARTED"), &run));
    assert_false(run_state_from(STR(""), &run));
    assert_false(step_state_from(STR("queued"), &step));
    assert_string_equal(run_state_name(RUN_NOT_STARTED), "not_started");
}

static void an_end_is_an_end(void **state)
{
    (void)state;
    for (enum run_state from = 0; from < RUN_STATE_COUNT; from++) {
        bool is_end = from == RUN_SUCCESS || from == RUN_FAILURE || from == RUN_CANCELED;
        assert_int_equal(run_state_is_finished(from), is_end);
        /* A crash may fail a run wherever it is. */
        assert_int_equal(run_state_may_become(from, RUN_FAILURE), !is_end);
        assert_false(run_state_may_become(from, from));
        for (enum run_state to = 0; to < RUN_STATE_COUNT; to++) {
            assert_false(is_end && run_state_may_become(from, to));
        }
    }
    for (enum step_state from = 0; from < STEP_STATE_COUNT; from++) {
        bool is_end = from == STEP_SUCCESS || from == STEP_FAILURE || from == STEP_SKIPPED ||
                      from == STEP_CANCELED;
        assert_int_equal(step_state_is_finished(from), is_end);
        for (enum step_state to = 0; to < STEP_STATE_COUNT; to++) {
            assert_false(is_end && step_state_may_become(from, to));
        }
    }
}

static void runs_move_as_drawn(void **state)
{
    (void)state;
    enum run_state run = RUN_QUEUED;
    run_state_enter(&run, RUN_NOT_STARTED);
    run_state_enter(&run, RUN_STARTING);
    run_state_enter(&run, RUN_STARTED);
    assert_false(run_state_may_become(run, RUN_CANCELED)); /* only by way of canceling */
    assert_false(run_state_may_become(run, RUN_QUEUED));
    run_state_enter(&run, RUN_CANCELING);
    assert_false(run_state_may_become(run, RUN_SUCCESS));
    run_state_enter(&run, RUN_CANCELED);
    assert_int_equal(run, RUN_CANCELED);
}

static void steps_retry(void **state)
{
    (void)state;
    enum step_state step = STEP_WAITING;
    assert_false(step_state_may_become(step, STEP_SUCCESS));
    step_state_enter(&step, STEP_STARTED);
    step_state_enter(&step, STEP_UP_FOR_RETRY);
    assert_false(step_state_may_become(step, STEP_SUCCESS));
    step_state_enter(&step, STEP_STARTED);
    step_state_enter(&step, STEP_SUCCESS);
    assert_true(step_state_is_finished(step));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(an_end_is_an_end),
        cmocka_unit_test(runs_move_as_drawn),
        cmocka_unit_test(steps_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
