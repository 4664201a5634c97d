/* record_peer.c - reads one JSON object a line, as a record of a fixed schema, and says of each what
 * our reader made of it: "refused" and why, or its values with tabs between: null, i:1, r:0x1.8p+0,
 * t:<the text in hexadecimal digits>. Asked by singer_record_test.py. */
#include "agent/el/json_row.h"
#include "common/base/limits.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BYTES = 1 << 20 };

static const struct column columns[] = {
    {.name = STR_INIT("i"), .kind = COLUMN_INTEGER}, {.name = STR_INIT("r"), .kind = COLUMN_REAL},
    {.name = STR_INIT("b"), .kind = COLUMN_BOOLEAN}, {.name = STR_INIT("t"), .kind = COLUMN_TEXT},
    {.name = STR_INIT("j"), .kind = COLUMN_JSON},    {.name = STR_INIT("a"), .kind = COLUMN_ANY},
};

static void show(const struct value *v)
{
    switch (v->type) {
    case VALUE_INTEGER:
        (void)printf("i:%" PRId64, v->as.integer);
        break;
    case VALUE_REAL:
        (void)printf("r:%a", v->as.real);
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        (void)printf("t:");
        for (size_t i = 0; i < v->as.text.len; i++) {
            (void)printf("%02x", (unsigned)(unsigned char)v->as.text.ptr[i]);
        }
        break;
    case VALUE_NULL:
    default:
        (void)printf("null");
        break;
    }
}

static void answer(struct json_row *row, struct str line)
{
    struct err err = {0};
    if (!json_row_read(row, line, &err)) {
        (void)printf("refused %s\n", err.msg);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        show(&row->row[i]);
        (void)putchar(i + 1 < COUNT_OF(columns) ? '\t' : '\n');
    }
}

int main(void)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct schema schema = schema_new(&arena);
    struct json_row row = {0};
    struct err err = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t len = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < COUNT_OF(columns); i++) {
        ok = schema_add(&schema, &columns[i], &err);
    }
    if (!ok || !json_row_init(&row, &schema, &arena, &err)) {
        (void)fprintf(stderr, "record_peer: %s\n", err.msg);
        return 1;
    }
    while ((len = getline(&line, &cap, stdin)) > 0) {
        answer(&row, (struct str){line, (size_t)len - 1});
    }
    free(line);
    json_row_release(&row);
    return 0;
}
