/* el_boundary_test.c - agent/el/boundary.h */
#include "agent/el/boundary.h"
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"

static bool is_loaded(struct boundary *b, int64_t n)
{
    struct err err = {0};
    bool ret = false;
    const struct value row[2] = {{.type = VALUE_INTEGER, .as.integer = n}, {.type = VALUE_NULL}};
    assert_true(boundary_add(b, row, 2, &ret, &err));
    return ret;
}

/* The boundary as a later run reads it. */
static struct boundary reload(const struct boundary *b, bool are_comparable, struct arena *arena)
{
    struct err err = {0};
    struct json *list = NULL;
    struct boundary again;
    AUTO(buf) text = buf_growing(1 << 20);
    struct json_writer w = json_writer(&text);
    boundary_write(b, &w);
    assert_true(json_parse(buf_str(&text), LIMIT_JSON_BYTES, arena, &list, &err));
    assert_true(boundary_init(&again, list, are_comparable, arena, &err));
    return again;
}

static void rows_are_known_as_often_as_they_were_met(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(4 << 20);
    struct err err = {0};
    struct boundary first;
    assert_true(boundary_init(&first, NULL, true, &arena, &err));
    assert_false(is_loaded(&first, 1));
    assert_false(is_loaded(&first, 1));
    assert_false(is_loaded(&first, 2));
    struct boundary b = reload(&first, true, &arena);
    assert_true(is_loaded(&b, 2));
    assert_true(is_loaded(&b, 1));
    assert_false(is_loaded(&b, 3));
    assert_true(is_loaded(&b, 1));
    assert_false(is_loaded(&b, 1)); /* a third one is new */
    b = reload(&b, true, &arena);
    assert_int_equal(b.loaded_count, 5);
    boundary_next_key(&b);
    assert_false(is_loaded(&b, 1));
}

static void other_columns_are_counted_off(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(4 << 20);
    struct err err = {0};
    struct boundary first;
    assert_true(boundary_init(&first, NULL, true, &arena, &err));
    assert_false(is_loaded(&first, 1));
    assert_false(is_loaded(&first, 2));
    struct boundary b = reload(&first, false, &arena);
    assert_true(is_loaded(&b, 11));
    assert_true(is_loaded(&b, 12));
    assert_false(is_loaded(&b, 13));
}

static void too_many_rows_with_one_key(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(4 << 20);
    struct err err = {0};
    struct boundary b;
    bool loaded = false;
    const struct value row = {.type = VALUE_REAL, .as.real = 1.5};
    assert_true(boundary_init(&b, NULL, true, &arena, &err));
    for (int i = 0; i < BOUNDARY_ROWS_MAX; i++) {
        assert_true(boundary_add(&b, &row, 1, &loaded, &err));
    }
    assert_false(boundary_add(&b, &row, 1, &loaded, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_true(err.hint[0] != '\0');
}

static void what_was_not_met_again_stays_in_the_state(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) text = buf_growing(1 << 16);
    struct err err = {0};
    struct boundary b;
    bool is_loaded = false;
    const struct value rows[] = {{.type = VALUE_INTEGER, .as.integer = 1},
                                 {.type = VALUE_INTEGER, .as.integer = 2}};
    assert_true(boundary_init(&b, NULL, true, &arena, &err));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(boundary_add(&b, &rows[i], 1, &is_loaded, &err) && !is_loaded);
    }
    struct json_writer w = json_writer(&text);
    boundary_write(&b, &w);
    struct json *list = NULL;
    assert_true(json_parse(buf_str(&text), 1 << 16, &arena, &list, &err));
    /* The next run commits before it meets any, and after it met one: both stay. */
    assert_true(boundary_init(&b, list, true, &arena, &err));
    for (size_t met = 0; met < COUNT_OF(rows); met++) {
        struct json *again = NULL;
        buf_reset(&text);
        w = json_writer(&text);
        boundary_write(&b, &w);
        assert_true(json_parse(buf_str(&text), 1 << 16, &arena, &again, &err));
        assert_int_equal(again->count, 2);
        assert_true(boundary_add(&b, &rows[met], 1, &is_loaded, &err) && is_loaded);
    }
    boundary_next_key(&b);
    buf_reset(&text);
    w = json_writer(&text);
    boundary_write(&b, &w);
    assert_string_equal(buf_cstr(&text), "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_met_again_stays_in_the_state),
        cmocka_unit_test(rows_are_known_as_often_as_they_were_met),
        cmocka_unit_test(other_columns_are_counted_off),
        cmocka_unit_test(too_many_rows_with_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
