/* Tap jsonl: one JSON object a line. DESIGN: a first pass over what is to be read finds the columns
 * (every member of any object) and their kinds; the second gives the rows. A last line without a
 * line end that is no whole object is still being written: it is left for the next run. */
#include "agent/el/connectors.h"
#include "agent/el/file_tap.h"
#include "agent/el/json_row.h"
#include "common/base/limits.h"

struct evidence {
    bool has_integer, has_real, has_boolean, has_string, has_nested;
};
struct tap_jsonl {
    struct file_tap file;
    const struct tap_context *context;
    struct json_row row;
    struct evidence *evidence; /* by column */
    struct buf name;           /* an unescaped member name */
};

static struct tap_jsonl *jsonl_of(struct tap *tap)
{
    return (struct tap_jsonl *)(void *)tap;
}

/* Is the text at least a well-formed object? */
static bool is_object(struct str text)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    if (!json_scan_object(&scan, text, &ignored)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
    }
    return json_scan_end(&scan, &ignored);
}

/* The next line of the open file that is not blank, consumed; reader.line is its number. */
static bool next_line(struct tap_jsonl *t, struct str *ret, bool *ret_found, struct err *err)
{
    struct file_reader *r = &t->file.reader;
    for (;;) {
        struct file_line line;
        if (!file_reader_line(r, LIMIT_SINGER_LINE_BYTES, &line, ret_found, err)) {
            return false;
        }
        if (!*ret_found || (!line.is_whole && !is_object(line.text))) {
            *ret_found = false;
            return true;
        }
        file_reader_consume(r, line.bytes);
        if (str_trim(line.text).len > 0) {
            *ret = line.text;
            return true;
        }
        r->line++;
    }
}

static void note(struct evidence *e, enum json_type type, struct json_raw value)
{
    int64_t integer = 0;
    switch (type) {
    case JSON_INT: /* too large for 64 bits: kept as text */
        e->has_string = e->has_string || !json_raw_i64(value, &integer);
        e->has_integer = true;
        break;
    case JSON_REAL:
        e->has_real = true;
        break;
    case JSON_BOOL:
        e->has_boolean = true;
        break;
    case JSON_STRING:
        e->has_string = true;
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        e->has_nested = true;
        break;
    case JSON_NULL:
    default:
        break;
    }
}

static enum column_kind kind_of(const struct evidence *e)
{
    bool has_number = e->has_integer || e->has_real;
    int sorts = has_number + e->has_boolean + e->has_string + e->has_nested;
    if (sorts == 0) {
        return COLUMN_ANY; /* only nulls so far */
    }
    if (sorts > 1 || e->has_string) {
        return COLUMN_TEXT; /* numbers and the like as their JSON text */
    }
    if (has_number) {
        return e->has_real ? COLUMN_REAL : COLUMN_INTEGER;
    }
    return e->has_boolean ? COLUMN_BOOLEAN : COLUMN_JSON;
}

static bool look_at_object(struct tap_jsonl *t, struct str line, struct err *err)
{
    struct schema *schema = &t->file.stream.schema;
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, line, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        struct str name;
        size_t column = 0;
        buf_reset(&t->name);
        if (!json_unescape(key, true, &t->name, &name)) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a name");
        }
        if (!schema_find(schema, name, &column)) {
            column = schema->count;
            if (!schema_add(schema, &(struct column){.name = name}, err)) {
                return false;
            }
        }
        note(&t->evidence[column], value.type, value);
    }
    return json_scan_end(&scan, err);
}

static bool look_at_file(struct tap_jsonl *t, struct err *err)
{
    file_tap_seek(&t->file);
    for (;;) {
        struct str line;
        bool found = false;
        if (!next_line(t, &line, &found, err)) {
            return false;
        }
        if (!found) {
            return true;
        }
        if (!look_at_object(t, line, err)) {
            if (err->code != ERR_INVALID || !t->context->takes_rejects) {
                return file_tap_wrap(&t->file, err);
            }
            *err = (struct err){0}; /* the second pass rejects it */
        }
        t->file.reader.line++;
    }
}

static bool look(struct tap_jsonl *t, struct err *err)
{
    bool found = true;
    t->file.is_looking = true;
    for (;;) {
        if (!file_tap_open_next(&t->file, &found, err)) {
            return false;
        }
        if (!found) {
            break;
        }
        if (!look_at_file(t, err)) {
            return false;
        }
    }
    struct schema *schema = &t->file.stream.schema;
    for (size_t i = 0; i < schema->count; i++) {
        schema->columns[i].kind = kind_of(&t->evidence[i]);
    }
    file_tap_rewind(&t->file);
    return true;
}

static bool take_line(struct tap_jsonl *t, struct str line, enum tap_result *ret, struct err *err)
{
    struct tap *tap = &t->file.base;
    *ret = TAP_ROW;
    if (json_row_read(&t->row, line, err)) {
        tap->rows_read++;
    } else if (err->code == ERR_INVALID && t->context->takes_rejects) {
        file_tap_reject(&t->file, t->file.stream.name, line, err);
        *ret = TAP_REJECT;
    } else {
        return file_tap_wrap(&t->file, err);
    }
    t->file.reader.line++;
    tap->bytes_read += (int64_t)line.len + 1;
    return true;
}

static bool jsonl_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_jsonl *t = jsonl_of(tap);
    for (;;) {
        bool found = false;
        struct str line;
        if (t->file.is_open && !next_line(t, &line, &found, err)) {
            return false;
        }
        if (found) {
            return take_line(t, line, ret, err);
        }
        if (!file_tap_open_next(&t->file, &found, err)) {
            return false;
        }
        if (!found) {
            *ret = TAP_END;
            return true;
        }
        file_tap_seek(&t->file);
    }
}

static bool jsonl_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    return file_tap_state(&jsonl_of(tap)->file, "", STR(""), out, err);
}

static void jsonl_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_jsonl *t = jsonl_of(tap);
        file_tap_fini(&t->file);
        json_row_release(&t->row);
        buf_release(&t->name);
    }
}

static bool jsonl_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct arena *arena = context->arena;
    struct tap_jsonl *t = arena_alloc(arena, sizeof(*t));
    if (t == NULL ||
        (t->evidence = arena_array(arena, LIMIT_COLUMNS, sizeof(*t->evidence))) == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->file.base.ops = &tap_jsonl;
    t->file.base.stream = &t->file.stream;
    t->file.stream.schema = schema_new(arena);
    t->name = buf_growing(LIMIT_JSON_BYTES);
    if (!file_tap_init(&t->file, context, err) || (!t->file.base.is_unchanged && !look(t, err)) ||
        !json_row_init(&t->row, &t->file.stream.schema, arena, err)) {
        jsonl_tap_close(&t->file.base);
        return false;
    }
    t->file.base.row = t->row.row;
    *ret = &t->file.base;
    return true;
}

static bool jsonl_tap_discover(const struct tap_context *context, const struct found_taker *taker,
                               struct err *err)
{
    return file_tap_discover(&tap_jsonl, context, taker, err);
}

const struct tap_ops tap_jsonl = {
    .type = "jsonl",
    .options = &tap_jsonl_options,
    .open = jsonl_tap_open,
    .next = jsonl_tap_next,
    .state = jsonl_tap_state,
    .close = jsonl_tap_close,
    .discover = jsonl_tap_discover,
    .choose = file_tap_choose,
};
