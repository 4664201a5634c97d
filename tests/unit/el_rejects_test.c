#include "agent/el/rejects.h"
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static struct reject_limit limit(const char *text)
{
    struct reject_limit ret;
    struct err err = {0};
    assert_true(reject_limit_read(str_from(text), &ret, &err));
    return ret;
}

static void limits_are_numbers_or_shares(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",       "%",       "x",    "-1",  "1 %", "1.%",
                                        "1.123%", "100.01%", "101%", "1e3", "1.5"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reject_limit ret;
        struct err err = {0};
        assert_false(reject_limit_read(str_from(wrong[i]), &ret, &err));
        assert_non_null(strstr(err.msg, "reject_limit"));
        assert_int_not_equal(err.hint[0], '\0');
    }
    assert_int_equal(limit("250").count, 250);
    assert_false(limit("250").is_share);
    assert_int_equal(limit("1%").count, 100);
    assert_int_equal(limit("0.5%").count, 50);
    assert_int_equal(limit("0.05%").count, 5);
    assert_int_equal(limit("100%").count, 10000);
}

static bool passed(const char *text, int64_t rejected, int64_t read, bool is_end)
{
    struct reject_limit l = limit(text);
    return reject_limit_is_passed(&l, rejected, read, is_end);
}

static void a_limit_is_passed_by_more_than_it(void **state)
{
    (void)state;
    assert_false(passed("3", 3, 3, true));
    assert_true(passed("3", 4, 1000000, false));
    assert_false(passed("1%", 1, 100, true));
    assert_true(passed("1%", 2, 100, true));
    assert_false(passed("1%", 999, 999, false)); /* too few to say */
    assert_true(passed("1%", 11, 1000, false));
    assert_false(passed("1%", 10, 1000, false));
    assert_false(passed("100%", INT64_MAX, INT64_MAX, true));
    assert_true(passed("99.99%", INT64_MAX, INT64_MAX, true));
}

static void add(struct rejects *r, const char *place, struct str record)
{
    struct err err = {0};
    const struct reject one = {STR("s"), str_from(place), STR("why"), record, (int64_t)record.len};
    assert_true(rejects_add(r, &one, &err));
}

static void those_that_wait_are_kept_cut_and_clean(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(rejects) r;
    char large[REJECT_RECORD_BYTES + 10];
    memset(large, 'x', sizeof(large));
    memcpy(large + REJECT_RECORD_BYTES - 1, "\xc3\xa4", 2); /* a character over the edge */
    assert_true(rejects_init(&r, STR("100%"), &err));
    assert_true(rejects_are_on(&r));
    add(&r, "row 1", (struct str){large, sizeof(large)});
    add(&r, "row 2", STR("a\0b\xff"));
    struct reject first = rejects_get(&r, 0);
    assert_int_equal(first.record.len, REJECT_RECORD_BYTES - 1);
    assert_int_equal(first.record_bytes, sizeof(large));
    assert_true(str_eq(rejects_get(&r, 1).record, STR("a\xef\xbf\xbd"
                                                      "b\xef\xbf\xbd")));
    assert_true(str_eq(rejects_get(&r, 1).place, STR("row 2")));
    assert_string_equal(r.first, "row 1: why");
    rejects_taken(&r);
    assert_int_equal(r.waiting, 0);
    assert_int_equal(r.count, 2);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(rejects) r;
    assert_true(rejects_init(&r, STR("1000"), &err));
    for (int i = 0; i < REJECTS_WAITING_MAX + 3; i++) {
        char place[16];
        (void)snprintf(place, sizeof(place), "row %d", i);
        add(&r, place, STR("record"));
    }
    assert_true(rejects_are_full(&r));
    assert_int_equal(r.count, REJECTS_WAITING_MAX + 3);
    assert_true(str_eq(rejects_get(&r, 0).place, STR("row 3")));
    assert_true(str_eq(rejects_get(&r, 0).record, STR("record")));
    assert_true(str_eq(rejects_get(&r, REJECTS_WAITING_MAX - 1).place, STR("row 66")));
}

static void past_the_limit_the_error_says_all(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(rejects) r;
    assert_true(rejects_init(&r, STR("1"), &err));
    add(&r, "in:3", STR("{}"));
    r.read = 9;
    const struct reject one = {STR("s"), STR("in:4"), STR("why"), STR("{}"), 2};
    assert_false(rejects_add(&r, &one, &err));
    assert_true(r.is_passed);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(
        err.msg,
        "2 of 9 records were rejected, more than reject_limit 1 allows; the first: in:3: why");
    assert_int_equal(r.waiting, 2); /* it can be shown */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_numbers_or_shares),
        cmocka_unit_test(a_limit_is_passed_by_more_than_it),
        cmocka_unit_test(those_that_wait_are_kept_cut_and_clean),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(past_the_limit_the_error_says_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
