#include "agent/el/target_singer.h"

#include "agent/el/singer_writer.h"
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/platform/files.h"

enum { BLOCK_BYTES = 64 << 10, STATE_ARENA_BYTES_MAX = 64 << 20 };

struct target_output {
    struct target base;
    struct sink sink; /* the only one */
    const struct singer_output *options;
    struct singer_writer writer;
    struct singer_batch_writer batch;
    struct buf state; /* the tap's part of it */
    int64_t new_rows;
};

static struct target_output *output_of(struct target *target)
{
    return (struct target_output *)(void *)target;
}

static bool flush(struct target_output *t, struct err *err)
{
    bool ok = t->writer.out.len == 0 ||
              files_write_fd(t->options->fd, buf_str(&t->writer.out), err) ||
              err_wrap(err, "write the messages");
    buf_reset(&t->writer.out);
    return ok;
}

/* --- the state ------------------------------------------------------------------------------- */

/* What the tap gets of the state of all. */
static bool read_state(struct target_output *t, struct err *err)
{
    const struct singer_output *o = t->options;
    struct str mark = o->state == NULL ? STR("") : singer_state_get(o->state, o->stream);
    if (mark.len == 0 || o->load.mode == MODE_OVERWRITE) {
        return true;
    }
    if (!o->has_bookmarks) {
        buf_add(&t->state, mark);
    } else {
        struct json_writer w = json_writer(&t->state);
        jw_begin_object(&w);
        jw_key(&w, STR("bookmarks"));
        jw_begin_object(&w);
        jw_key(&w, o->stream);
        jw_raw(&w, mark);
        jw_end_object(&w);
        jw_end_object(&w);
    }
    t->base.state = buf_str(&t->state);
    return !t->state.overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static bool take_bookmark(const struct singer_output *o, struct str state, struct err *err)
{
    AUTO(arena) arena = arena_new(STATE_ARENA_BYTES_MAX);
    AUTO(buf) mark = buf_growing(LIMIT_JSON_BYTES);
    struct json *root = NULL;
    if (!json_parse(state, LIMIT_JSON_BYTES, &arena, &root, err)) {
        return err_wrap(err, "state");
    }
    const struct json *marks = json_get(root, "bookmarks");
    const struct json *m = marks == NULL ? NULL : marks->child;
    while (m != NULL && !str_eq(m->key, o->stream)) {
        m = m->next;
    }
    if (m == NULL) {
        return true;
    }
    json_write(&mark, m);
    return singer_state_set(o->state, o->stream, buf_str(&mark), err);
}

static bool write_state(struct target_output *t, struct str state, struct err *err)
{
    const struct singer_output *o = t->options;
    AUTO(buf) whole = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    struct json_writer w = json_writer(&whole);
    if (state.len > 0 && !(o->has_bookmarks ? take_bookmark(o, state, err)
                                            : singer_state_set(o->state, o->stream, state, err))) {
        return false;
    }
    singer_state_write(o->state, &w);
    if (whole.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    return singer_writer_state(&t->writer, buf_str(&whole), err);
}

/* --- the target ------------------------------------------------------------------------------ */

static void output_close(struct target *target)
{
    if (target != NULL) {
        struct target_output *t = output_of(target);
        singer_writer_release(&t->writer);
        singer_batch_writer_release(&t->batch);
        buf_release(&t->state);
    }
}

static bool output_open(struct target **ret, const struct target_context *context, struct err *err)
{
    struct target_output *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->base.ops = &target_singer;
    t->options = (const void *)context->load;
    t->sink.existing = schema_new(context->arena);
    t->sink.columns = schema_new(context->arena);
    t->sink.row_count = -1;
    t->state = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    t->batch.file.fd.n = -1;
    if (!singer_writer_init(&t->writer, context->arena, err) || !read_state(t, err) ||
        (t->options->batch != NULL &&
         !singer_batch_writer_init(&t->batch, t->options->batch, t->options->tap,
                                   t->options->stream, context->arena, err))) {
        output_close(&t->base);
        return false;
    }
    *ret = &t->base;
    return true;
}

static bool output_add(struct target *target, struct str table, struct sink **ret, struct err *err)
{
    struct target_output *t = output_of(target);
    (void)table;
    (void)err;
    t->sink.name = t->options->stream;
    *ret = &t->sink;
    return true;
}

static bool output_set_schema(struct target *target, struct sink *sink, const struct schema *schema,
                              const struct str_list *key, struct err *err)
{
    struct target_output *t = output_of(target);
    const struct singer_output *o = t->options;
    const struct singer_stream_text text = {.stream = o->stream,
                                            .schema = schema,
                                            .key = o->key.count > 0 ? &o->key : key,
                                            .replication_key = o->replication_key,
                                            .left_out = &o->left_out};
    (void)sink;
    return singer_writer_schema(&t->writer, &text, err);
}

/* The record goes through the messages' buffer, which is empty but for a SCHEMA. */
static bool add_to_batch(struct target_output *t, const struct value *row, struct err *err)
{
    struct buf *out = &t->writer.out;
    if (!flush(t, err) || !singer_writer_record(&t->writer, row, err)) {
        return false;
    }
    bool ok = singer_batch_writer_add(&t->batch, buf_str(out), err);
    buf_reset(out);
    return ok;
}

static bool end_batch(struct target_output *t, struct err *err)
{
    struct str uri = STR_NONE;
    const struct batch_settings *b = t->options->batch;
    if (b == NULL || !singer_batch_writer_end(&t->batch, &uri, err)) {
        return b == NULL;
    }
    struct str compression = b->encoding.compression == BATCH_GZIP ? STR("gzip") : STR("none");
    return uri.ptr == NULL || singer_writer_batch(&t->writer, compression, uri, err);
}

static bool output_load(struct target *target, struct sink *sink, const struct row_source *source,
                        struct err *err)
{
    struct target_output *t = output_of(target);
    (void)sink;
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        bool ok = t->options->batch != NULL
                      ? add_to_batch(t, row, err)
                      : singer_writer_row(&t->writer, row, err) &&
                            (t->writer.out.len < BLOCK_BYTES || flush(t, err));
        if (!ok) {
            return false;
        }
        t->new_rows++;
    }
}

static bool output_commit(struct target *target, struct str state, bool is_last, struct err *err)
{
    struct target_output *t = output_of(target);
    (void)is_last;
    if (!end_batch(t, err) || (t->options->state != NULL && !write_state(t, state, err)) ||
        !flush(t, err)) {
        return false;
    }
    t->sink.rows_written += t->new_rows;
    t->new_rows = 0;
    return true;
}

const struct target_ops target_singer = {
    .type = "singer",
    .cannot_upsert = true,
    .open = output_open,
    .add = output_add,
    .set_schema = output_set_schema,
    .load = output_load,
    .commit = output_commit,
    .close = output_close,
};
