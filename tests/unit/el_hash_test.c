/* el_hash_test.c - agent/el/hash.h against values that the reference implementation publishes. */
#include "agent/el/hash.h"
#include "tests/support/cmocka_all.h"

static void known_values(void **state)
{
    (void)state;
    assert_true(hash64_of(STR("")) == UINT64_C(0xef46db3751d8e999));
    assert_true(hash64_of(STR("a")) == UINT64_C(0xd24ec4f1a98c6e5b));
    assert_true(hash64_of(STR("abc")) == UINT64_C(0x44bc2cf5ad770999));
    assert_true(hash64_of(STR("Call me Ishmael. Some years ago--never mind how long precisely-")) ==
                UINT64_C(0x02a2e85470d6fd96));
}

static void pieces_hash_like_the_whole(void **state)
{
    (void)state;
    char text[257];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * 37);
    }
    for (size_t piece = 1; piece <= 70; piece++) {
        struct hash64 h = hash64_new();
        for (size_t at = 0; at < sizeof(text); at += piece) {
            size_t left = sizeof(text) - at;
            hash64_add(&h, (struct str){text + at, left < piece ? left : piece});
            (void)hash64_value(&h); /* asking does not disturb */
        }
        assert_true(hash64_value(&h) == hash64_of((struct str){text, sizeof(text)}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(pieces_hash_like_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
