#include "agent/el/extract_load.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/schema_change.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/log/log.h"

#include <string.h>

enum { PROGRESS_ROWS = 1024, CHANGES_TOLD_BYTES = 1000 };

struct load {
    const struct request *request;
    const struct load_watcher *watcher;
    struct arena *arena;
    struct report *report;
    struct clock clock;
    struct tap *tap;
    struct target *target;
    struct sink *only;       /* takes the only stream there may be; NULL: each stream has a table */
    struct stream **streams; /* that have a sink */
    size_t stream_count;
    struct stream *present; /* whose sink takes rows */
    enum tap_result result; /* of the tap's last call */
    bool is_row_waiting;    /* it gave a row of another stream */
    bool is_slice_full;
    struct rejects rejects;
    struct buf state;
    int64_t seen_bytes; /* the tap's, when it last gave something */
    int64_t slice_rows; /* rows and bytes read at the last commit */
    int64_t slice_bytes;
    struct mono_time slice_start;
};

/* --- records that are not taken -------------------------------------------------------------- */

enum { REJECTS_TOLD = 10 }; /* in the log, one by one */

static bool quarantine(void *ctx, struct err *err)
{
    struct load *l = ctx;
    if (l->rejects.waiting == 0) {
        return true;
    }
    for (size_t i = 0; i < l->rejects.waiting; i++) {
        int64_t number = l->rejects.count - (int64_t)(l->rejects.waiting - i) + 1;
        struct reject r = rejects_get(&l->rejects, i);
        if (number <= REJECTS_TOLD) {
            LOG(WARN, "el.rejected", F_S("stream", r.stream), F_S("place", r.place),
                F_S("reason", r.reason));
        }
    }
    bool ok = l->target->ops->quarantine(l->target, err);
    rejects_taken(&l->rejects);
    return ok;
}

static bool read_reject_limit(struct load *l, struct err *err)
{
    const struct json *limit = l->request->load->reject_limit;
    struct str text = STR("0");
    if (limit != NULL && limit->type == JSON_STRING) {
        text = limit->as.string;
    } else if (limit != NULL && limit->type == JSON_INT) {
        text = arena_printf(l->arena, "%lld", (long long)limit->as.integer);
    } else if (limit != NULL) {
        return err_set(err, ERR_INVALID, "\"reject_limit\" is no number and no text");
    }
    if (!rejects_init(&l->rejects, text, err)) {
        return false;
    }
    l->rejects.flush = quarantine;
    l->rejects.flush_ctx = l;
    if (rejects_are_on(&l->rejects) && l->request->target->quarantine == NULL) {
        return err_set(err, ERR_INVALID, "\"reject_limit\": the target %s has no quarantine",
                       l->request->target->type);
    }
    return true;
}

/* The load fails, and what was rejected can be looked at all the same. */
static void show_failed_rejects(struct load *l, struct err *err)
{
    struct err ignored = {0};
    if (!l->rejects.is_passed || l->target == NULL) {
        return;
    }
    if (l->target->ops->quarantine_failed(l->target, &ignored)) {
        struct str where = l->target->quarantine;
        err_hint(err, "look at %s; correct the records, or raise \"reject_limit\"",
                 where.len == 0 ? "the quarantine" : where.ptr);
    } else {
        LOG(WARN, "el.quarantine_failed", F_ERR(&ignored));
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

static bool commit(struct load *l, bool is_last, struct err *err)
{
    buf_reset(&l->state);
    const struct target_ops *target = l->target->ops;
    if ((target->settle != NULL && !target->settle(l->target, err)) ||
        (is_last && !rejects_end(&l->rejects, err)) || !quarantine(l, err)) {
        return false;
    }
    if (!l->tap->ops->state(l->tap, &l->state, err) ||
        !target->commit(l->target, buf_str(&l->state), is_last, err)) {
        return false;
    }
    l->slice_rows = l->tap->rows_read;
    l->slice_bytes = l->tap->bytes_read;
    l->slice_start = clock_mono(&l->clock);
    return l->watcher == NULL || l->watcher->committed(l->watcher->ctx, buf_str(&l->state), err);
}

static bool has_passed(const struct load *l, int64_t slices)
{
    return l->tap->rows_read - l->slice_rows >= SLICE_ROWS * slices ||
           l->tap->bytes_read - l->slice_bytes >= SLICE_BYTES * slices;
}

static bool is_slice_old(const struct load *l)
{
    return clock_mono(&l->clock).ns - l->slice_start.ns >= l->request->load->flush_every;
}

/* Where only checkpoints move the state, a slice waits for one, though not for ever. */
static bool is_slice_full(const struct load *l)
{
    return l->tap->has_checkpoints ? has_passed(l, SLICES_WITHOUT_STATE)
                                   : has_passed(l, 1) || is_slice_old(l);
}

static bool advance(struct load *l, struct err *err)
{
    if (cancel_requested()) {
        return cancel_error(err);
    }
    if (l->request->has_row_limit && l->tap->rows_read >= l->request->row_limit) {
        l->result = TAP_END;
        return true;
    }
    if (!l->tap->ops->next(l->tap, &l->result, err)) {
        return false;
    }
    l->rejects.read = l->tap->rows_read;
    if (l->result == TAP_REJECT && !rejects_add(&l->rejects, &l->tap->bad.reject, err)) {
        return false;
    }
    if (l->tap->stream != NULL) {
        l->tap->stream->rows_read += l->result == TAP_ROW;
        l->tap->stream->bytes_read += l->tap->bytes_read - l->seen_bytes;
        l->seen_bytes = l->tap->bytes_read;
    }
    if (l->tap->rows_read % PROGRESS_ROWS == 0) {
        report_progress(l->report, l->tap->rows_read, l->tap->bytes_read);
    }
    return true;
}

/* The next row for the sink of l->present, until something else is to be done first. */
static bool next_row(void *ctx, const struct value **ret_row, struct err *err)
{
    struct load *l = ctx;
    *ret_row = NULL;
    /* The state would speak of a row that waits as loaded. */
    l->is_slice_full = !l->is_row_waiting && is_slice_full(l);
    if (l->is_slice_full || rejects_are_full(&l->rejects)) {
        return true;
    }
    if (!l->is_row_waiting && !advance(l, err)) {
        return false;
    }
    l->is_row_waiting = l->result == TAP_ROW && l->tap->stream != l->present;
    if (l->result == TAP_ROW && !l->is_row_waiting) {
        *ret_row = l->tap->row;
    }
    return true;
}

/* Two streams for one table, or for one file. */
static bool refuse_second(const struct stream *first, const struct stream *second, bool is_chosen,
                          struct err *err)
{
    if (is_chosen) {
        err_set(err, ERR_INVALID, "there are several streams: \"" STR_FMT "\" and \"" STR_FMT "\"",
                STR_ARG(first->name), STR_ARG(second->name));
        return err_hint(err, "choose one with the tap's \"stream\"");
    }
    err_set(err, ERR_INVALID,
            "the streams \"" STR_FMT "\" and \"" STR_FMT "\" would have the same table",
            STR_ARG(first->name), STR_ARG(second->name));
    return err_hint(err, "choose one of them with the tap's \"stream\"");
}

static bool add_sink(struct load *l, struct stream *s, struct err *err)
{
    if (l->stream_count == LIMIT_STREAMS) {
        return err_set(err, ERR_FULL, "there are more than %d streams", LIMIT_STREAMS);
    }
    for (size_t i = 0; i < l->stream_count; i++) {
        if (l->only != NULL || names_equal_nocase(l->streams[i]->name, s->name)) {
            return refuse_second(l->streams[i], s, l->only != NULL, err);
        }
    }
    s->sink = l->only;
    if (s->sink == NULL && !l->target->ops->add(l->target, s->name, &s->sink, err)) {
        return false;
    }
    l->streams[l->stream_count++] = s;
    return true;
}

static bool take_schema(struct load *l, struct err *err)
{
    struct stream *s = l->tap->stream;
    l->present = s;
    if (s == NULL) {
        return err_set(err, ERR_INTERNAL, "a schema without a stream");
    }
    return (s->sink != NULL || add_sink(l, s, err)) &&
           l->target->ops->set_schema(l->target, s->sink, &s->schema, &s->key, err);
}

/* Does what the sink stopped for. */
static bool go_on(struct load *l, struct err *err)
{
    if (l->is_slice_full) {
        l->is_slice_full = false;
        return commit(l, false, err);
    }
    if (rejects_are_full(&l->rejects)) {
        return quarantine(l, err);
    }
    switch (l->result) {
    case TAP_ROW:
        l->present = l->tap->stream;
        return true;
    case TAP_SCHEMA:
        return take_schema(l, err);
    case TAP_STATE:
    case TAP_IDLE:
        return !(has_passed(l, 1) || is_slice_old(l) || l->tap->wants_commit) ||
               commit(l, false, err);
    case TAP_REJECT:
    case TAP_END:
    default:
        return true;
    }
}

/* The source broke off: what it gave is kept, but for an overwrite, which has to be whole. */
static bool end_broken_off(struct load *l, struct err *err)
{
    if (cancel_requested()) {
        return cancel_error(err); /* the signal was for the source too */
    }
    if (l->request->load->mode != MODE_OVERWRITE && !commit(l, true, err)) {
        return false;
    }
    *err = l->tap->failure;
    return false;
}

static bool pump(struct load *l, struct err *err)
{
    const struct row_source source = {.next = next_row, .ctx = l};
    l->slice_start = clock_mono(&l->clock);
    if (l->tap->is_unchanged) {
        return commit(l, true, err);
    }
    if (l->tap->stream != NULL && !take_schema(l, err)) {
        return false;
    }
    while (l->result != TAP_END) {
        bool ok = l->present == NULL
                      ? advance(l, err)
                      : l->target->ops->load(l->target, l->present->sink, &source, err);
        if (!ok || !go_on(l, err)) {
            return false;
        }
    }
    return l->tap->failure.code == ERR_NONE ? commit(l, true, err) : end_broken_off(l, err);
}

static bool copy_text(struct str *text, struct arena *arena, struct err *err)
{
    if (text->len > 0) {
        *text = arena_copy(arena, *text);
    }
    return text->len == 0 || text->ptr != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for the report");
}

/* Of a table that was there and has other columns now. */
static bool describe_schema(const struct load *l, const struct sink *sink, struct schema_told *ret,
                            struct err *err)
{
    AUTO(buf) changes = buf_growing(LIMIT_EVENT_BYTES / 4);
    *ret = (struct schema_told){.before = schema_hash(&sink->existing),
                                .now = schema_hash(&sink->columns)};
    if (ret->before == 0 || ret->now == 0 || ret->before == ret->now ||
        !schema_write_changes(&sink->existing, &sink->columns, &changes) || changes.overflow) {
        return true;
    }
    ret->changes = arena_copy(l->arena, buf_str(&changes));
    if (ret->changes.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    char before[SCHEMA_HASH_TEXT_SIZE];
    char now[SCHEMA_HASH_TEXT_SIZE];
    LOG(INFO, "el.schema_changed", F_S("table", sink->name),
        F_S("before", schema_hash_text(ret->before, before)),
        F_S("now", schema_hash_text(ret->now, now)),
        F_S("changes", str_clip(ret->changes, CHANGES_TOLD_BYTES)));
    return true;
}

/* What it says of a single stream. */
static bool describe_stream(const struct load *l, const struct stream *s, const struct sink *sink,
                            struct materialization *ret, struct err *err)
{
    struct schema *columns = arena_alloc(l->arena, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    *columns = sink->columns;
    ret->table = sink->name;
    ret->row_count = sink->row_count;
    ret->rows_written = sink->rows_written;
    ret->columns = columns;
    if (!describe_schema(l, sink, &ret->schema, err)) {
        return false;
    }
    if (s == NULL) {
        return true; /* nothing came */
    }
    ret->key_min = s->key_min;
    ret->key_max = s->key_max;
    ret->rows_without_key = s->rows_without_key;
    if (s->rows_without_key > 0) {
        LOG(WARN, "el.rows_without_replication_key", F_I("rows", s->rows_without_key),
            F_S("stream", s->name));
    }
    return copy_text(&ret->key_min, l->arena, err) && copy_text(&ret->key_max, l->arena, err);
}

static bool describe_streams(const struct load *l, struct materialization *ret, struct err *err)
{
    ret->row_count = -1;
    ret->streams = arena_array(l->arena, l->stream_count + 1, sizeof(*ret->streams));
    if (ret->streams == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    ret->stream_count = l->stream_count;
    for (size_t i = 0; i < l->stream_count; i++) {
        const struct stream *s = l->streams[i];
        ret->rows_written += s->sink->rows_written;
        ret->streams[i] = (struct stream_counts){.name = arena_copy(l->arena, s->name),
                                                 .rows_read = s->rows_read,
                                                 .bytes_read = s->bytes_read,
                                                 .rows_written = s->sink->rows_written,
                                                 .row_count = s->sink->row_count};
        if (ret->streams[i].name.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the report");
        }
        if (!describe_schema(l, s->sink, &ret->streams[i].schema, err)) {
            return false;
        }
    }
    return true;
}

static bool describe(const struct load *l, struct materialization *ret, struct err *err)
{
    *ret = (struct materialization){.database = l->target->database,
                                    .rows_read = l->tap->rows_read,
                                    .bytes_read = l->tap->bytes_read,
                                    .rows_rejected = l->rejects.count,
                                    .quarantine = l->target->quarantine,
                                    .snapshots = l->tap->snapshots};
    const struct stream *s = l->stream_count > 0 ? l->streams[0] : NULL;
    return l->only != NULL ? describe_stream(l, s, l->only, ret, err)
                           : describe_streams(l, ret, err);
}

/* A target with a table, or one that is a file, takes one stream; its sink is there before the tap
 * is opened, which may want to know the table's columns. */
static bool add_only_sink(struct load *l, struct tap_context *tap_context, struct err *err)
{
    struct str table = l->request->load->table;
    if (l->target->ops->has_tables && table.len == 0) {
        return true;
    }
    if (!l->target->ops->add(l->target, table, &l->only, err)) {
        return false;
    }
    tap_context->existing = &l->only->existing;
    if (l->only->is_new) {
        tap_context->state = STR("");
    }
    return true;
}

static bool open_both(struct load *l, struct target_context *target_context,
                      struct tap_context *tap_context, struct err *err)
{
    const struct request *r = l->request;
    if (!read_reject_limit(l, err)) {
        return false;
    }
    target_context->rejects = &l->rejects;
    tap_context->takes_rejects = rejects_are_on(&l->rejects);
    l->streams = arena_array(l->arena, LIMIT_STREAMS, sizeof(struct stream *));
    if (l->streams == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for streams");
    }
    if (!r->target->open(&l->target, target_context, err)) {
        return false;
    }
    tap_context->state = l->target->state;
    return add_only_sink(l, tap_context, err) && r->tap->open(&l->tap, tap_context, err) &&
           (l->tap != NULL || err_set(err, ERR_INTERNAL, "a tap that is none"));
}

bool extract_load(const struct request *request, const struct load_watcher *watcher,
                  struct arena *arena, struct report *report, struct materialization *ret,
                  struct err *err)
{
    struct load l = {.request = request,
                     .watcher = watcher,
                     .arena = arena,
                     .report = report,
                     .clock = clock_system(),
                     .state = buf_growing(LIMIT_JSON_BYTES)};
    struct target_context target_context = {.load = request->load,
                                            .state_id = request->state_id,
                                            .state_dir = request->state_dir,
                                            .arena = arena};
    struct tap_context tap_context = {.options = request->tap_options,
                                      .mode = (enum load_mode)request->load->mode,
                                      .idle_ns = request->load->flush_every,
                                      .validates = request->load->validate_records,
                                      .arena = arena};
    bool ok = open_both(&l, &target_context, &tap_context, err) && pump(&l, err) &&
              describe(&l, ret, err);
    if (!ok) {
        show_failed_rejects(&l, err);
    }
    if (!ok && err->code == ERR_CANCELLED) {
        report_error(report, err); /* before the clean-up, which may be cut short */
    }
    if (l.tap != NULL) {
        l.tap->ops->close(l.tap);
    }
    if (l.target != NULL) {
        l.target->ops->close(l.target);
    }
    buf_release(&l.state);
    rejects_release(&l.rejects);
    return ok;
}
