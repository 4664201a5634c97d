/* sense_arrivals_test.c - files that come and change, with told time and told facts. */
#include "agent/sense/arrivals.h"

#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>

static struct arrivals *a;

static int begin(void **state)
{
    (void)state;
    a = calloc(1, sizeof(*a));
    assert_non_null(a);
    a->stable_ns = 2 * NS_PER_SEC;
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(a);
    return 0;
}

static struct mono_time at(int64_t ms)
{
    return (struct mono_time){NS_PER_SEC + ms * NS_PER_MS};
}

static struct file_facts file(int64_t size, int64_t mtime)
{
    return (struct file_facts){.size = size, .mtime_ns = mtime, .inode = 7};
}

static void saw(const char *name, struct file_facts facts, int64_t ms)
{
    arrivals_seen(a, str_from(name), &facts, at(ms));
}

static bool looked(const char *name, struct file_facts facts, int64_t ms)
{
    return arrivals_looked(a, str_from(name), &facts, at(ms));
}

static void expect_due(const char *name, int64_t ms)
{
    struct str due = STR_NONE;
    bool is_due = arrivals_due(a, at(ms), &due);
    assert_int_equal(is_due, name != NULL);
    if (name != NULL) {
        assert_true(str_eq(due, str_from(name)));
    }
}

static void expect_next(const char *name)
{
    const struct arrival *next = arrivals_next(a);
    assert_int_equal(next != NULL, name != NULL);
    if (name != NULL) {
        assert_true(str_eq(arrival_name(next), str_from(name)));
    }
}

static void a_file_is_whole_when_it_has_not_changed_for_long_enough(void **state)
{
    (void)state;
    assert_int_equal(arrivals_wake(a).ns, INT64_MAX);
    saw("a", file(10, 1), 0);
    assert_int_equal(arrivals_wake(a).ns, at(2000).ns);
    expect_due(NULL, 1999);
    expect_due("a", 2000);
    assert_true(looked("a", file(10, 1), 2000));
    expect_next("a");
    assert_int_equal(arrivals_wake(a).ns, INT64_MAX); /* nothing more to look at */
    expect_due(NULL, 9000);
}

static void a_slow_writer_is_waited_for(void **state)
{
    (void)state;
    struct file_facts facts = file(0, 0);
    saw("a", facts, 0);
    for (int64_t ms = 2000; ms <= 20000; ms += 2000) {
        facts.size += 100;
        facts.mtime_ns = ms;
        assert_false(arrivals_looked(a, STR("a"), &facts, at(ms)));
        expect_next(NULL);
    }
    saw("a", facts, 21500); /* an event that brings nothing new does not begin it anew */
    expect_due("a", 22000);
    assert_true(arrivals_looked(a, STR("a"), &facts, at(22000)));
}

static void each_fact_counts(void **state)
{
    (void)state;
    const struct file_facts was = {.size = 5, .mtime_ns = 6, .inode = 7};
    const struct file_facts news[] = {{.size = 6, .mtime_ns = 6, .inode = 7},
                                      {.size = 5, .mtime_ns = 7, .inode = 7},
                                      {.size = 5, .mtime_ns = 6, .inode = 8}};
    for (size_t i = 0; i < COUNT_OF(news); i++) {
        saw("a", was, 0);
        assert_false(looked("a", news[i], 5000));
        assert_int_equal(arrivals_wake(a).ns, at(7000).ns);
        arrivals_gone(a, STR("a"));
        assert_int_equal(a->count, 0);
    }
}

/* While it waits for its turn, it may be written to again, or go. */
static void what_is_stable_may_become_restless_again(void **state)
{
    (void)state;
    saw("a", file(1, 1), 0);
    assert_true(looked("a", file(1, 1), 2000));
    assert_false(looked("a", file(2, 2), 3000));
    expect_next(NULL);
    assert_true(looked("a", file(2, 2), 5000));
    saw("a", file(3, 3), 6000);
    expect_next(NULL);
    assert_true(looked("a", file(3, 3), 8000));
    assert_false(arrivals_looked(a, STR("a"), NULL, at(8001)));
    assert_int_equal(a->count, 0);
    assert_false(looked("a", file(3, 3), 9000)); /* not known */
    assert_int_equal(a->count, 0);
}

static void without_a_stable_time_the_next_look_is_enough(void **state)
{
    (void)state;
    a->stable_ns = 0;
    saw("a", file(1, 1), 0);
    expect_due("a", 0);
    assert_true(looked("a", file(1, 1), 0));
}

static void the_oldest_goes_first(void **state)
{
    (void)state;
    saw("b", file(1, 5), 0);
    saw("c", file(1, 3), 0);
    saw("a", file(1, 5), 0);
    saw("young", file(1, 1), 1000); /* the oldest of all, and not stable yet */
    static const char *const names[] = {"c", "a", "b"};
    assert_true(looked("a", file(1, 5), 2000) && looked("b", file(1, 5), 2000) &&
                looked("c", file(1, 3), 2000));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        expect_next(names[i]);
        arrivals_gone(a, str_from(names[i]));
    }
    expect_next(NULL);
    assert_true(looked("young", file(1, 1), 3000));
    expect_next("young");
}

static void what_finds_no_place_is_missed_and_said(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < ARRIVALS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        assert_true(arrivals_has_room(a));
        saw(name, file(1, i), 0);
    }
    assert_false(arrivals_has_room(a));
    assert_false(a->has_missed);
    saw("f3", file(2, 2), 0); /* one that is known has its place */
    assert_false(a->has_missed);
    saw("one more", file(1, 1), 0);
    assert_true(a->has_missed);
    assert_int_equal(a->count, ARRIVALS_MAX);
    arrivals_gone(a, STR("f17"));
    arrivals_gone(a, STR("f17"));
    assert_int_equal(a->count, ARRIVALS_MAX - 1);
    saw("one more", file(1, 1), 0);
    assert_int_equal(a->count, ARRIVALS_MAX);
}

static void names_that_no_file_has_are_passed_over(void **state)
{
    (void)state;
    char name[ARRIVAL_NAME_MAX + 2];
    for (size_t i = 0; i < sizeof(name); i++) {
        name[i] = 'x';
    }
    const struct file_facts facts = file(1, 1);
    arrivals_seen(a, (struct str){name, sizeof(name) - 1}, &facts, at(0));
    arrivals_seen(a, STR(""), &facts, at(0));
    assert_int_equal(a->count, 0);
    arrivals_seen(a, (struct str){name, sizeof(name) - 2}, &facts, at(0));
    assert_int_equal(a->count, 1);
    assert_int_equal(arrival_name(&a->items[0]).len, ARRIVAL_NAME_MAX);
}

static void the_run_key_is_the_file_as_it_is(void **state)
{
    (void)state;
    char text[64];
    struct buf key = buf_fixed(text, sizeof(text));
    const struct file_facts facts = {
        .size = 42, .mtime_ns = INT64_C(1700000000123456789), .inode = 9};
    arrival_run_key(&key, STR("/data/in/a.csv"), &facts);
    assert_true(str_eq(buf_str(&key), STR("/data/in/a.csv:1700000000123456789:42")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_whole_when_it_has_not_changed_for_long_enough),
        TEST(a_slow_writer_is_waited_for),
        TEST(each_fact_counts),
        TEST(what_is_stable_may_become_restless_again),
        TEST(without_a_stable_time_the_next_look_is_enough),
        TEST(the_oldest_goes_first),
        TEST(what_finds_no_place_is_missed_and_said),
        TEST(names_that_no_file_has_are_passed_over),
        TEST(the_run_key_is_the_file_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
