/* el_row_json_test.c - agent/el/row_json.h and singer_writer.h: what they write, singer.h and
 * json_row.h read back as it was. */
#include "agent/el/json_row.h"
#include "agent/el/row_json.h"
#include "agent/el/singer.h"
#include "agent/el/singer_writer.h"
#include "tests/support/cmocka_all.h"
#include <float.h>
#include <string.h>

#define TEXT(text_)                                                                                \
    {                                                                                              \
        .type = VALUE_TEXT, .as.text = STR_INIT(text_)                                             \
    }

static const struct column columns[] = {
    {.name = STR_INIT("i"), .kind = COLUMN_INTEGER, .type = STR_INIT("BIGINT")},
    {.name = STR_INIT("r"), .kind = COLUMN_REAL},
    {.name = STR_INIT("d"), .kind = COLUMN_REAL, .type = STR_INIT("DECIMAL(10,2)")},
    {.name = STR_INIT("b"), .kind = COLUMN_BOOLEAN},
    {.name = STR_INIT("t \"\\"), .kind = COLUMN_TEXT, .type = STR_INIT("VARCHAR(20)")},
    {.name = STR_INIT("j"), .kind = COLUMN_JSON},
    {.name = STR_INIT("x"), .kind = COLUMN_BLOB},
    {.name = STR_INIT("a"), .kind = COLUMN_ANY},
    {.name = STR_INIT("at"), .kind = COLUMN_ANY, .type = STR_INIT("DATETIME")},
};
enum { COLUMNS = COUNT_OF(columns) };

struct world {
    struct arena arena;
    struct schema schema;
    struct singer_writer writer;
    struct err err;
};

static int set_up(void **state)
{
    static struct world w;
    w = (struct world){.arena = arena_new(4 << 20)};
    w.schema = schema_new(&w.arena);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_true(schema_add(&w.schema, &columns[i], &w.err));
    }
    assert_true(singer_writer_init(&w.writer, &w.arena, &w.err));
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    singer_writer_release(&w->writer);
    arena_release(&w->arena);
    return 0;
}

/* The message of the last line that was written. */
static void read_back(struct world *w, struct singer_message *m, struct buf *names)
{
    struct str text = str_trim(buf_str(&w->writer.out));
    if (!singer_parse(text, names, NULL, m, &w->err)) {
        fail_msg("%.*s: %s", STR_ARG(text), w->err.msg);
    }
}

static void values_are_equal(const struct value *a, const struct value *b, size_t column)
{
    bool same = a->type == b->type;
    switch (a->type) {
    case VALUE_INTEGER:
        same = same && a->as.integer == b->as.integer;
        break;
    case VALUE_REAL:
        same = same && a->as.real >= b->as.real && a->as.real <= b->as.real;
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        same = same && str_eq(a->as.text, b->as.text);
        break;
    case VALUE_NULL:
    default:
        break;
    }
    if (!same) {
        fail_msg("column %zu: types %d and %d", column, (int)a->type, (int)b->type);
    }
}

static void what_is_written_is_read_back(void **state)
{
    struct world *w = *state;
    static const struct value rows[][COLUMNS] = {
        {{.type = VALUE_INTEGER, .as.integer = INT64_MIN},
         {.type = VALUE_REAL, .as.real = 0.1},
         {.type = VALUE_INTEGER, .as.integer = 9007199254740993},
         {.type = VALUE_INTEGER, .as.integer = 1},
         TEXT("quote \" \\ line\nend \x01 \xf0\x9f\x98\x80"),
         TEXT("{\"k\":[1,2.50]}"),
         {.type = VALUE_BLOB, .as.text = STR_INIT("\x00\xff\x7f")},
         {.type = VALUE_REAL, .as.real = 3},
         TEXT("2026-01-02")},
        {{.type = VALUE_INTEGER, .as.integer = INT64_MAX},
         {.type = VALUE_REAL, .as.real = DBL_TRUE_MIN},
         {.type = VALUE_REAL, .as.real = -12.5},
         {.type = VALUE_INTEGER, .as.integer = 0},
         TEXT(""),
         TEXT("[]"),
         {.type = VALUE_BLOB, .as.text = STR_INIT("")},
         {.type = VALUE_INTEGER, .as.integer = 3},
         {.type = VALUE_INTEGER, .as.integer = 1767000000}},
        {{.type = VALUE_NULL}, {.type = VALUE_NULL}},
    };
    struct str key[] = {STR("I")};
    const struct str_list keys = {key, 1};
    const struct singer_stream_text text = {
        .stream = STR("s \"x\""), .schema = &w->schema, .key = &keys, .replication_key = STR("d")};
    AUTO(buf) names = buf_growing(4096);
    struct singer_message m;
    struct singer_layout layout = {.columns = schema_new(&w->arena)};
    assert_true(singer_writer_schema(&w->writer, &text, &w->err));
    read_back(w, &m, &names);
    assert_true(str_eq(m.stream, STR("s \"x\"")));
    assert_true(singer_read_schema(&m, NULL, &layout, &w->err));
    assert_int_equal(layout.key.count, 1);
    assert_true(str_eq(layout.replication_key, STR("d")));
    struct schema again = layout.columns;
    assert_int_equal(again.count, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(again.columns[i].kind, columns[i].kind);
        assert_true(str_eq(again.columns[i].name, columns[i].name));
        assert_true(str_eq(again.columns[i].type, columns[i].type));
        again.columns[i].is_required = false;
    }
    struct json_row row = {0};
    assert_true(json_row_init(&row, &again, &w->arena, &w->err));
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        buf_reset(&w->writer.out);
        assert_true(singer_writer_row(&w->writer, rows[r], &w->err));
        read_back(w, &m, &names);
        assert_true(json_row_read(&row, m.record.text, &w->err));
        for (size_t i = 0; i < COLUMNS; i++) {
            values_are_equal(&rows[r][i], &row.row[i], i);
        }
    }
    json_row_release(&row);
}

static void columns_that_are_left_out(void **state)
{
    struct world *w = *state;
    struct str key[] = {STR("j")};
    struct str left_out[] = {STR("i"), STR("j"), STR("r"), STR("b"), STR("x"), STR("a"), STR("at")};
    const struct str_list keys = {key, 1};
    const struct str_list names = {left_out, COUNT_OF(left_out)};
    const struct value row[COLUMNS] = {[4] = TEXT("v"), [5] = TEXT("[]")};
    const struct singer_stream_text text = {.stream = STR("s"),
                                            .schema = &w->schema,
                                            .key = &keys,
                                            .replication_key = STR("r"),
                                            .left_out = &names};
    assert_true(singer_writer_schema(&w->writer, &text, &w->err));
    buf_reset(&w->writer.out);
    assert_true(singer_writer_row(&w->writer, row, &w->err));
    assert_true(singer_writer_state(&w->writer, STR("{}"), &w->err));
    assert_string_equal(buf_cstr(&w->writer.out),
                        "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"r\":null,\"d\":null,"
                        "\"t \\\"\\\\\":\"v\",\"j\":[]}}\n{\"type\":\"STATE\",\"value\":{}}\n");
}

static void a_key_without_a_column_is_refused(void **state)
{
    struct world *w = *state;
    struct str key[] = {STR("nothing")};
    const struct str_list keys = {key, 1};
    const struct singer_stream_text text = {.stream = STR("s"), .schema = &w->schema, .key = &keys};
    assert_false(singer_writer_schema(&w->writer, &text, &w->err));
    assert_non_null(strstr(w->err.msg, "\"nothing\""));
}

static void values_that_do_not_fit(void **state)
{
    struct world *w = *state;
    static const struct {
        size_t column;
        struct value value;
        const char *words;
    } cases[] = {
        {0, TEXT("two"), "column \"i\" of type BIGINT holds text"},
        {0, {.type = VALUE_REAL, .as.real = 1.5}, "holds a real number"},
        {1, TEXT("x"), "column \"r\" of type REAL"},
        {3, {.type = VALUE_INTEGER, .as.integer = 2}, "holds an integer"},
        {3, {.type = VALUE_INTEGER, .as.integer = -1}, "holds an integer"},
        {4, {.type = VALUE_BLOB, .as.text = STR_INIT("x")}, "holds bytes"},
        {6, TEXT("x"), "of type BLOB holds text"},
        {7, {.type = VALUE_BLOB, .as.text = STR_INIT("x")}, "of type any holds bytes"},
    };
    const struct str_list none = {0};
    const struct singer_stream_text text = {.stream = STR("s"), .schema = &w->schema, .key = &none};
    assert_true(singer_writer_schema(&w->writer, &text, &w->err));
    size_t before = w->writer.out.len;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct value row[COLUMNS] = {0};
        row[cases[i].column] = cases[i].value;
        w->err = (struct err){0};
        assert_false(singer_writer_row(&w->writer, row, &w->err));
        assert_int_equal(w->err.code, ERR_INVALID);
        if (strstr(w->err.msg, cases[i].words) == NULL) {
            fail_msg("%s", w->err.msg);
        }
        assert_int_equal(w->writer.out.len, before); /* no half message */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_that_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_without_a_column_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_that_do_not_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
