/* run_shared_test.c - a step that makes several assets, and what is made from each of them:
 *     lake = {x, y, z};   x --> a    y --> b    z --> c    x, y --> d */
#include "tests/unit/run_fixture.h"

#include "tests/support/cmocka_all.h"

enum { LAKE, A, B, C, D, STEPS };
enum { X, Y, Z, OF_A, OF_B, OF_C, OF_D, ASSETS };

static const uint32_t wait_x[] = {X};
static const uint32_t wait_y[] = {Y};
static const uint32_t wait_z[] = {Z};
static const uint32_t wait_xy[] = {X, Y};
static struct plan_step steps[STEPS] = {
    {.first = X, .asset_count = 3},
    {.first = OF_A, .asset_count = 1, .waits = wait_x, .wait_count = 1},
    {.first = OF_B, .asset_count = 1, .waits = wait_y, .wait_count = 1},
    {.first = OF_C, .asset_count = 1, .waits = wait_z, .wait_count = 1},
    {.first = OF_D, .asset_count = 1, .waits = wait_xy, .wait_count = 2},
};
static struct plan_asset plan_assets[ASSETS] = {{0, LAKE}, {1, LAKE}, {2, LAKE}, {3, A},
                                                {4, B},    {5, C},    {6, D}};
static const struct plan plan = {
    .steps = steps, .count = STEPS, .assets = plan_assets, .asset_count = ASSETS};
static struct shared_step lake = {.key = STR_INIT("lake")};
static struct asset assets[ASSETS];
static const struct definitions defs = {.assets = assets, .asset_count = ASSETS};

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < ASSETS; i++) {
        assets[i] = (struct asset){.key = STR("x"), .step = i <= Z ? &lake : NULL};
    }
    return run_fixture_begin(&defs, &plan);
}

static enum step_state ends(uint32_t step, enum step_outcome outcome)
{
    return run_step_ended(&run, step, outcome, now, 0);
}

static void all_of_them_are_made_at_once(void **state)
{
    (void)state;
    assert_true(str_eq(run_step_key(&run, LAKE), STR("lake")));
    assert_true(str_eq(run_step_key(&run, A), STR("x")));
    expect_start(LAKE);
    expect_none();
    assert_int_equal(ends(LAKE, STEP_DID_WELL), STEP_SUCCESS);
    expect_start(A);
    expect_start(B);
    expect_start(D);
    expect_start(C);
    for (uint32_t i = 0; i < ASSETS; i++) {
        assert_int_equal(run.made[i], i <= Z ? RUN_ASSET_MADE : RUN_ASSET_PENDING);
    }
}

static void what_was_not_made_blocks_only_its_own(void **state)
{
    (void)state;
    expect_start(LAKE);
    run_asset_made(&run, X, true);
    run_asset_made(&run, Z, true);
    assert_int_equal(ends(LAKE, STEP_DID_FAIL), STEP_FAILURE);
    expect_skip(B, Y);
    expect_skip(D, Y); /* x alone is not enough */
    expect_no_skip();
    expect_start(A);
    expect_start(C);
    (void)ends(A, STEP_DID_WELL);
    (void)ends(C, STEP_DID_WELL);
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_FAILURE);
    uint32_t failed = STEPS;
    assert_true(run_first_failure(&run, &failed));
    assert_int_equal(failed, LAKE);
}

static void the_next_attempt_has_what_is_left_to_make(void **state)
{
    (void)state;
    assets[0].retry = (struct retry_policy){.max = 1, .delay_ns = NS_PER_SEC};
    expect_start(LAKE);
    run_asset_made(&run, X, true);
    assert_int_equal(ends(LAKE, STEP_DID_FAIL), STEP_UP_FOR_RETRY);
    expect_start(A); /* before the step's next attempt */
    expect_none();
    assert_int_equal(run.made[X], RUN_ASSET_MADE);
    assert_int_equal(run.made[Y], RUN_ASSET_PENDING);
    now.ns += NS_PER_SEC;
    expect_start(LAKE);
    assert_int_equal(run.steps[LAKE].attempt, 2);
    assert_int_equal(ends(LAKE, STEP_DID_WELL), STEP_SUCCESS);
    expect_start(B);
    expect_start(D);
    expect_start(C);
    expect_no_skip();
}

static void nothing_is_tried_again_that_is_made(void **state)
{
    (void)state;
    assets[0].retry = (struct retry_policy){.max = 5};
    expect_start(LAKE);
    for (uint32_t i = X; i <= Z; i++) {
        run_asset_made(&run, i, true);
    }
    assert_int_equal(ends(LAKE, STEP_DID_FAIL), STEP_FAILURE); /* it said so, with all it made */
    expect_no_skip();
    expect_start(A);
}

static void a_blocking_check_holds_back_what_is_made_of_its_asset(void **state)
{
    (void)state;
    assets[0].retry = (struct retry_policy){.max = 5};
    expect_start(LAKE);
    run_asset_made(&run, X, true);
    run_asset_made(&run, Y, false);
    run_asset_made(&run, Z, true);
    assert_int_equal(ends(LAKE, STEP_DID_NOT_PASS), STEP_FAILURE);
    expect_skip(B, Y);
    expect_skip(D, Y);
    expect_start(A);
    expect_start(C);
}

static void it_holds_although_the_rest_is_made_by_the_next_attempt(void **state)
{
    (void)state;
    assets[0].retry = (struct retry_policy){.max = 5};
    expect_start(LAKE);
    run_asset_made(&run, X, false);
    assert_int_equal(ends(LAKE, STEP_DID_FAIL), STEP_UP_FOR_RETRY);
    expect_skip(A, X);
    expect_skip(D, X);
    expect_start(LAKE);
    assert_int_equal(ends(LAKE, STEP_DID_WELL), STEP_FAILURE);
    expect_start(B);
    expect_start(C);
    (void)ends(B, STEP_DID_WELL);
    (void)ends(C, STEP_DID_WELL);
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_FAILURE);
}

static void what_was_made_before_a_cancel_stays_made(void **state)
{
    (void)state;
    expect_start(LAKE);
    run_asset_made(&run, X, true);
    run_stop(&run, RUN_STOP_CANCELED);
    assert_int_equal(ends(LAKE, STEP_DID_FAIL), STEP_CANCELED);
    expect_skip(A, RUN_NO_ASSET);
    while (run_skip_blocked(&run, &(uint32_t){0}, &(uint32_t){0})) {
    }
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_CANCELED);
    assert_int_equal(run.made[X], RUN_ASSET_MADE);
    assert_int_equal(run.made[Y], RUN_ASSET_FALLEN);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, run_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(all_of_them_are_made_at_once),
        RUN_TEST(what_was_not_made_blocks_only_its_own),
        RUN_TEST(the_next_attempt_has_what_is_left_to_make),
        RUN_TEST(nothing_is_tried_again_that_is_made),
        RUN_TEST(a_blocking_check_holds_back_what_is_made_of_its_asset),
        RUN_TEST(it_holds_although_the_rest_is_made_by_the_next_attempt),
        RUN_TEST(what_was_made_before_a_cancel_stays_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
