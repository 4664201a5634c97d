/* singer_fuzz.c - lines of a Singer tap: message, schema, and records read by that schema; by the
 * members that were met with the message, and by scanning them again: the same. */
#include "agent/el/json_row.h"
#include "agent/el/rejects.h"
#include "agent/el/singer.h"
#include "common/base/limits.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    struct arena arena;
    struct schema schema;
    struct json_row row;
    struct buf names;
    struct json_members members;
};
enum { MEMBERS = 6, ROW_BYTES = 1 << 20 }; /* few, so that records have more */

static void take_schema(struct reader *r, const struct singer_message *m)
{
    struct singer_layout layout = {.columns = schema_new(&r->arena)};
    struct err err = {0};
    if (!singer_read_schema(m, NULL, &layout, &err)) {
        assert(err.code != ERR_NONE);
        return;
    }
    assert(layout.key.count <= layout.columns.count);
    r->schema = layout.columns;
    if (!json_row_init(&r->row, &r->schema, &r->arena, &err)) {
        assert(err.code == ERR_NO_MEMORY);
        r->schema.count = 0;
    }
}

static void take_record(struct reader *r, const struct singer_message *m)
{
    struct err err = {0};
    struct err second = {0};
    AUTO(buf) text = buf_growing(ROW_BYTES);
    AUTO(buf) again = buf_growing(ROW_BYTES);
    bool is_taken = json_row_take(&r->row, m->record.text, &r->members, &err);
    if (is_taken) {
        reject_write_row(&r->schema, r->row.row, &text);
    }
    bool is_read = json_row_read(&r->row, m->record.text, &second);
    assert(is_taken == is_read && err.code == second.code);
    if (!is_read) {
        assert(err.code != ERR_NONE && strcmp(err.msg, second.msg) == 0);
        return;
    }
    reject_write_row(&r->schema, r->row.row, &again);
    assert(text.overflow == again.overflow && str_eq(buf_str(&text), buf_str(&again)));
    for (size_t i = 0; i < r->schema.count; i++) {
        const struct value *v = &r->row.row[i];
        assert(v->type != VALUE_TEXT || str_is_utf8(v->as.text));
    }
}

static void take_line(struct reader *r, struct str line)
{
    struct singer_message m;
    struct err err = {0};
    struct singer_message plain;
    struct err second = {0};
    bool is_parsed = singer_parse(line, &r->names, NULL, &plain, &second);
    assert(singer_parse(line, &r->names, &r->members, &m, &err) == is_parsed);
    assert(strcmp(err.msg, second.msg) == 0 && m.type == plain.type);
    if (!is_parsed) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
    } else if (m.type == SINGER_SCHEMA) {
        take_schema(r, &m);
    } else if (m.type == SINGER_RECORD && r->schema.count > 0) {
        take_record(r, &m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_member members[MEMBERS];
    struct reader r = {.arena = arena_new(4 << 20),
                       .names = buf_growing(LIMIT_JSON_BYTES),
                       .members = {.items = members, .room = MEMBERS}};
    struct str rest = {(const char *)data, size};
    struct str line;
    do {
        (void)str_cut(rest, '\n', &line, &rest);
        take_line(&r, line);
    } while (rest.ptr != NULL);
    json_row_release(&r.row);
    buf_release(&r.names);
    arena_release(&r.arena);
    return 0;
}
