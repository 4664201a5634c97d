/* fields_doc_test.c - the schema and the page that common/json/fields.h writes. */
#include "common/json/fields.h"

#include "tests/support/cmocka_all.h"
#include <string.h>

static const char *const colours[] = {"red", "blue", NULL};
static const struct field_table node_table;
static const struct field limit_fields[] = {
    {.key = "limit", .type = FIELD_I64, .min = 1, .max = 9, .required = true},
};
static const struct field_table limit_table = {.name = "limit",
                                               .fields = limit_fields,
                                               .count = COUNT_OF(limit_fields),
                                               .shorthand = &limit_fields[0]};
static const struct field way_fields[] = {
    {.key = "up", .type = FIELD_BOOL},
    {.key = "down", .type = FIELD_BOOL},
};
static const struct field_table way_table = {
    .name = "way", .fields = way_fields, .count = COUNT_OF(way_fields), .is_choice = true};
static const struct field node_fields[] = {
    {.key = "name", .type = FIELD_STR, .required = true, .help = "What it is called; a | b."},
    {.key = "colour", .type = FIELD_ENUM, .names = colours, .fallback = "red", .help = "Paint."},
    {.key = "port", .type = FIELD_I64, .min = 1, .max = 65535, .fallback = "80"},
    {.key = "wait", .type = FIELD_DURATION, .fallback = "10s"},
    {.key = "size", .type = FIELD_BYTES, .min = 1024},
    {.key = "tags", .type = FIELD_STR_LIST, .max = 3},
    {.key = "env", .type = FIELD_STR_MAP},
    {.key = "any", .type = FIELD_JSON},
    {.key = "ok", .type = FIELD_BOOL, .fallback = "true"},
    {.key = "part", .type = FIELD_OBJECT, .object = &node_table}, /* refers to itself */
    {.key = "parts", .type = FIELD_OBJECT_LIST, .object = &node_table},
    {.key = "by_name", .type = FIELD_OBJECT_MAP, .object = &node_table},
    {.key = "later", .type = FIELD_STR, .is_unsupported = true},
    {.key = "limits", .type = FIELD_OBJECT_MAP, .object = &limit_table},
    {.key = "way", .type = FIELD_OBJECT, .object = &way_table},
    {.key = "words", .type = FIELD_STR_LIST, .names = colours, .min = 1, .max = 2},
    {.key = "extras", .type = FIELD_JSON_OBJECT},
};
static const struct field_table node_table = {
    .name = "node", .fields = node_fields, .count = COUNT_OF(node_fields)};
static const struct field root_fields[] = {
    {.key = "node", .type = FIELD_OBJECT, .object = &node_table},
    {.key = "ratio", .type = FIELD_REAL},
};
static const struct field_table root_table = {
    .name = "root", .fields = root_fields, .count = COUNT_OF(root_fields), .ignore_unknown = true};

static void the_schema_is_json_with_all_tables(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(100000);
    fields_write_schema(&out, &root_table, "a title");
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *schema = NULL;
    struct err err = {0};
    assert_true(json_parse(buf_str(&out), 100000, &arena, &schema, &err));
    assert_true(str_eq(json_get(schema, "$ref")->as.string, STR("#/$defs/root")));
    const struct json *defs = json_get(schema, "$defs");
    assert_int_equal(defs->count, 4);
    assert_true(json_get(json_get(defs, "root"), "additionalProperties")->as.boolean);
    const struct json *node = json_get(defs, "node");
    assert_false(json_get(node, "additionalProperties")->as.boolean);
    assert_int_equal(json_get(node, "required")->count, 1);
    const struct json *properties = json_get(node, "properties");
    assert_null(json_get(properties, "later"));
    AUTO(buf) property = buf_growing(10000);
    static const struct {
        const char *key;
        const char *expected;
    } cases[] = {
        {"name", "{\"description\":\"What it is called; a | b.\",\"type\":\"string\"}"},
        {"colour", "{\"description\":\"Paint.\",\"enum\":[\"red\",\"blue\"],\"default\":\"red\"}"},
        {"port", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535,\"default\":80}"},
        {"tags", "{\"type\":[\"array\",\"string\"],\"items\":{\"type\":\"string\"},"
                 "\"minItems\":0,\"maxItems\":3}"},
        {"any", "{}"},
        {"ok", "{\"type\":\"boolean\",\"default\":true}"},
        {"part", "{\"$ref\":\"#/$defs/node\"}"},
        {"parts", "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/node\"}}"},
        {"by_name", "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/node\"}}"},
        {"words", "{\"anyOf\":[{\"enum\":[\"red\",\"blue\"]},{\"type\":\"array\",\"items\":"
                  "{\"enum\":[\"red\",\"blue\"]},\"minItems\":1,\"maxItems\":2}]}"},
        {"extras", "{\"type\":\"object\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&property);
        json_write(&property, json_get(properties, cases[i].key));
        assert_string_equal(buf_cstr(&property), cases[i].expected);
    }
    assert_null(json_get(json_get(properties, "size"), "maximum"));
    buf_reset(&property);
    json_write(&property, json_get(defs, "limit"));
    assert_string_equal(buf_cstr(&property),
                        "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"
                        "{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\","
                        "\"minimum\":1,\"maximum\":9}},\"required\":[\"limit\"],"
                        "\"additionalProperties\":false}]}");
    const struct json *way = json_get(defs, "way");
    assert_int_equal(json_get(way, "minProperties")->as.integer, 1);
    assert_int_equal(json_get(way, "maxProperties")->as.integer, 1);
}

static void the_page_has_one_table_per_object(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(100000);
    fields_write_markdown(&out, &root_table);
    const char *page = buf_cstr(&out);
    assert_non_null(page);
    assert_ptr_equal(strstr(page, "### root\n"), page);
    assert_non_null(strstr(page, "\n\n### node\n\n| key | type | default | meaning |\n"));
    assert_non_null(strstr(page, "| `name` | text | required | What it is called; a \\| b. |\n"));
    assert_non_null(strstr(page, "| `colour` | one of `red`, `blue` | `red` | Paint. |\n"));
    assert_non_null(strstr(page, "| `parts` | list of [node](#node) |  |  |\n"));
    assert_non_null(strstr(page, "| `limits` | by name: integer or [limit](#limit) |  |  |\n"));
    assert_non_null(strstr(page, "| `words` | list of `red`, `blue` |  |  |\n"));
    assert_non_null(strstr(page, "### way\n\nExactly one of:\n\n| key |"));
    assert_null(strstr(page, "later"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_is_json_with_all_tables),
        cmocka_unit_test(the_page_has_one_table_per_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
