/* el_pace_test.c - agent/el/pace.h */
#include "agent/el/pace.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const struct mono_time start = {1000 * NS_PER_SEC};

static struct mono_time at(int64_t ms)
{
    return (struct mono_time){start.ns + ms * NS_PER_MS};
}

static void options_that_make_no_sense(void **state)
{
    (void)state;
    struct err err;
    assert_true(pace_check(&(struct pace_options){0}, &err));
    assert_true(pace_check(&(struct pace_options){.samples = 1}, &err));
    assert_true(pace_check(&(struct pace_options){.samples = 2, .every = 1}, &err));
    assert_true(pace_check(&(struct pace_options){.lasts = 2, .every = 1}, &err));
    assert_false(pace_check(&(struct pace_options){.samples = 2}, &err));
    assert_non_null(strstr(err.msg, "\"every\" is missing"));
    assert_false(pace_check(&(struct pace_options){.lasts = 1}, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(pace_check(&(struct pace_options){.samples = 1, .every = 1}, &err));
    assert_non_null(strstr(err.hint, "samples"));
    assert_false(pace_check(&(struct pace_options){.every = PACE_LASTS_DEFAULT + 1}, &err));
    assert_non_null(strstr(err.msg, "single sample"));
}

static void an_interval_alone_lasts_for_a_minute(void **state)
{
    (void)state;
    struct err err;
    const struct pace_options options = {.every = 20 * NS_PER_SEC};
    assert_true(pace_check(&options, &err));
    struct pace p = pace_begin(&options, start);
    for (int i = 0; i < 4; i++) { /* at 0, 20, 40 and 60 s */
        assert_false(pace_is_over(&p));
        pace_taken(&p, at(INT64_C(20000) * i));
    }
    assert_true(pace_is_over(&p));
}

static void one_sample_when_nothing_is_said(void **state)
{
    (void)state;
    const struct pace_options options = {0};
    struct pace p = pace_begin(&options, start);
    assert_false(pace_is_over(&p));
    assert_int_equal(pace_wait_ns(&p, at(-5)), 5 * NS_PER_MS);
    assert_int_equal(pace_wait_ns(&p, at(0)), 0);
    pace_taken(&p, at(3));
    assert_true(pace_is_over(&p));
}

static void a_count_of_samples_without_drift(void **state)
{
    (void)state;
    const struct pace_options options = {.samples = 3, .every = 100 * NS_PER_MS};
    struct pace p = pace_begin(&options, start);
    for (int i = 0; i < 3; i++) {
        assert_false(pace_is_over(&p));
        assert_int_equal(pace_wait_ns(&p, at(INT64_C(100) * i)), 0);
        pace_taken(&p, at(INT64_C(100) * i + 7));
    }
    assert_true(pace_is_over(&p));
}

static void what_is_late_is_left_out(void **state)
{
    (void)state;
    const struct pace_options options = {.samples = 3, .every = 100 * NS_PER_MS};
    struct pace p = pace_begin(&options, start);
    pace_taken(&p, at(250)); /* those of 100 and 200 are gone */
    assert_int_equal(pace_wait_ns(&p, at(250)), 50 * NS_PER_MS);
    pace_taken(&p, at(400)); /* just in time */
    assert_int_equal(pace_wait_ns(&p, at(400)), 0);
    assert_false(pace_is_over(&p));
    pace_taken(&p, at(401));
    assert_true(pace_is_over(&p));
}

static void a_duration_has_both_ends(void **state)
{
    (void)state;
    const struct pace_options options = {.lasts = 200 * NS_PER_MS, .every = 100 * NS_PER_MS};
    struct pace p = pace_begin(&options, start);
    int taken = 0;
    for (; !pace_is_over(&p); taken++) {
        pace_taken(&p, at(INT64_C(100) * taken));
    }
    assert_int_equal(taken, 3);
    p = pace_begin(&options, start);
    pace_taken(&p, at(500));
    assert_true(pace_is_over(&p));
    const struct pace_options both = {
        .lasts = 200 * NS_PER_MS, .every = 100 * NS_PER_MS, .samples = 2};
    p = pace_begin(&both, start);
    pace_taken(&p, at(0));
    assert_false(pace_is_over(&p));
    pace_taken(&p, at(100));
    assert_true(pace_is_over(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense),
        cmocka_unit_test(an_interval_alone_lasts_for_a_minute),
        cmocka_unit_test(one_sample_when_nothing_is_said),
        cmocka_unit_test(a_count_of_samples_without_drift),
        cmocka_unit_test(what_is_late_is_left_out),
        cmocka_unit_test(a_duration_has_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
