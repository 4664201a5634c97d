/* el_flatten_test.c - agent/el/flatten.h: names, and schemas and records that are flattened. That
 * they are the SDK's is the business of tests/interop/singer_flatten_test.py. */
#include "agent/el/json_row.h"
#include "agent/el/singer.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

struct world {
    struct arena arena;
    struct buf names;
    struct flatten flatten;
    struct singer_layout layout;
    struct json_row row;
    struct err err;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){
        .arena = arena_new(1 << 20), .names = buf_growing(1 << 16), .flatten = FLATTEN_DEFAULTS};
    w.flatten.is_enabled = true;
    w.flatten.has_max_depth = true;
    w.flatten.max_depth = 2;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    json_row_release(&w->row);
    buf_release(&w->names);
    arena_release(&w->arena);
    return 0;
}

static bool read_schema(struct world *w, const char *line)
{
    struct singer_message m;
    w->layout = (struct singer_layout){.columns = schema_new(&w->arena)};
    assert_true(singer_parse(str_from(line), &w->names, NULL, &m, &w->err));
    return singer_read_schema(&m, &w->flatten, &w->layout, &w->err);
}

static void names_are(struct world *w, const char *const *names)
{
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        assert_true(count < w->layout.columns.count);
        assert_true(str_eq(w->layout.columns.columns[count].name, str_from(names[count])));
    }
    assert_int_equal(w->layout.columns.count, count);
}

#define NESTED                                                                                     \
    "{\"type\":\"SCHEMA\",\"stream\":\"s\",\"key_properties\":[\"id\"],\"schema\":{"               \
    "\"properties\":{"                                                                             \
    "\"id\":{\"type\":\"integer\"},\"a\":{\"type\":[\"null\",\"object\"],\"properties\":{"         \
    "\"b\":{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"object\",\"properties\":{\"d\":" \
    "{}}}}},"                                                                                      \
    "\"e\":{\"type\":\"array\"}}},\"z\":{\"type\":\"object\"}}}}"

static void objects_become_columns(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"id", "a__b__c", "a__e", "z", NULL};
    assert_true(read_schema(w, NESTED));
    names_are(w, names);
    assert_int_equal(w->layout.columns.columns[1].kind, COLUMN_TEXT);
    w->row.flatten = &w->flatten;
    assert_true(json_row_init(&w->row, &w->layout.columns, &w->arena, &w->err));
    assert_true(json_row_read(
        &w->row,
        STR("{\"id\":7,\"z\":{\"y\":1},\"a\":{\"e\":[1, 2],\"x\":5,\"b\":{\"c\":{\"d\": null}}}}"),
        &w->err));
    assert_true(str_eq(w->row.row[1].as.text, STR("{\"d\": null}")));
    assert_true(str_eq(w->row.row[2].as.text, STR("[1, 2]")));
    assert_true(str_eq(w->row.row[3].as.text, STR("{\"y\":1}")));
    assert_int_equal(w->row.ignored, 1);
    assert_true(json_row_read(&w->row, STR("{\"id\":8,\"a\":null}"), &w->err));
    assert_int_equal(w->row.row[1].type, VALUE_NULL);
    /* A tap that flattens itself. */
    assert_true(json_row_read(&w->row, STR("{\"id\":9,\"a__b__c\":\"x\"}"), &w->err));
    assert_true(str_eq(w->row.row[1].as.text, STR("x")));
}

static void two_ways_to_one_column_are_told(void **state)
{
    struct world *w = *state;
    assert_false(
        read_schema(w, "{\"type\":\"SCHEMA\",\"stream\":\"s\",\"schema\":{\"properties\":{"
                       "\"a__b\":{},\"a\":{\"type\":\"object\",\"properties\":{\"b\":{}}}}}}"));
    assert_non_null(strstr(w->err.msg, "\"a__b\" occurs twice"));
    assert_true(read_schema(w, NESTED));
    w->row.flatten = &w->flatten;
    assert_true(json_row_init(&w->row, &w->layout.columns, &w->arena, &w->err));
    assert_false(json_row_read(&w->row, STR("{\"id\":1,\"a__e\":1,\"a\":{\"e\":2}}"), &w->err));
    assert_non_null(strstr(w->err.msg, "\"a__e\" occurs twice"));
}

static void long_names_are_abbreviated(void **state)
{
    struct world *w = *state;
    static const struct {
        int64_t length;
        const char *name;
    } cases[] = {
        {255, "shipping_address__Country__name"},
        {31, "sa__Country__name"},
        {17, "sa__cou__name"},
        {13, "sa__cou__nam"},
        {1, "sa__cou__nam"},
    };
    const struct str parts[] = {STR("shipping_address"), STR("Country"), STR("name")};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        w->flatten.max_key_length = cases[i].length;
        flatten_name(&w->flatten, parts, COUNT_OF(parts), &w->names);
        if (!str_eq(buf_str(&w->names), str_from(cases[i].name))) {
            fail_msg("%.*s, not %s", STR_ARG(buf_str(&w->names)), cases[i].name);
        }
    }
    const struct str odd[] = {STR("_"), STR("__a"), STR("\xc3\xa4\xc3\xb6"), STR("")};
    w->flatten.separator = STR(".");
    flatten_name(&w->flatten, odd, COUNT_OF(odd), &w->names);
    assert_true(str_eq(buf_str(&w->names), STR("_._a.\xc3\xa4\xc3\xb6.")));
}

static void without_a_depth_it_is_told(void **state)
{
    struct world *w = *state;
    w->flatten.has_max_depth = false;
    assert_false(flatten_check(&w->flatten, &w->err));
    assert_non_null(strstr(w->err.msg, "flattening_max_depth"));
    w->flatten.has_max_depth = true;
    w->flatten.max_depth = 0;
    assert_true(flatten_check(&w->flatten, &w->err) && !flatten_is_on(&w->flatten));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_become_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(two_ways_to_one_column_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(long_names_are_abbreviated, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_depth_it_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
