/* jsonl_fuzz.c - lines of JSON objects whose columns nobody names: found by a first pass, read by a second, as the tap jsonl does. What was
 * read is written as JSON and reads the same again. */
#include "agent/el/json_columns.h"
#include "agent/el/json_row.h"
#include "agent/el/row_json.h"
#include "common/base/limits.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct value *a, const struct value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case VALUE_INTEGER:
        return a->as.integer == b->as.integer;
    case VALUE_REAL:
        return memcmp(&a->as.real, &b->as.real, sizeof(double)) == 0;
    case VALUE_TEXT:
    case VALUE_BLOB:
        return str_eq(a->as.text, b->as.text);
    case VALUE_NULL:
    default:
        return true;
    }
}

static void check_round_trip(const struct schema *schema, const struct json_row *first,
                             struct json_row *second)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json_writer w = json_writer(&text);
    struct err err = {0};
    for (size_t i = 0; i < schema->count; i++) {
        if (!row_json_fits(&schema->columns[i], &first->row[i])) {
            return;
        }
    }
    row_json_write_row(&w, schema, first->row);
    assert(json_row_read(second, buf_str(&text), &err));
    for (size_t i = 0; i < schema->count; i++) {
        assert(is_same(&first->row[i], &second->row[i]));
    }
}

static bool find_columns(struct json_columns *columns, struct str rest)
{
    struct str line;
    struct err err = {0};
    while (rest.ptr != NULL) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (str_trim(line).len > 0 && !json_columns_look(columns, line, &err)) {
            assert(err.code != ERR_NONE && err.msg[0] != '\0');
            return false;
        }
    }
    (void)json_columns_settle(columns);
    assert(!json_columns_settle(columns));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(16 << 20);
    struct schema schema = schema_new(&arena);
    struct json_columns columns;
    struct json_row first = {0};
    struct json_row second = {0};
    struct err err = {0};
    struct str rest = {(const char *)data, size};
    struct str line;
    bool ok = json_columns_init(&columns, &schema, &arena, &err) && find_columns(&columns, rest) &&
              json_row_init(&first, &schema, &arena, &err) &&
              json_row_init(&second, &schema, &arena, &err);
    while (ok && rest.ptr != NULL) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (str_trim(line).len == 0) {
            continue;
        }
        if (json_row_read(&first, line, &err)) {
            check_round_trip(&schema, &first, &second);
        } else {
            assert(err.code != ERR_NONE && err.msg[0] != '\0');
        }
    }
    json_row_release(&first);
    json_row_release(&second);
    json_columns_release(&columns);
    return 0;
}
