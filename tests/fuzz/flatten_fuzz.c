/* flatten_fuzz.c - schemas and records with nested objects, flattened: the first byte says how deep,
 * the second from what length on names are abbreviated; then a schema line and records. */
#include "agent/el/json_row.h"
#include "agent/el/singer.h"
#include "common/base/limits.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_records(const struct flatten *flatten, const struct schema *columns,
                         struct arena *arena, struct str rest)
{
    struct json_row row = {.flatten = flatten};
    struct err err = {0};
    struct str line;
    bool ok = json_row_init(&row, columns, arena, &err);
    while (ok && rest.ptr != NULL) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!json_row_read(&row, line, &err)) {
            assert(err.code != ERR_NONE && err.msg[0] != '\0');
            continue;
        }
        for (size_t i = 0; i < columns->count; i++) {
            const struct value *v = &row.row[i];
            assert(v->type != VALUE_TEXT || str_is_utf8(v->as.text));
        }
    }
    json_row_release(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct flatten flatten = FLATTEN_DEFAULTS;
    flatten.is_enabled = true;
    flatten.has_max_depth = true;
    flatten.max_depth = data[0] % FLATTEN_PARTS_MAX;
    flatten.max_key_length = 1 + data[1];
    AUTO(arena) arena = arena_new(4 << 20);
    AUTO(buf) names = buf_growing(LIMIT_JSON_BYTES);
    struct singer_layout layout = {.columns = schema_new(&arena)};
    struct singer_message m;
    struct err err = {0};
    struct str rest = {(const char *)data + 2, size - 2};
    struct str line;
    (void)str_cut(rest, '\n', &line, &rest);
    if (!singer_parse(line, &names, NULL, &m, &err) || m.type != SINGER_SCHEMA) {
        return 0;
    }
    if (!singer_read_schema(&m, &flatten, &layout, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        return 0;
    }
    read_records(&flatten, &layout.columns, &arena, rest);
    return 0;
}
