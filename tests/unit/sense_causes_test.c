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

static bool hears(size_t sensor, const char *job, const char *status, const char *by,
                  const char *chain)
{
    const struct run_facts run = {.run = STR("1"),
                                  .job = str_from(job),
                                  .status = str_from(status),
                                  .sensor = str_from(by),
                                  .chain = str_from(chain)};
    return causes_run(&sensors[sensor], &run);
}

static void statuses_and_jobs_choose(void **state)
{
    (void)state;
    assert_true(hears(0, "load", "success", "", ""));
    assert_true(hears(0, "", "failure", "", "")); /* by hand, of no job */
    assert_false(hears(0, "load", "canceled", "", ""));
    assert_true(hears(1, "load", "failure", "", ""));
    assert_true(hears(1, "clean", "failure", "", ""));
    assert_false(hears(1, "load", "success", "", ""));
    assert_false(hears(1, "other", "failure", "", ""));
    assert_false(hears(1, "", "failure", "", ""));
}

static void nobody_hears_of_what_it_started(void **state)
{
    (void)state;
    assert_false(hears(0, "report", "success", "", "")); /* its job, whoever started it */
    assert_false(hears(0, "", "success", "audit", ""));  /* its run, or a retry of it */
    assert_false(hears(1, "load", "failure", "alarm", ""));
    assert_false(
        hears(2, "second", "success", "second", "")); /* a selection: the job is its name */
}

/* load -> audit: report -> second: second -> and no further */
static void nobody_hears_of_what_came_of_it(void **state)
{
    (void)state;
    assert_true(hears(2, "report", "success", "audit", ""));
    assert_false(hears(0, "second", "success", "second", "audit"));
    assert_false(hears(0, "x", "success", "y", "first,audit,second"));
    assert_true(hears(0, "x", "success", "y", "first,audi,t,auditor"));
    assert_true(hears(1, "load", "failure", "audit", "second"));
    assert_false(hears(1, "load", "failure", "audit", "alarm"));
}

static void a_chain_grows_by_the_sensor_before(void **state)
{
    (void)state;
    static const struct {
        struct run_facts run;
        const char *chain;
    } cases[] = {{{.sensor = STR_INIT("")}, ""},
                 {{.sensor = STR_INIT("a")}, "a"},
                 {{.sensor = STR_INIT("b"), .chain = STR_INIT("a")}, "a,b"},
                 {{.sensor = STR_INIT("c"), .chain = STR_INIT("a,b")}, "a,b,c"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[16];
        struct buf chain = buf_fixed(text, sizeof(text));
        causes_write_chain(&cases[i].run, &chain);
        assert_true(str_eq(buf_str(&chain), str_from(cases[i].chain)));
    }
}

static void an_asset_counts_when_others_made_it(void **state)
{
    (void)state;
    const struct run_facts cases[] = {
        {.job = STR_INIT("load")},
        {.job = STR_INIT("")},
        {.job = STR_INIT("load"), .sensor = STR_INIT("other"), .chain = STR_INIT("more")},
        {.job = STR_INIT("report")},
        {.job = STR_INIT("load"), .sensor = STR_INIT("made")},
        {.job = STR_INIT("load"), .sensor = STR_INIT("other"), .chain = STR_INIT("made")}};
    static const bool expected[] = {true, true, true, false, false, false};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(causes_asset(&sensors[3], &cases[i]), expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_and_jobs_choose),
        cmocka_unit_test(nobody_hears_of_what_it_started),
        cmocka_unit_test(nobody_hears_of_what_came_of_it),
        cmocka_unit_test(a_chain_grows_by_the_sensor_before),
        cmocka_unit_test(an_asset_counts_when_others_made_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
