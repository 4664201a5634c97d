/* base_arena_test.c - common/base/arena.h */
#include "common/base/arena.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"

#include <stdalign.h>
#include <string.h>

static void memory_is_zeroed_aligned_and_separate(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    char *kept[300];
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        kept[i] = arena_alloc(&a, i);
        assert_non_null(kept[i]);
        assert_int_equal((uintptr_t)kept[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < i; k++) {
            assert_int_equal(kept[i][k], 0);
        }
        memset(kept[i], (int)(i & 0x7F), i);
    }
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_equal(kept[i][k], (int)(i & 0x7F));
        }
        assert_ptr_not_equal(kept[i], kept[(i + 1) % COUNT_OF(kept)]);
    }
}

static void the_maximum_is_exact_and_sticky(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1000);
    assert_non_null(arena_alloc(&a, 900));
    assert_false(a.exhausted);
    assert_null(arena_alloc(&a, 101));
    assert_true(a.exhausted);
    assert_non_null(arena_alloc(&a, 80));
    assert_true(a.exhausted);
    assert_true(a.used <= a.max);
    arena_reset(&a);
    assert_false(a.exhausted);
    assert_non_null(
        arena_alloc(&a, 1000)); /* exactly the maximum, though it is no multiple of 16 */
    assert_int_equal(a.used, 1000);
    assert_null(arena_alloc(&a, 0));
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 15));
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_null(arena_copy(&a, (struct str){"x", SIZE_MAX}).ptr);
    assert_true(a.exhausted);
    assert_int_equal(a.used, 0);
    AUTO(arena) none = arena_new(0);
    assert_null(arena_alloc(&none, 1));
}

static void a_large_object_leaves_the_small_chunk_in_use(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    const char *before = arena_alloc(&a, 16);
    char *large = arena_alloc(&a, 100000);
    const char *after = arena_alloc(&a, 16);
    assert_non_null(large);
    memset(large, 1, 100000);
    assert_ptr_equal(after, before + 16);
}

static void reset_reuses_memory_zeroed(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(4096);
    char *first = arena_alloc(&a, 4096);
    assert_non_null(first);
    memset(first, 0xFF, 4096);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    char *second = arena_alloc(&a, 64);
    assert_ptr_equal(second, first);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(second[i], 0);
    }
}

static void copies_are_terminated(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(4096);
    struct str copy = arena_copy(&a, str_slice(STR("abcdef"), 0, 3));
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.ptr, "abc");
    struct str empty = arena_copy(&a, STR_NONE);
    assert_int_equal(empty.len, 0);
    assert_string_equal(empty.ptr, "");
    assert_string_equal(arena_cstr(&a, STR("x")), "x");
    struct str text = arena_printf(&a, "%s-%d", "run", 7);
    assert_true(str_eq(text, STR("run-7")));
    assert_int_equal(text.ptr[text.len], 0);
}

static void texts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(32);
    assert_null(arena_printf(&a, "%032d", 0).ptr); /* 32 digits and the NUL */
    assert_true(a.exhausted);
    assert_non_null(arena_printf(&a, "%031d", 0).ptr);
    assert_null(arena_cstr(&a, STR("")));
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        AUTO(arena) a = arena_new(1 << 20);
        fault_malloc_arm(nth);
        bool is_ok = true;
        for (size_t i = 0; i < 200; i++) {
            is_ok = arena_alloc(&a, 100) != NULL && is_ok;
        }
        is_ok = arena_alloc(&a, 100000) != NULL && is_ok;
        bool has_fired = fault_malloc_disarm();
        assert_true(is_ok != has_fired);
        assert_true(a.exhausted == has_fired);
        if (!has_fired) {
            assert_true(nth >= 3);
            break;
        }
        assert_non_null(arena_alloc(&a, 100)); /* and the arena is still whole */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_separate),
        cmocka_unit_test(the_maximum_is_exact_and_sticky),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(a_large_object_leaves_the_small_chunk_in_use),
        cmocka_unit_test(reset_reuses_memory_zeroed),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(texts_that_do_not_fit_are_refused),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
