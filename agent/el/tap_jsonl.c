/* Tap jsonl: one JSON object a line. DESIGN: a first pass over what is to be read finds the columns
 * (every member of any object) and their kinds; the second gives the rows. A last line without a
 * line end that is no whole object is still being written: it is left for the next run. */
#include "agent/el/connectors.h"
#include "agent/el/file_tap.h"
#include "agent/el/json_columns.h"
#include "agent/el/json_row.h"
#include "common/base/limits.h"

struct tap_jsonl {
    struct file_tap file;
    const struct tap_context *context;
    struct json_row row;
    struct json_columns columns;
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
        *ret_found = false;
        if (!file_reader_line(r, LIMIT_SINGER_LINE_BYTES, &line, ret_found, err)) {
            return file_tap_forgive(&t->file, err);
        }
        if (!*ret_found ||
            (!line.is_whole && (file_tap_is_growing(&t->file) || !is_object(line.text)))) {
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

/* The next file that has something to read, where that begins. */
static bool open_next(struct tap_jsonl *t, bool *ret_found, struct err *err)
{
    do {
        if (!file_tap_open_next(&t->file, ret_found, err)) {
            return false;
        }
        if (!*ret_found || file_tap_seek(&t->file, err)) {
            return true;
        }
    } while (file_tap_forgive(&t->file, err));
    return false;
}

static bool look_at_file(struct tap_jsonl *t, struct err *err)
{
    for (;;) {
        struct str line;
        bool found = false;
        if (!next_line(t, &line, &found, err)) {
            return false;
        }
        if (!found) {
            return true;
        }
        if (!json_columns_look(&t->columns, line, err)) {
            if (err->code != ERR_INVALID || !t->context->takes_rejects) {
                return file_tap_wrap(&t->file, err);
            }
            *err = (struct err){0}; /* the second pass rejects it */
        }
        t->file.reader.line++;
    }
}

/* *ret_changed: a column is new, or of another kind. */
static bool look(struct tap_jsonl *t, bool *ret_changed, struct err *err)
{
    bool found = true;
    t->file.is_looking = true;
    for (;;) {
        if (!open_next(t, &found, err)) {
            return false;
        }
        if (!found) {
            break;
        }
        if (!look_at_file(t, err)) {
            return false;
        }
    }
    *ret_changed = json_columns_settle(&t->columns);
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

/* What came is looked through; new columns are told first. */
static bool take_more(struct tap_jsonl *t, enum tap_result *ret, struct err *err)
{
    bool is_first = t->file.base.stream == NULL;
    bool has_changed = false;
    if (!look(t, &has_changed, err)) {
        return false;
    }
    t->file.base.stream = &t->file.stream;
    if (!has_changed && !is_first) {
        *ret = TAP_IDLE;
        return true;
    }
    json_row_release(&t->row);
    *ret = TAP_SCHEMA;
    bool ok = json_row_init(&t->row, &t->file.stream.schema, t->context->arena, err);
    t->file.base.row = t->row.row;
    return ok;
}

static bool wait_for_more(struct tap_jsonl *t, enum tap_result *ret, struct err *err)
{
    enum file_tap_wait wait = FILE_TAP_OVER;
    if (!file_tap_wait(&t->file, &wait, err)) {
        return false;
    }
    *ret = wait == FILE_TAP_OVER ? TAP_END : TAP_IDLE;
    return wait != FILE_TAP_MORE || take_more(t, ret, err);
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
        if (!open_next(t, &found, err)) {
            return false;
        }
        if (!found) {
            return wait_for_more(t, ret, err);
        }
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
        json_columns_release(&t->columns);
    }
}

static bool jsonl_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct arena *arena = context->arena;
    struct tap_jsonl *t = arena_alloc(arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->file.base.ops = &tap_jsonl;
    t->file.base.stream = &t->file.stream;
    t->file.stream.schema = schema_new(arena);
    bool has_changed = false;
    if (!json_columns_init(&t->columns, &t->file.stream.schema, arena, err)) {
        return false;
    }
    if (!jsonl_check(context->options, context->mode, err) ||
        !file_tap_init(&t->file, context, err) ||
        (!t->file.base.is_unchanged && !look(t, &has_changed, err)) ||
        !json_row_init(&t->row, &t->file.stream.schema, arena, err)) {
        jsonl_tap_close(&t->file.base);
        return false;
    }
    t->file.base.row = t->row.row;
    if (t->file.stream.schema.count == 0 && context->mode != MODE_OVERWRITE) {
        t->file.base.stream = NULL; /* nothing is there yet */
    }
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
