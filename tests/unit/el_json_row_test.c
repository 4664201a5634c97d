/* el_json_row_test.c - agent/el/json_row.h */
#include "agent/el/json_row.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

struct world {
    struct arena arena;
    struct schema schema;
    struct json_row row;
    struct err err;
};

static int set_up(void **state)
{
    static struct world w;
    static const struct column columns[] = {
        {.name = STR_INIT("i"), .kind = COLUMN_INTEGER, .is_required = true},
        {.name = STR_INIT("r"), .kind = COLUMN_REAL},
        {.name = STR_INIT("b"), .kind = COLUMN_BOOLEAN},
        {.name = STR_INIT("t"), .kind = COLUMN_TEXT},
        {.name = STR_INIT("j"), .kind = COLUMN_JSON},
        {.name = STR_INIT("a"), .kind = COLUMN_ANY},
        {.name = STR_INIT("x"), .kind = COLUMN_BLOB},
    };
    w = (struct world){.arena = arena_new(1 << 20)};
    w.schema = schema_new(&w.arena);
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        assert_true(schema_add(&w.schema, &columns[i], &w.err));
    }
    assert_true(json_row_init(&w.row, &w.schema, &w.arena, &w.err));
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    json_row_release(&w->row);
    arena_release(&w->arena);
    return 0;
}

static void every_kind_takes_its_values(void **state)
{
    struct world *w = *state;
    const struct value *v = w->row.row;
    assert_true(json_row_read(&w->row,
                              STR("{\"a\":\"x\",\"j\":{\"k\":[1]},\"t\":\"a\\n\\u00e9\",\"b\":true,"
                                  "\"r\":2,\"i\":5.0,\"other\":1}"),
                              &w->err));
    assert_true(v[0].type == VALUE_INTEGER && v[0].as.integer == 5);
    assert_true(v[1].type == VALUE_REAL && v[1].as.real >= 2 && v[1].as.real <= 2);
    assert_true(v[2].type == VALUE_INTEGER && v[2].as.integer == 1);
    assert_true(str_eq(v[3].as.text, STR("a\n\xc3\xa9")));
    assert_true(str_eq(v[4].as.text, STR("{\"k\":[1]}")));
    assert_true(str_eq(v[5].as.text, STR("x")));
    assert_int_equal(w->row.ignored, 1);
    assert_true(json_row_read(&w->row, STR("{\"i\":1,\"j\":\"s\",\"t\":[1],\"a\":7}"), &w->err));
    assert_true(v[1].type == VALUE_NULL && v[2].type == VALUE_NULL);
    assert_true(str_eq(v[4].as.text, STR("\"s\""))); /* JSON, so with its quotes */
    assert_true(str_eq(v[3].as.text, STR("[1]")));
    assert_true(v[5].type == VALUE_INTEGER && v[5].as.integer == 7);
    assert_true(json_row_read(
        &w->row, STR("{\"i\":1,\"x\":\"00fFA0\",\"t\":\"\\n\",\"r\":9007199254740993}"), &w->err));
    assert_true(v[6].type == VALUE_BLOB && str_eq(v[6].as.text, STR("\x00\xff\xa0")));
    assert_true(str_eq(v[3].as.text, STR("\n")));
    assert_true(v[1].type == VALUE_INTEGER && v[1].as.integer == 9007199254740993);
}

static void refuses(struct world *w, const char *object, const char *why)
{
    w->err = (struct err){0};
    assert_false(json_row_read(&w->row, str_from(object), &w->err));
    assert_int_equal(w->err.code, ERR_INVALID);
    if (strstr(w->err.msg, why) == NULL) {
        fail_msg("%s: %s", object, w->err.msg);
    }
}

static void wrong_objects_are_named(void **state)
{
    struct world *w = *state;
    refuses(w, "{}", "required \"i\" is missing");
    refuses(w, "{\"i\":1,\"i\":1}", "twice");
    refuses(w, "{\"i\":\"1\"}", "column \"i\": expected a 64-bit integer, got \"1\"");
    refuses(w, "{\"i\":1.5}", "1.5");
    refuses(w, "{\"i\":9223372036854775808}", "64-bit");
    refuses(w, "{\"i\":1,\"r\":\"x\"}", "number");
    refuses(w, "{\"i\":1,\"r\":1e999}", "number");
    refuses(w, "{\"i\":1,\"b\":1}", "boolean");
    refuses(w, "{\"i\":1,\"x\":\"0\"}", "hexadecimal");
    refuses(w, "{\"i\":1,\"x\":\"0g\"}", "hexadecimal");
    refuses(w, "{\"i\":1,\"x\":12}", "hexadecimal");
    refuses(w, "{\"i\":1", "");
    refuses(w, "[1]", "object");
    assert_true(json_row_read(&w->row, STR("{\"i\":null}"), &w->err)); /* given, if null */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_takes_its_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_objects_are_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
