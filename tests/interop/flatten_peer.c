/* flatten_peer.c - a SCHEMA and its records as we flatten them, for singer_flatten_test.py. Arguments:
 * depth, separator, longest name. Lines in: a SCHEMA message, then records. Lines out: the columns
 * as [[name, kind], ...] or "error", then each record as an object or "error". */
#include "agent/el/json_row.h"
#include "agent/el/row_json.h"
#include "agent/el/singer.h"
#include "common/base/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [COLUMN_ANY] = "any",         [COLUMN_INTEGER] = "integer", [COLUMN_REAL] = "number",
    [COLUMN_BOOLEAN] = "boolean", [COLUMN_TEXT] = "string",     [COLUMN_JSON] = "json",
    [COLUMN_BLOB] = "blob",
};

static void print(struct buf *out)
{
    buf_add_char(out, '\n');
    (void)fwrite(out->ptr, 1, out->len, stdout);
    buf_reset(out);
}

static void add_columns(struct buf *out, const struct schema *schema)
{
    struct json_writer w = json_writer(out);
    jw_begin_array(&w);
    for (size_t i = 0; i < schema->count; i++) {
        jw_begin_array(&w);
        jw_str(&w, schema->columns[i].name);
        jw_str(&w, str_from(kinds[schema->columns[i].kind]));
        jw_end_array(&w);
    }
    jw_end_array(&w);
}

static void add_row(struct buf *out, const struct json_row *row)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    for (size_t i = 0; i < row->schema->count; i++) {
        jw_key(&w, row->schema->columns[i].name);
        row_json_write(&w, &row->schema->columns[i], &row->row[i]);
    }
    jw_end_object(&w);
}

int main(int argc, char **argv)
{
    struct flatten flatten = FLATTEN_DEFAULTS;
    int64_t limit = 0;
    if (argc != 4 || !str_to_i64(str_from(argv[1]), 0, 16, &flatten.max_depth) ||
        !str_to_i64(str_from(argv[3]), 1, INT32_MAX, &limit)) {
        return 2;
    }
    flatten.is_enabled = flatten.has_max_depth = true;
    flatten.separator = str_from(argv[2]);
    flatten.max_key_length = limit;
    AUTO(arena) arena = arena_new(64 << 20);
    AUTO(buf) names = buf_growing(LIMIT_JSON_BYTES);
    AUTO(buf) out = buf_growing(LIMIT_JSON_BYTES);
    struct singer_layout layout = {.columns = schema_new(&arena)};
    struct json_row row = {.flatten = &flatten};
    struct err err = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t len = getline(&line, &cap, stdin);
    struct singer_message m;
    bool ok = len > 0 &&
              singer_parse((struct str){line, (size_t)len - 1}, &names, NULL, &m, &err) &&
              singer_read_schema(&m, &flatten, &layout, &err) &&
              json_row_init(&row, &layout.columns, &arena, &err);
    if (ok) {
        add_columns(&out, &layout.columns);
    } else {
        buf_add_text(&out, "\"error\"");
    }
    print(&out);
    while (ok && (len = getline(&line, &cap, stdin)) > 0) {
        if (json_row_read(&row, (struct str){line, (size_t)len - 1}, &err)) {
            add_row(&out, &row);
        } else {
            buf_add_text(&out, "\"error\"");
        }
        print(&out);
    }
    free(line);
    json_row_release(&row);
    return 0;
}
