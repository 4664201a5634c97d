/* Target http: rows as JSON, a batch with each request. DESIGN: a batch is a commit of its own, for
 * the server's answer says no more; the state follows, in a file (state_file.h). So what was sent
 * since the last state may come again after a crash (at least once), in the same batches where the
 * source gives the same rows: each has a key, made of when the last state was written, the batch's
 * number since then and its content, by which a server can tell. It is another one in each load,
 * for the same rows may be meant to be there twice. */
#include "agent/connectors/http_target_options.h"
#include "agent/el/connectors.h"
#include "agent/el/hash.h"
#include "agent/el/http_client.h"
#include "agent/el/http_pager.h"
#include "agent/el/row_json.h"
#include "agent/el/side_quarantine.h"
#include "common/base/limits.h"

#include <string.h>

enum {
    ANSWER_BYTES_MAX = 1 << 20,
    KEY_BYTES = 40,
    WRAPPER_BYTES_MAX = 2 << 10,
};
#define STREAM_MARK STR("{stream}")

struct http_sink {
    struct sink base;
    struct http_options http; /* with the stream's URL */
    struct http_client *client;
    const struct schema *schema;
    struct buf batch;       /* rows, with what is between them; not yet sent */
    int64_t batch_rows;     /* in it */
    int64_t sent_rows;      /* in this load */
    struct buf row;         /* the one that is written */
    struct http_sink *next; /* of the target */
};
struct target_http {
    struct target base;
    const struct target_context *context;
    const struct http_target_options *options;
    struct state_file state;
    struct side_quarantine quarantine;
    char state_at[WALL_TEXT_SIZE]; /* of the state that `batches` counts from */
    int64_t batches;
    struct http_sink *sinks;
};

static struct target_http *http_of(struct target *target)
{
    return (struct target_http *)(void *)target;
}

static struct http_sink *sink_of(struct sink *sink)
{
    return (struct http_sink *)(void *)sink;
}

/* --- batches --------------------------------------------------------------------------------- */

static void write_key(struct target_http *t, const struct http_sink *s, struct buf *out)
{
    if (strcmp(t->state_at, t->state.kept.at) != 0) {
        memcpy(t->state_at, t->state.kept.at, sizeof(t->state_at));
        t->batches = 0;
    }
    struct hash64 place = hash64_new();
    const struct str parts[] = {t->context->state_id, s->base.name, str_from(t->state_at)};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        hash64_add(&place, parts[i]);
        hash64_add(&place, STR("\0"));
    }
    hash64_add(&place, (struct str){(const char *)&t->batches, sizeof(t->batches)});
    buf_addf(out, "%016llx%016llx", (unsigned long long)hash64_value(&place),
             (unsigned long long)hash64_of(buf_str(&s->batch)));
}

static void write_body(const struct http_target_options *o, struct str rows, struct buf *out)
{
    struct json_writer w = json_writer(out);
    if (o->format == BATCH_OBJECT) {
        jw_begin_object(&w);
        jw_key(&w, o->wrapper);
    }
    buf_add_text(out, o->format == BATCH_LINES ? "" : "[");
    buf_add(out, rows);
    buf_add_text(out, o->format == BATCH_LINES ? "" : "]");
    buf_add_text(out, o->format == BATCH_OBJECT ? "}" : "");
}

static bool send_batch(struct target_http *t, struct http_sink *s, struct err *err)
{
    const struct http_target_options *o = t->options;
    AUTO(buf) body = buf_growing(s->batch.max + WRAPPER_BYTES_MAX);
    char key_bytes[KEY_BYTES];
    struct buf key = buf_fixed(key_bytes, sizeof(key_bytes));
    struct http_answer answer;
    if (s->batch_rows == 0) {
        return true;
    }
    write_key(t, s, &key);
    write_body(o, buf_str(&s->batch), &body);
    if (body.overflow) {
        return err_set(err, ERR_FULL, "no memory for a batch");
    }
    const struct http_request request = {.method = (enum http_method)(HTTP_POST + o->method),
                                         .body = buf_str(&body),
                                         .content_type = o->format == BATCH_LINES
                                                             ? STR("application/x-ndjson")
                                                             : STR("application/json"),
                                         .idempotency_key = buf_str(&key)};
    if (!http_client_begin(s->client, &request, err) ||
        !http_client_finish(s->client, &answer, err)) {
        return err_wrap(err, "rows %lld to %lld", (long long)s->sent_rows + 1,
                        (long long)s->sent_rows + (long long)s->batch_rows);
    }
    t->batches++;
    s->sent_rows += s->batch_rows;
    s->base.rows_written += s->batch_rows;
    s->batch_rows = 0;
    buf_reset(&s->batch);
    return true;
}

static bool take_row(struct target_http *t, struct http_sink *s, const struct value *row,
                     struct err *err)
{
    const struct http_target_options *o = t->options;
    bool has_lines = o->format == BATCH_LINES;
    buf_reset(&s->row);
    struct json_writer w = json_writer(&s->row);
    row_json_write_row(&w, s->schema, row);
    buf_add_text(&s->row, has_lines ? "\n" : "");
    bool is_full =
        s->batch_rows >= o->batch_rows || (int64_t)(s->batch.len + s->row.len) >= o->batch_bytes;
    if (is_full && !send_batch(t, s, err)) {
        return false;
    }
    buf_add_text(&s->batch, has_lines || s->batch_rows == 0 ? "" : ",");
    buf_add(&s->batch, buf_str(&s->row));
    s->batch_rows++;
    return !(s->row.overflow || s->batch.overflow) ||
           err_set(err, ERR_NO_MEMORY, "no memory for a row");
}

static bool http_target_load(struct target *target, struct sink *sink,
                             const struct row_source *source, struct err *err)
{
    struct target_http *t = http_of(target);
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (!take_row(t, sink_of(sink), row, err)) {
            return err_wrap(err, "target http");
        }
    }
}

static bool keep_state(struct target_http *t, struct str state, bool is_last, struct err *err)
{
    bool has_sent = t->batches > 0;
    bool is_same = str_eq(state, buf_str(&t->state.kept.value));
    if (state.len > 0 && !state_file_set(&t->state, state, err)) {
        return false;
    }
    /* A load whose state stays as it is (a tap without one) ends with a new time of it. */
    return !is_last || (has_sent && is_same ? state_file_renew(&t->state, err)
                                            : state_file_flush(&t->state, err));
}

static bool http_target_commit(struct target *target, struct str state, bool is_last,
                               struct err *err)
{
    struct target_http *t = http_of(target);
    bool keeps_state =
        t->context->state_id.len > 0 && (is_last || t->options->load.mode != MODE_OVERWRITE);
    for (struct http_sink *s = t->sinks; s != NULL; s = s->next) {
        if (!send_batch(t, s, err)) {
            return err_wrap(err, "target http");
        }
    }
    return !keeps_state || keep_state(t, state, is_last, err) || err_wrap(err, "target http");
}

/* --- opening --------------------------------------------------------------------------------- */

static void http_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_http *t = http_of(target);
        for (struct http_sink *s = t->sinks; s != NULL; s = s->next) {
            http_client_close(s->client);
            buf_release(&s->batch);
            buf_release(&s->row);
        }
        side_quarantine_close(&t->quarantine);
        state_file_release(&t->state);
    }
}

/* As a Singer program it keeps none: then each run has keys of its own. */
static bool open_state(struct target_http *t, struct err *err)
{
    const struct target_context *c = t->context;
    if (c->state_id.len > 0) {
        return state_file_open(&t->state, c->state_dir, c->state_id, c->arena, err);
    }
    t->state.clock = clock_system();
    (void)wall_format(clock_wall(&t->state.clock), t->state.kept.at);
    return true;
}

static bool http_target_open(struct target **ret, const struct target_context *context,
                             struct err *err)
{
    struct target_http *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->base.ops = &target_http;
    t->base.has_tables = true;
    t->context = context;
    t->options = (const void *)context->load;
    side_quarantine_init(&t->quarantine);
    if (!http_target_check(t->options, MODE_APPEND, err) || !open_state(t, err) ||
        !side_quarantine_open(&t->quarantine, &t->state, context, &t->base, err)) {
        http_target_close(&t->base);
        return err_wrap(err, "target http");
    }
    memcpy(t->state_at, t->state.kept.at, sizeof(t->state_at));
    t->base.state = arena_copy(context->arena, buf_str(&t->state.kept.value));
    if (t->base.state.ptr == NULL) {
        http_target_close(&t->base);
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    *ret = &t->base;
    return true;
}

/* The stream's name in place of its mark. */
static bool fill_in(struct str url, struct str stream, struct arena *arena, struct str *ret,
                    struct err *err)
{
    AUTO(buf) out = buf_growing(CURSOR_BYTES_MAX);
    while (url.len > 0) {
        bool is_mark = str_starts(url, STREAM_MARK);
        if (is_mark) {
            url_encode(&out, stream);
        } else {
            buf_add_char(&out, url.ptr[0]);
        }
        url = str_slice(url, is_mark ? STREAM_MARK.len : 1, url.len);
    }
    *ret = out.overflow ? STR_NONE : arena_copy(arena, buf_str(&out));
    return ret->ptr != NULL || err_set(err, ERR_FULL, "\"url\" is too long");
}

static bool open_sink(struct target_http *t, struct http_sink *s, struct err *err)
{
    struct arena *arena = t->context->arena;
    bool has_mark = str_contains(t->options->http.url, STREAM_MARK) ||
                    str_contains(t->options->http.path, STREAM_MARK);
    if (has_mark && s->base.name.len == 0) {
        err_set(err, ERR_INVALID, "the stream has no name for the URL's {stream}");
        return err_hint(err, "give it one with the target's \"table\"");
    }
    if (t->sinks != NULL && !has_mark) {
        err_set(err, ERR_INVALID, "there are several streams, and one URL");
        return err_hint(err, "write {stream} where the URL has the stream's name");
    }
    s->http = t->options->http;
    const struct http_client_options client = {
        .options = &s->http, .answer_bytes_max = ANSWER_BYTES_MAX, .clock = t->state.clock};
    if (!fill_in(s->http.url, s->base.name, arena, &s->http.url, err) ||
        !fill_in(s->http.path, s->base.name, arena, &s->http.path, err) ||
        !http_client_open(&s->client, &client, arena, err)) {
        return false;
    }
    if (s->base.name.len == 0) {
        s->base.name = http_client_name(s->client);
    }
    return true;
}

static bool http_target_add(struct target *target, struct str table, struct sink **ret,
                            struct err *err)
{
    struct target_http *t = http_of(target);
    struct arena *arena = t->context->arena;
    struct http_sink *s = arena_alloc(arena, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
    }
    if (!side_sink_init(&s->base, table, arena, err)) {
        return false;
    }
    s->batch = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2 + BATCH_BYTES_MAX);
    s->row = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2);
    if (!open_sink(t, s, err)) {
        return err_wrap(err, "target http");
    }
    s->next = t->sinks;
    t->sinks = s;
    *ret = &s->base;
    return true;
}

/* Rows that wait have the columns of before. */
static bool http_target_set_schema(struct target *target, struct sink *sink,
                                   const struct schema *schema, const struct str_list *key,
                                   struct err *err)
{
    struct target_http *t = http_of(target);
    struct http_sink *s = sink_of(sink);
    (void)key;
    s->schema = schema;
    return side_sink_columns(&s->base, schema, t->context->arena, err) ||
           err_wrap(err, "target http");
}

static bool http_target_quarantine(struct target *target, struct err *err)
{
    return side_quarantine_take(&http_of(target)->quarantine, err) || err_wrap(err, "target http");
}

static bool http_target_states(struct target *target, struct kept_states *ret, struct err *err)
{
    const struct target_http *t = http_of(target);
    return state_history_list(&t->state.kept, t->context->arena, ret, err);
}

static bool http_target_set_state(struct target *target, struct str value, struct err *err)
{
    return state_file_replace(&http_of(target)->state, value, err);
}

const struct target_ops target_http = {
    .type = "http",
    .options = &target_http_options,
    .open = http_target_open,
    .add = http_target_add,
    .set_schema = http_target_set_schema,
    .load = http_target_load,
    .commit = http_target_commit,
    .quarantine = http_target_quarantine,
    .quarantine_failed = http_target_quarantine,
    .close = http_target_close,
    .states = http_target_states,
    .set_state = http_target_set_state,
};
