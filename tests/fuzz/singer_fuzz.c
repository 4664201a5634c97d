/* singer_fuzz.c - lines of a Singer tap: message, schema, and records read by that schema. */
#include "agent/el/json_row.h"
#include "agent/el/singer.h"
#include "common/base/limits.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    struct arena arena;
    struct schema schema;
    struct json_row row;
    struct buf names;
};

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
    if (!json_row_read(&r->row, m->record.text, &err)) {
        assert(err.code != ERR_NONE);
        return;
    }
    for (size_t i = 0; i < r->schema.count; i++) {
        const struct value *v = &r->row.row[i];
        assert(v->type != VALUE_TEXT || str_is_utf8(v->as.text));
    }
}

static void take_line(struct reader *r, struct str line)
{
    struct singer_message m;
    struct err err = {0};
    if (!singer_parse(line, &r->names, &m, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
    } else if (m.type == SINGER_SCHEMA) {
        take_schema(r, &m);
    } else if (m.type == SINGER_RECORD && r->schema.count > 0) {
        take_record(r, &m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = {.arena = arena_new(4 << 20), .names = buf_growing(LIMIT_JSON_BYTES)};
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
