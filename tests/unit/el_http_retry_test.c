/* el_http_retry_test.c - agent/el/http_retry.h */
#include "agent/el/http_retry.h"
#include "tests/support/cmocka_all.h"

static const struct retry_policy policy = {
    .retries = 3, .wait_ns = NS_PER_SEC, .longest_ns = 10 * NS_PER_SEC};
static const struct wall_time now = {1767323045 * NS_PER_SEC}; /* Fri, 02 Jan 2026 03:04:05 GMT */

static struct retry_decision decide(int status, int64_t tried, const char *after)
{
    const struct retry_answer answer = {
        .status = status, .retry_after = str_from(after), .now = now, .chance = UINT64_MAX};
    return retry_decide(&policy, tried, &answer);
}

static void which_answers_may_pass(void **state)
{
    (void)state;
    static const int pass[] = {0, 408, 425, 429, 500, 502, 503, 504, 599};
    static const int stay[] = {100, 301, 304, 400, 401, 403, 404, 410, 422, 501, 505};
    for (size_t i = 0; i < COUNT_OF(pass); i++) {
        assert_int_equal(decide(pass[i], 0, "").verdict, RETRY_LATER);
        assert_int_equal(decide(pass[i], 2, "").verdict, RETRY_LATER);
        assert_int_equal(decide(pass[i], 3, "").verdict, RETRY_USED_UP);
    }
    for (size_t i = 0; i < COUNT_OF(stay); i++) {
        assert_int_equal(decide(stay[i], 0, "1").verdict, RETRY_NO_USE);
    }
    assert_int_equal(decide(200, 9, "").verdict, RETRY_NOT_NEEDED);
    assert_int_equal(decide(204, 0, "").verdict, RETRY_NOT_NEEDED);
}

static void waits_double_up_to_the_longest_and_half_is_chance(void **state)
{
    (void)state;
    static const int64_t whole_s[] = {1, 2, 4, 8, 10, 10};
    const struct retry_policy often = {
        .retries = 1000, .wait_ns = NS_PER_SEC, .longest_ns = 10 * NS_PER_SEC};
    for (int64_t tried = 0; tried < (int64_t)COUNT_OF(whole_s); tried++) {
        int64_t whole = whole_s[tried] * NS_PER_SEC;
        for (uint64_t chance = 0; chance < UINT64_MAX / 2; chance = chance * 7 + 1) {
            const struct retry_answer answer = {.chance = chance};
            struct retry_decision d = retry_decide(&often, tried, &answer);
            assert_true(d.wait_ns >= whole / 2 && d.wait_ns <= whole);
        }
        assert_int_equal(retry_decide(&often, tried, &(struct retry_answer){0}).wait_ns, whole / 2);
    }
    assert_true(retry_decide(&often, 999, &(struct retry_answer){0}).wait_ns <= 10 * NS_PER_SEC);
}

static void the_server_says_when(void **state)
{
    (void)state;
    assert_int_equal(decide(429, 0, "7").wait_ns, 7 * NS_PER_SEC);
    assert_int_equal(decide(503, 0, " 9 ").wait_ns, 9 * NS_PER_SEC);
    assert_true(decide(503, 0, "0").wait_ns >= NS_PER_SEC / 2); /* ours is longer */
    assert_int_equal(decide(429, 0, "11").verdict, RETRY_TOO_LATE);
    assert_int_equal(decide(429, 0, "11").wait_ns, 11 * NS_PER_SEC);
    assert_int_equal(decide(429, 0, "99999999999999999").verdict, RETRY_TOO_LATE);
    assert_int_equal(decide(429, 0, "Fri, 02 Jan 2026 03:04:12 GMT").wait_ns, 7 * NS_PER_SEC);
    assert_int_equal(decide(429, 0, "Fri, 02 Jan 2026 02:00:00 GMT").verdict, RETRY_LATER);
    assert_true(decide(429, 0, "soon").wait_ns <= NS_PER_SEC);
    assert_true(decide(429, 0, "-5").wait_ns <= NS_PER_SEC);
}

static void a_date_counts_from_the_servers_clock(void **state)
{
    (void)state;
    int64_t ns = 0;
    struct retry_answer answer = {.retry_after = STR("Thu, 01 Jan 1970 00:01:00 GMT"),
                                  .date = STR("Thu, 01 Jan 1970 00:00:57 GMT"),
                                  .now = now};
    assert_true(retry_after_parse(&answer, &ns));
    assert_int_equal(ns, 3 * NS_PER_SEC);
    answer.date = STR("yesterday");
    assert_true(retry_after_parse(&answer, &ns));
    assert_int_equal(ns, 0);
    answer.retry_after = STR("");
    assert_false(retry_after_parse(&answer, &ns));
}

static void three_forms_of_a_date(void **state)
{
    (void)state;
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    static const char *const none[] = {"",
                                       "Sun, 06 Nov 1994 08:49:37 UTC",
                                       "Sun, 06 Nov 1994 24:49:37 GMT",
                                       "Sun, 32 Nov 1994 08:49:37 GMT",
                                       "Sun, 06 nov 1994 08:49:37 GMT",
                                       "Sun, 06 Nov 1994 08:49 GMT",
                                       "Nov 6 08:49:37 1994",
                                       "1994-11-06T08:49:37Z"};
    int64_t seconds = 0;
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        assert_true(http_date_parse(str_from(same[i]), &seconds));
        assert_int_equal(seconds, 784111777);
    }
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_false(http_date_parse(str_from(none[i]), &seconds));
    }
    assert_true(http_date_parse(STR("Friday, 02-Jan-26 03:04:05 GMT"), &seconds));
    assert_int_equal(seconds, now.ns / NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_answers_may_pass),
        cmocka_unit_test(waits_double_up_to_the_longest_and_half_is_chance),
        cmocka_unit_test(the_server_says_when),
        cmocka_unit_test(a_date_counts_from_the_servers_clock),
        cmocka_unit_test(three_forms_of_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
