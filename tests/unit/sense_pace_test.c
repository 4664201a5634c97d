/* sense_pace_test.c - when a sensor may tick, and which ticks are news. */
#include "agent/sense/pace.h"

#include "tests/support/cmocka_all.h"

static const struct mono_time now = {1000 * NS_PER_SEC};
static const struct wall_time wall = {1800000000 * NS_PER_SEC};

static struct mono_time later(int64_t s)
{
    return (struct mono_time){now.ns + s * NS_PER_SEC};
}

static struct wall_time ago(int64_t s)
{
    return (struct wall_time){wall.ns - s * NS_PER_SEC};
}

static void between_two_ticks_lies_the_interval(void **state)
{
    (void)state;
    struct pace p = {.min_interval_ns = 30 * NS_PER_SEC};
    assert_true(pace_is_due(&p, now));
    pace_ticked(&p, now);
    assert_false(pace_is_due(&p, later(29)));
    assert_true(pace_is_due(&p, later(30)));
    struct pace without = {0};
    pace_ticked(&without, now);
    assert_true(pace_is_due(&without, now));
}

static void a_restart_does_not_begin_the_interval_anew(void **state)
{
    (void)state;
    struct pace p = {.min_interval_ns = 30 * NS_PER_SEC};
    pace_begin(&p, ago(10), wall, now);
    assert_false(pace_is_due(&p, later(19)));
    assert_true(pace_is_due(&p, later(20)));
    pace_begin(&p, ago(31), wall, now);
    assert_true(pace_is_due(&p, now));
    pace_begin(&p, (struct wall_time){0}, wall, now); /* it never ticked */
    assert_true(pace_is_due(&p, now));
    pace_begin(&p, ago(-3600), wall, now); /* the clock was set back */
    assert_true(pace_is_due(&p, now));
}

static void failures_are_spread_and_bounded(void **state)
{
    (void)state;
    struct pace p = {.min_interval_ns = 0};
    for (int i = 0; i < 100; i++) {
        pace_failed(&p, now, UINT64_MAX);
        assert_true(p.next.ns > now.ns);
        assert_true(p.next.ns <= later(300).ns);
    }
    assert_int_equal(p.failures, 100);
    pace_ticked(&p, now);
    assert_int_equal(p.failures, 0);
    p.min_interval_ns = 3600 * NS_PER_SEC; /* never sooner than it would be without a failure */
    pace_failed(&p, now, 0);
    assert_int_equal(p.next.ns, later(3600).ns);
}

static void only_news_is_recorded(void **state)
{
    (void)state;
    struct told told = {0};
    assert_true(told_is_news(&told, STR("skipped"), STR("nothing new"), false));
    assert_false(told_is_news(&told, STR("skipped"), STR("nothing new"), false));
    assert_true(told_is_news(&told, STR("skipped"), STR("nothing new"), true));
    assert_true(told_is_news(&told, STR("skipped"), STR("another reason"), false));
    assert_true(told_is_news(&told, STR("failed"), STR("another reason"), false));
    assert_true(told_is_news(&told, STR("failed"), STR("nothing new"), false));
    assert_false(told_is_news(&told, STR("failed"), STR("nothing new"), false));
    assert_true(told_is_news(&told, STR("started"), STR_NONE, false));
    assert_true(told_is_news(&told, STR("started"), STR_NONE, false));
    assert_true(told_is_news(&told, STR("failed"), STR("nothing new"), false)); /* again since */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_two_ticks_lies_the_interval),
        cmocka_unit_test(a_restart_does_not_begin_the_interval_anew),
        cmocka_unit_test(failures_are_spread_and_bounded),
        cmocka_unit_test(only_news_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
