/* Tap singer: the lines that a Singer tap wrote, from files. The last STATE value is kept in our
 * state, as "singer_state". */
#include "agent/el/connectors.h"
#include "agent/el/file_tap.h"
#include "agent/el/singer_batch.h"
#include "agent/el/singer_streams.h"
#include "common/base/limits.h"

struct tap_singer {
    struct file_tap file;
    struct singer_streams streams;
    struct singer_batch batch; /* whose files are read now; */
    size_t batch_bytes;        /* its line stays unread in the state until they are loaded */
};

static struct tap_singer *singer_of(struct tap *tap)
{
    return (struct tap_singer *)(void *)tap;
}

static void take_line(struct tap_singer *t, size_t bytes)
{
    file_reader_consume(&t->file.reader, bytes);
    t->file.reader.line++;
}

/* Slices wait for the end of a batch: the state could not say that half of it is loaded. */
static bool begin_batch(struct tap_singer *t, size_t bytes, struct err *err)
{
    t->batch_bytes = bytes;
    t->file.base.has_checkpoints = true;
    return singer_batch_begin(&t->batch, t->streams.encoding, t->streams.manifest, err) ||
           file_tap_wrap(&t->file, err);
}

/* *ret is a row, unless *ret_rejected; or, behind the last one, that the state moved on. */
static bool next_of_batch(struct tap_singer *t, enum singer_news *ret, bool *ret_rejected,
                          struct err *err)
{
    struct str record;
    bool found = false;
    *ret = SINGER_NO_NEWS;
    if (!singer_batch_next(&t->batch, &record, &found, err)) {
        return file_tap_wrap(&t->file, err);
    }
    if (!found) {
        t->file.base.has_checkpoints = false;
        take_line(t, t->batch_bytes);
        *ret = SINGER_NEW_STATE;
        return true;
    }
    *ret = SINGER_NEW_ROW;
    t->file.base.bytes_read += (int64_t)record.len + 1;
    if (singer_streams_take_record(&t->streams, record, err)) {
        return true;
    }
    if (!t->streams.is_bad_record || !t->file.takes_rejects) {
        return singer_batch_wrap(&t->batch, err);
    }
    singer_batch_reject(&t->batch, t->streams.bad_stream, record, &t->file.base.bad, err);
    t->file.base.rows_read++;
    *ret_rejected = true;
    return true;
}

/* The next line of the open file that yields something. */
static bool next_of_file(struct tap_singer *t, enum singer_news *ret, bool *ret_rejected,
                         struct err *err)
{
    struct file_reader *r = &t->file.reader;
    int64_t loaded_until = t->file.files.entries[t->file.current].offset;
    for (;;) {
        struct file_line line;
        bool found = false;
        *ret = SINGER_NO_NEWS;
        if (t->batch.is_open) {
            return next_of_batch(t, ret, ret_rejected, err);
        }
        if (!file_reader_line(r, LIMIT_SINGER_LINE_BYTES, &line, &found, err)) {
            return file_tap_forgive(&t->file, err);
        }
        if (!found) {
            return true;
        }
        bool is_loaded = r->offset < loaded_until;
        t->file.base.bytes_read += is_loaded ? 0 : (int64_t)line.bytes;
        if (str_trim(line.text).len > 0 &&
            !singer_streams_take(&t->streams, line.text, is_loaded, ret, err)) {
            *ret = SINGER_NO_NEWS;
            bool is_record = t->streams.is_bad_record;
            if (!(is_record && t->file.takes_rejects)) {
                return file_tap_wrap(&t->file, err);
            }
            if (is_loaded) {
                *err = (struct err){0}; /* an earlier run has rejected it */
            } else {
                file_tap_reject(&t->file, t->streams.bad_stream, line.text, err);
                *ret_rejected = true;
            }
        }
        if (*ret == SINGER_NEW_BATCH) {
            if (!begin_batch(t, line.bytes, err)) {
                return false;
            }
            continue;
        }
        take_line(t, line.bytes);
        if (*ret_rejected || (*ret != SINGER_NO_NEWS && *ret != SINGER_NEW_STATE)) {
            return true;
        }
    }
}

static bool singer_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_singer *t = singer_of(tap);
    for (;;) {
        enum singer_news news = SINGER_NO_NEWS;
        bool found = false;
        bool is_rejected = false;
        if (t->file.is_open && !next_of_file(t, &news, &is_rejected, err)) {
            return false;
        }
        if (is_rejected) {
            *ret = TAP_REJECT;
            return true;
        }
        if (news != SINGER_NO_NEWS) {
            *ret = singer_streams_tell(&t->streams, news, tap);
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
    return file_tap_state(&t->file, "singer_state", buf_str(&t->streams.state), out, err);
}

static void singer_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_singer *t = singer_of(tap);
        singer_batch_release(&t->batch);
        file_tap_fini(&t->file);
        singer_streams_release(&t->streams);
    }
}

static bool singer_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    const struct tap_options *options = context->options;
    struct tap_singer *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->file.base.ops = &tap_singer;
    if (!singer_streams_init(&t->streams, options, context->arena, err) ||
        !file_tap_init(&t->file, context, err)) {
        singer_tap_close(&t->file.base);
        return false;
    }
    t->streams.validates = context->validates;
    *ret = &t->file.base;
    return true;
}

const struct tap_ops tap_singer = {
    .type = "singer",
    .options = &tap_singer_options,
    .open = singer_tap_open,
    .next = singer_tap_next,
    .state = singer_tap_state,
    .close = singer_tap_close,
};
