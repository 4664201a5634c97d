/* sense_causes_test.c - which runs are whose business, so that no sensor starts itself for ever. */
#include "agent/sense/causes.h"

#include "tests/support/cmocka_all.h"

static struct str success_and_failure[] = {STR_INIT("success"), STR_INIT("failure")};
static struct str failure[] = {STR_INIT("failure")};
static struct str jobs[] = {STR_INIT("load"), STR_INIT("clean")};
static const struct job report = {.name = STR_INIT("report")};

/* 0 hears of all, 1 of failures of two jobs, 2 is one more that hears of all; 3 waits for an asset. */
static struct sensor sensors[] = {
    {.name = STR_INIT("audit"),
     .type = SENSOR_RUN_STATUS,
     .job = &report,
     .statuses = {success_and_failure, 2}},
    {.name = STR_INIT("alarm"),
     .type = SENSOR_RUN_STATUS,
     .statuses = {failure, 1},
     .jobs = {jobs, 2}},
    {.name = STR_INIT("second"), .type = SENSOR_RUN_STATUS, .statuses = {success_and_failure, 2}},
    {.name = STR_INIT("made"), .type = SENSOR_ASSET, .job = &report},
};
static const struct definitions defs = {.sensors = sensors, .sensor_count = COUNT_OF(sensors)};

static bool hears(size_t sensor, const char *job, const char *status, const char *by)
{
    const struct run_facts run = {
        .run = STR("1"), .job = str_from(job), .status = str_from(status), .sensor = str_from(by)};
    return causes_run(&defs, &sensors[sensor], &run);
}

static void statuses_and_jobs_choose(void **state)
{
    (void)state;
    assert_true(hears(0, "load", "success", ""));
    assert_true(hears(0, "", "failure", "")); /* by hand, of no job */
    assert_false(hears(0, "load", "canceled", ""));
    assert_true(hears(1, "load", "failure", ""));
    assert_true(hears(1, "clean", "failure", ""));
    assert_false(hears(1, "load", "success", ""));
    assert_false(hears(1, "other", "failure", ""));
    assert_false(hears(1, "", "failure", ""));
}

static void nobody_hears_of_what_it_started(void **state)
{
    (void)state;
    assert_false(hears(0, "report", "success", "")); /* its job, whoever started it */
    assert_false(hears(0, "", "success", "audit"));  /* its run, or a retry of it */
    assert_false(hears(1, "load", "failure", "alarm"));
    assert_false(hears(2, "second", "success", "second")); /* a selection: the job is its name */
}

static void two_that_hear_of_all_do_not_start_each_other(void **state)
{
    (void)state;
    assert_false(hears(0, "second", "success", "second"));
    assert_false(hears(2, "report", "success", "audit"));
    assert_true(hears(2, "report", "success", ""));     /* by hand */
    assert_true(hears(2, "report", "success", "made")); /* another kind of sensor: no circle */
    assert_true(hears(1, "load", "failure", "audit"));  /* who names the jobs gets them */
}

static void an_asset_counts_when_others_made_it(void **state)
{
    (void)state;
    const struct run_facts cases[] = {{.job = STR_INIT("load")},
                                      {.job = STR_INIT("")},
                                      {.job = STR_INIT("report")},
                                      {.job = STR_INIT("load"), .sensor = STR_INIT("made")}};
    static const bool expected[] = {true, true, false, false};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(causes_asset(&sensors[3], &cases[i]), expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_and_jobs_choose),
        cmocka_unit_test(nobody_hears_of_what_it_started),
        cmocka_unit_test(two_that_hear_of_all_do_not_start_each_other),
        cmocka_unit_test(an_asset_counts_when_others_made_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
