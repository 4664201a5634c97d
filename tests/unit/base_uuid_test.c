/* base_uuid_test.c - common/base/uuid.h */
#include "common/base/uuid.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static void the_example_of_rfc_9562(void **state)
{
    (void)state;
    /* Appendix A.6: 2022-02-22 19:22:22 UTC, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F. */
    struct wall_time now = {INT64_C(1645557742000) * NS_PER_MS};
    uint8_t random[10] = {0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    char text[UUID_TEXT_SIZE];
    uuid7_format(now, random, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_true(uuid_is_valid(str_from(text)));
}

static void version_and_variant_are_fixed_whatever_the_random_bits(void **state)
{
    (void)state;
    uint8_t random[10];
    memset(random, 0xFF, sizeof(random));
    char text[UUID_TEXT_SIZE];
    uuid7_format((struct wall_time){-1}, random, text); /* before 1970 counts as 1970 */
    assert_string_equal(text, "00000000-0000-7fff-bfff-ffffffffffff");
}

static void texts_sort_by_time(void **state)
{
    (void)state;
    uint8_t low[10] = {0};
    uint8_t high[10];
    memset(high, 0xFF, sizeof(high));
    char before[UUID_TEXT_SIZE];
    char after[UUID_TEXT_SIZE];
    uuid7_format((struct wall_time){41 * NS_PER_MS}, high, before);
    uuid7_format((struct wall_time){42 * NS_PER_MS}, low, after);
    assert_true(strcmp(before, after) < 0);
}

static void only_the_canonical_form_is_valid(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2x79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", /* one id has one spelling */
        "017f22e279b0-7cc3-98c4-dc0c0c07398f-",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_false(uuid_is_valid(str_from(refused[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_9562),
        cmocka_unit_test(version_and_variant_are_fixed_whatever_the_random_bits),
        cmocka_unit_test(texts_sort_by_time),
        cmocka_unit_test(only_the_canonical_form_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
