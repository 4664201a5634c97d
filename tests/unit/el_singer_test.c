/* el_singer_test.c - agent/el/singer.h, on lines of our own and on the test suite of the Singer SDK. */
#include "agent/el/singer.h"
#include "common/base/limits.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static void types_and_their_members(void **state)
{
    (void)state;
    AUTO(buf) names = buf_growing(4096);
    struct singer_message m;
    struct err err = {0};
    assert_true(
        singer_parse(STR("{\"type\":\"RECORD\",\"stream\":\"a\\u0041\",\"record\":{\"x\":1},"
                         "\"version\":3,\"time_extracted\":\"2026-01-01T00:00:00Z\"}"),
                     &names, NULL, &m, &err));
    assert_int_equal(m.type, SINGER_RECORD);
    assert_true(str_eq(m.stream, STR("aA")));
    assert_true(str_eq(m.record.text, STR("{\"x\":1}")));
    assert_true(m.has_version && m.version == 3);
    assert_true(str_eq(m.time_extracted, STR("2026-01-01T00:00:00Z")));
    assert_true(singer_parse(STR(" {\"type\":\"state\",\"value\":null} "), &names, NULL, &m, &err));
    assert_int_equal(m.type, SINGER_STATE);
    assert_int_equal(m.value.type, JSON_NULL);
    assert_true(singer_parse(STR("{\"type\":\"ACTIVATE_VERSION\",\"stream\":\"s\",\"version\":1}"),
                             &names, NULL, &m, &err));
    assert_int_equal(m.type, SINGER_ACTIVATE_VERSION);
    assert_true(m.has_version && m.version == 1);
    assert_true(singer_parse(
        STR("{\"type\":\"BATCH\",\"stream\":\"s\",\"version\":null,\"manifest\":[\"f\"],"
            "\"encoding\":{\"format\":\"jsonl\"}}"),
        &names, NULL, &m, &err));
    assert_int_equal(m.type, SINGER_BATCH);
    assert_true(!m.has_version && str_eq(m.manifest.text, STR("[\"f\"]")));
    assert_true(singer_parse(STR("{\"type\":\"LOG\"}"), &names, NULL, &m, &err));
    assert_int_equal(m.type, SINGER_OTHER);
}

static void wrong_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "[]",
        "{}",
        "{\"type\":1}",
        "{\"type\":\"RECORD\"}",
        "{\"type\":\"RECORD\",\"stream\":\"s\"}",
        "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":[]}",
        "{\"type\":\"RECORD\",\"stream\":\"\",\"record\":{}}",
        "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{},\"record\":{}}",
        "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{}} x",
        "{\"type\":\"SCHEMA\",\"stream\":\"s\"}",
        "{\"type\":\"STATE\"}",
        "{\"type\":\"BATCH\"}",
        "{\"type\":\"BATCH\",\"stream\":\"s\",\"encoding\":{}}",
        "{\"type\":\"BATCH\",\"stream\":\"s\",\"manifest\":[]}",
        "{\"type\":\"ACTIVATE_VERSION\",\"stream\":\"s\"}",
        "{\"type\":\"ACTIVATE_VERSION\",\"stream\":\"s\",\"version\":\"1\"}",
        "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{},\"version\":1.5}",
    };
    AUTO(buf) names = buf_growing(4096);
    struct singer_message m;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct err err = {0};
        if (singer_parse(str_from(lines[i]), &names, NULL, &m, &err)) {
            fail_msg("taken: %s", lines[i]);
        }
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void json_schema_gives_columns(void **state)
{
    (void)state;
    static const enum column_kind want[] = {
        COLUMN_INTEGER, COLUMN_REAL, COLUMN_TEXT,    COLUMN_BOOLEAN, COLUMN_JSON, COLUMN_REAL,
        COLUMN_TEXT,    COLUMN_TEXT, COLUMN_INTEGER, COLUMN_TEXT,    COLUMN_TEXT};
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) names = buf_growing(4096);
    struct singer_layout layout = {.columns = schema_new(&arena)};
    struct singer_message m;
    struct err err = {0};
    assert_true(singer_parse(
        STR("{\"type\":\"SCHEMA\",\"stream\":\"s\",\"key_properties\":[\"a\",\"c\"],\"schema\":{"
            "\"required\":[\"b\",\"not there\"],\"properties\":{"
            "\"a\":{\"type\":[\"null\",\"integer\"]},\"b\":{\"type\":\"number\"},"
            "\"c\":{\"type\":\"string\",\"format\":\"date-time\"},\"d\":{\"type\":\"boolean\"},"
            "\"e\":{\"type\":\"array\",\"items\":{}},\"f\":{\"type\":[\"integer\",\"number\"]},"
            "\"g\":{\"type\":[\"integer\",\"string\"]},\"h\":{},"
            "\"i\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]},\"j\":true,"
            "\"k\":{\"anyOf\":[{\"type\":\"array\"},{\"type\":\"string\"}]}}}}"),
        &names, NULL, &m, &err));
    assert_true(singer_read_schema(&m, NULL, &layout, &err));
    const struct schema s = layout.columns;
    const struct str_list key = layout.key;
    assert_int_equal(s.count, COUNT_OF(want));
    for (size_t i = 0; i < s.count; i++) {
        if (s.columns[i].kind != want[i]) {
            fail_msg("%.*s is %d", STR_ARG(s.columns[i].name), (int)s.columns[i].kind);
        }
    }
    assert_true(s.columns[0].is_required && s.columns[1].is_required && !s.columns[3].is_required);
    assert_int_equal(key.count, 2);
    assert_true(str_eq(key.items[1], STR("c")));
}

static void the_sources_own_types(void **state)
{
    (void)state;
    static const struct {
        const char *property;
        enum column_kind kind;
        const char *type;
    } cases[] = {
        {"{\"type\":\"string\",\"x-sql-datatype\":\"VARCHAR(9)\"}", COLUMN_TEXT, "VARCHAR(9)"},
        {"{\"type\":\"string\",\"x-sql-datatype\":\"timestamp\"}", COLUMN_TEXT, ""},
        {"{\"type\":\"string\",\"x-sql-datatype\":\"bigint\"}", COLUMN_TEXT, ""},
        {"{\"type\":[\"null\",\"integer\"],\"x-sql-datatype\":\"smallint\"}", COLUMN_INTEGER,
         "smallint"},
        {"{\"type\":[\"string\",\"number\"],\"x-sql-datatype\":\"DATE\"}", COLUMN_ANY, "DATE"},
        {"{\"type\":[\"string\",\"number\"],\"x-sql-datatype\":\"\"}", COLUMN_ANY, ""},
        {"{\"type\":[\"string\",\"number\"]}", COLUMN_TEXT, ""},
        {"{\"x-sql-datatype\":\"DATE\"}", COLUMN_ANY, "DATE"},
        {"{\"type\":\"string\",\"contentEncoding\":\"base16\"}", COLUMN_BLOB, ""},
        {"{\"type\":\"string\",\"contentEncoding\":\"base64\"}", COLUMN_TEXT, ""},
        {"{\"type\":\"integer\",\"contentEncoding\":\"base16\"}", COLUMN_INTEGER, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[512];
        AUTO(buf) names = buf_growing(4096);
        AUTO(arena) arena = arena_new(1 << 20);
        struct singer_layout layout = {.columns = schema_new(&arena)};
        struct singer_message m;
        struct err err = {0};
        (void)snprintf(
            line, sizeof(line),
            "{\"type\":\"SCHEMA\",\"stream\":\"s\",\"schema\":{\"properties\":{\"p\":%s}}}",
            cases[i].property);
        assert_true(singer_parse(str_from(line), &names, NULL, &m, &err));
        assert_true(singer_read_schema(&m, NULL, &layout, &err));
        const struct column *c = &layout.columns.columns[0];
        if (c->kind != cases[i].kind || !str_eq(c->type, str_from(cases[i].type))) {
            fail_msg("%s: %d", cases[i].property, (int)c->kind);
        }
    }
}

static bool read_file(const char *name, struct buf *text)
{
    char path[256];
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "../shared/data/singer/%s.singer", name);
    return files_read(path, text, &err);
}

static void the_sdks_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int records;
        bool has_bad_schema;
    } files[] = {
        {"array_data", 4, false},
        {"camelcase", 2, false},
        {"camelcase_complex_schema", 0, false},
        {"encoded_string_data", 28, false},
        {"invalid_schema", 0, true},
        {"pk_updates", 2, false},
        {"schema_no_properties", 4, false},
        {"schema_updates", 6, false},
        {"special_chars_in_attributes", 1, false},
        {"user_location_upsert_data", -1, false},
    };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        AUTO(buf) text = buf_growing(1 << 20);
        AUTO(buf) names = buf_growing(1 << 20);
        AUTO(arena) arena = arena_new(1 << 20);
        if (!read_file(files[i].name, &text)) {
            print_message("skipped: no ../shared/data\n");
            skip();
        }
        struct str rest = buf_str(&text);
        struct str line;
        int records = 0;
        bool has_bad_schema = false;
        do {
            (void)str_cut(rest, '\n', &line, &rest);
            struct singer_message m;
            struct err err = {0};
            if (str_trim(line).len == 0) {
                continue;
            }
            if (!singer_parse(line, &names, NULL, &m, &err)) {
                fail_msg("%s: %s", files[i].name, err.msg);
            }
            records += m.type == SINGER_RECORD;
            struct singer_layout layout = {.columns = schema_new(&arena)};
            has_bad_schema = has_bad_schema || (m.type == SINGER_SCHEMA &&
                                                !singer_read_schema(&m, NULL, &layout, &err));
        } while (rest.ptr != NULL);
        assert_true(files[i].records < 0 || records == files[i].records);
        assert_int_equal(has_bad_schema, files[i].has_bad_schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_their_members),
        cmocka_unit_test(wrong_lines_are_refused),
        cmocka_unit_test(json_schema_gives_columns),
        cmocka_unit_test(the_sources_own_types),
        cmocka_unit_test(the_sdks_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
