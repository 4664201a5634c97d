/* Tap singer: the lines that a Singer tap wrote, from a file; one stream of them. The last STATE
 * value is kept in our state, as "singer_state". ACTIVATE_VERSION and unknown types are passed
 * over. */
#include "agent/el/connectors.h"
#include "agent/el/file_tap.h"
#include "agent/el/json_row.h"
#include "agent/el/singer.h"
#include "common/base/limits.h"

struct tap_singer {
    struct file_tap file;
    const struct tap_context *context;
    struct str stream; /* empty until known */
    struct json_row row;
    struct buf names;
    struct buf state; /* the last STATE's value */
    uint64_t schema_hash;
};

static struct tap_singer *singer_of(struct tap *tap)
{
    return (struct tap_singer *)(void *)tap;
}

/* Is the message of our stream? Without an option the first stream is ours, and there may be no
 * other. */
static bool is_ours(struct tap_singer *t, struct str stream, bool *ret, struct err *err)
{
    *ret = str_eq(stream, t->stream);
    if (*ret || t->context->options->stream.len > 0) {
        return true;
    }
    if (t->stream.len == 0) {
        t->stream = arena_copy(t->context->arena, stream);
        *ret = true;
        return t->stream.ptr != NULL ||
               err_set(err, ERR_NO_MEMORY, "no memory for the stream's name");
    }
    err_set(err, ERR_INVALID, "there are several streams: \"" STR_FMT "\" and \"" STR_FMT "\"",
            STR_ARG(t->stream), STR_ARG(stream));
    return err_hint(err, "choose one with the tap's \"stream\"");
}

/* *ret_is_new false when the message repeats the present schema. */
static bool take_schema(struct tap_singer *t, const struct singer_message *m, struct str line,
                        bool *ret_is_new, struct err *err)
{
    uint64_t hash = hash64_of(line);
    *ret_is_new = t->file.base.schema.count == 0 || hash != t->schema_hash;
    if (!*ret_is_new) {
        return true;
    }
    struct schema schema = schema_new(t->context->arena);
    if (!singer_read_schema(m, &schema, &t->file.base.key, err)) {
        return false;
    }
    if (schema.count == 0) {
        return err_set(err, ERR_INVALID, "stream \"" STR_FMT "\" has no columns",
                       STR_ARG(m->stream));
    }
    t->schema_hash = hash;
    t->file.base.schema = schema;
    if (!json_row_init(&t->row, &t->file.base.schema, t->context->arena, err)) {
        return false;
    }
    t->file.base.row = t->row.row;
    return true;
}

static bool take_record(struct tap_singer *t, const struct singer_message *m, struct err *err)
{
    if (t->file.base.schema.count == 0) {
        err_set(err, ERR_INVALID, "a RECORD of stream \"" STR_FMT "\" comes before its SCHEMA",
                STR_ARG(m->stream));
        return err_hint(err, "the tap must write a SCHEMA message first");
    }
    return json_row_read(&t->row, m->record.text, err);
}

enum taken { TAKEN_NOTHING, TAKEN_ROW, TAKEN_SCHEMA };

/* `is_loaded`: the line was loaded by an earlier run; of it only the schema matters. */
static bool take_message(struct tap_singer *t, const struct singer_message *m, struct str line,
                         bool is_loaded, enum taken *ret, struct err *err)
{
    bool ours = false;
    *ret = TAKEN_NOTHING;
    if (m->type == SINGER_STATE) {
        buf_reset(&t->state);
        struct str value = m->value.text;
        bool is_string = m->value.type == JSON_STRING;
        buf_add(&t->state, is_string ? (struct str){value.ptr - 1, value.len + 2} : value);
        return !t->state.overflow ||
               err_set(err, ERR_FULL, "a STATE is larger than %d bytes", LIMIT_JSON_BYTES);
    }
    if (m->type == SINGER_OTHER || m->type == SINGER_ACTIVATE_VERSION) {
        return true;
    }
    if (!is_ours(t, m->stream, &ours, err)) {
        return false;
    }
    if (!ours) {
        return true;
    }
    if (m->type == SINGER_BATCH) {
        err_set(err, ERR_INVALID, "BATCH messages are not supported");
        return err_hint(err, "remove \"batch_config\" from the tap's configuration");
    }
    if (m->type == SINGER_SCHEMA) {
        bool is_new = false;
        if (!take_schema(t, m, line, &is_new, err)) {
            return false;
        }
        *ret = is_new ? TAKEN_SCHEMA : TAKEN_NOTHING;
        return true;
    }
    if (is_loaded) {
        return true;
    }
    *ret = TAKEN_ROW;
    return take_record(t, m, err);
}

/* The next line of the open file that yields something. */
static bool next_of_file(struct tap_singer *t, enum taken *ret, struct err *err)
{
    struct file_reader *r = &t->file.reader;
    int64_t loaded_until = t->file.files.entries[t->file.current].offset;
    for (;;) {
        struct file_line line;
        struct singer_message m;
        bool found = false;
        *ret = TAKEN_NOTHING;
        if (!file_reader_line(r, LIMIT_SINGER_LINE_BYTES, &line, &found, err)) {
            return false;
        }
        if (!found) {
            return true;
        }
        bool is_loaded = r->offset < loaded_until;
        file_reader_consume(r, line.bytes);
        if (str_trim(line.text).len > 0 && (!singer_parse(line.text, &t->names, &m, err) ||
                                            !take_message(t, &m, line.text, is_loaded, ret, err))) {
            return file_tap_wrap(&t->file, err);
        }
        r->line++;
        t->file.base.bytes_read += is_loaded ? 0 : (int64_t)line.bytes;
        if (*ret != TAKEN_NOTHING) {
            return true;
        }
    }
}

static bool singer_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_singer *t = singer_of(tap);
    for (;;) {
        enum taken taken = TAKEN_NOTHING;
        bool found = false;
        if (t->file.is_open && !next_of_file(t, &taken, err)) {
            return false;
        }
        if (taken != TAKEN_NOTHING) {
            tap->rows_read += taken == TAKEN_ROW;
            *ret = taken == TAKEN_ROW ? TAP_ROW : TAP_SCHEMA;
            return true;
        }
        if (!file_tap_open_next(&t->file, &found, err)) {
            return false;
        }
        if (!found) {
            *ret = TAP_END;
            return true;
        }
    }
}

static bool singer_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    struct tap_singer *t = singer_of(tap);
    return file_tap_state(&t->file, "singer_state", buf_str(&t->state), out, err);
}

static void singer_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_singer *t = singer_of(tap);
        file_tap_fini(&t->file);
        json_row_release(&t->row);
        buf_release(&t->names);
        buf_release(&t->state);
    }
}

static bool singer_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct tap_singer *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->stream = context->options->stream;
    t->file.base.ops = &tap_singer;
    t->file.base.schema = schema_new(context->arena);
    t->names = buf_growing(LIMIT_JSON_BYTES);
    t->state = buf_growing(LIMIT_JSON_BYTES);
    if (!file_tap_init(&t->file, context, err)) {
        singer_tap_close(&t->file.base);
        return false;
    }
    *ret = &t->file.base;
    return true;
}

const struct tap_ops tap_singer = {
    .type = "singer",
    .open = singer_tap_open,
    .next = singer_tap_next,
    .state = singer_tap_state,
    .close = singer_tap_close,
};
