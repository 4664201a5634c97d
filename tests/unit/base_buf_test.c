/* base_buf_test.c - common/base/buf.h */
#include "common/base/buf.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"

#include <string.h>

#define assert_buf(b_, text_) assert_true(str_eq(buf_str(b_), STR(text_)))

static void a_growing_buffer_collects_pieces(void **state)
{
    (void)state;
    AUTO(buf) b = buf_growing(1000);
    buf_add(&b, STR_NONE);
    buf_add_text(&b, NULL);
    assert_int_equal(buf_str(&b).len, 0);
    buf_add(&b, STR("a="));
    buf_add_i64(&b, INT64_MIN);
    buf_add_char(&b, ' ');
    buf_add_text(&b, "b=");
    buf_addf(&b, "%s%d", "x", 5);
    assert_buf(&b, "a=-9223372036854775808 b=x5");
    assert_string_equal(buf_cstr(&b), "a=-9223372036854775808 b=x5");
    assert_false(b.overflow);
}

static void the_maximum_is_exact_and_overflow_sticks(void **state)
{
    (void)state;
    AUTO(buf) b = buf_growing(5);
    buf_add(&b, STR("12345"));
    assert_false(b.overflow);
    assert_string_equal(buf_cstr(&b), "12345"); /* the NUL does not count */
    buf_add_char(&b, '6');
    assert_true(b.overflow);
    assert_null(buf_cstr(&b));
    assert_null(buf_reserve(&b, 0));
    buf_consume(&b, 5);
    buf_add_char(&b, '7');
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    buf_add_char(&b, '8');
    assert_buf(&b, "8");
}

static void a_fixed_buffer_never_leaves_its_memory(void **state)
{
    (void)state;
    char memory[6] = "......";
    struct buf b = buf_fixed(memory, 5);
    buf_addf(&b, "%d", 1234);
    assert_string_equal(buf_cstr(&b), "1234");
    buf_add_char(&b, '5');
    assert_buf(&b, "12345");
    assert_null(buf_cstr(&b)); /* no byte left for the NUL */
    assert_true(b.overflow);
    buf_reset(&b);
    buf_addf(&b, "%s", "123456");
    assert_true(b.overflow);
    assert_int_equal(memory[5], '.');
    buf_release(&b);
    assert_null(b.ptr);
}

static void a_wiped_buffer_leaves_nothing(void **state)
{
    (void)state;
    char memory[7] = "......";
    struct buf b = buf_fixed(memory, 6);
    buf_add_text(&b, "secret");
    b.len = 1; /* what is behind the end goes too */
    buf_wipe(&b);
    assert_null(b.ptr);
    assert_memory_equal(memory, "\0\0\0\0\0\0", 6);
    buf_wipe(&b);
    assert_null(b.ptr);
}

static void long_formatted_text_is_whole(void **state)
{
    (void)state;
    AUTO(buf) b = buf_growing(2000);
    buf_addf(&b, "%01000d", 7);
    assert_int_equal(b.len, 1000);
    assert_int_equal(b.ptr[999], '7');
    buf_addf(&b, "%01000d", 8);
    assert_int_equal(b.len, 2000);
    assert_int_equal(b.ptr[1999], '8');
    assert_false(b.overflow);
    buf_addf(&b, "%d", 1);
    assert_true(b.overflow);

    char memory[301];
    struct buf fixed = buf_fixed(memory, sizeof(memory));
    buf_addf(&fixed, "%0300d", 9);
    assert_int_equal(buf_str(&fixed).len, 300);
    buf_reset(&fixed);
    buf_addf(&fixed, "%0301d", 9);
    assert_true(fixed.overflow); /* long text is formatted in place and needs its NUL */
}

static void reserve_and_consume_work_as_a_queue(void **state)
{
    (void)state;
    AUTO(buf) b = buf_growing(8);
    char *to = buf_reserve(&b, 8);
    assert_non_null(to);
    memcpy(to, "abcdefgh", 8); /* NOLINT(bugprone-not-null-terminated-result): bytes, no text */
    b.len += 8;
    buf_consume(&b, 0);
    buf_consume(&b, 3);
    assert_buf(&b, "defgh");
    buf_add(&b, STR("ijk"));
    assert_buf(&b, "defghijk");
    buf_consume(&b, 8);
    assert_int_equal(b.len, 0);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_true(b.overflow);
}

static void growth_keeps_contents(void **state)
{
    (void)state;
    AUTO(buf) b = buf_growing(SIZE_MAX);
    for (int i = 0; i < 10000; i++) {
        buf_add_char(&b, (char)('a' + i % 26));
    }
    assert_int_equal(b.len, 10000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(b.ptr[i], 'a' + i % 26);
    }
}

static void every_failed_allocation_is_an_overflow(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        AUTO(buf) b = buf_growing(1 << 20);
        fault_malloc_arm(nth);
        for (int i = 0; i < 500; i++) {
            buf_add_i64(&b, i);
            buf_addf(&b, "%s,", "word");
        }
        bool has_text = buf_cstr(&b) != NULL;
        bool has_fired = fault_malloc_disarm();
        assert_true(b.overflow == has_fired);
        assert_true(has_text != has_fired);
        if (!has_fired) {
            assert_true(nth >= 2);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_growing_buffer_collects_pieces),
        cmocka_unit_test(the_maximum_is_exact_and_overflow_sticks),
        cmocka_unit_test(a_fixed_buffer_never_leaves_its_memory),
        cmocka_unit_test(a_wiped_buffer_leaves_nothing),
        cmocka_unit_test(long_formatted_text_is_whole),
        cmocka_unit_test(reserve_and_consume_work_as_a_queue),
        cmocka_unit_test(growth_keeps_contents),
        cmocka_unit_test(every_failed_allocation_is_an_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
