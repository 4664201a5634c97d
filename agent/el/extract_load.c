#include "agent/el/extract_load_internal.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/key_value.h"
#include "agent/el/load_rejects.h"
#include "agent/el/record_metadata.h"
#include "agent/el/stream_state.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/log/log.h"

#include <assert.h>
#include <string.h>

enum { PROGRESS_ROWS = 1024 };

/* --- records that are not taken -------------------------------------------------------------- */

static bool quarantine(void *ctx, struct err *err)
{
    struct load *l = ctx;
    return load_rejects_flush(&l->rejects, l->target, err);
}

static bool remove_rows(struct load *l, struct stream *s, const struct removal *removal,
                        struct err *err)
{
    const struct target_ops *ops = l->target->ops;
    if (ops->remove != NULL) {
        return s->sink == NULL || ops->remove(l->target, s->sink, removal, err);
    }
    if (!l->has_told_of_versions) {
        LOG(WARN, "el.rows_not_removed", F_S("target", str_from(ops->type)),
            F_S("stream", s->name));
        l->has_told_of_versions = true;
    }
    return true;
}

/* --- the loop -------------------------------------------------------------------------------- */

/* Rows that came with a time of their deletion. */
static bool remove_marked(struct load *l, struct err *err)
{
    const struct removal marked = {.kind = REMOVE_MARKED};
    for (size_t i = 0; i < l->stream_count; i++) {
        struct stream *s = l->streams[i];
        if (s->has_marked && !remove_rows(l, s, &marked, err)) {
            return false;
        }
        s->has_marked = false;
    }
    return true;
}

/* Of a step whose streams are assets of their own: one more state, with what it may not forget and not
 * claim. */
static bool join_state(struct load *l, struct err *err)
{
    const struct stream_state_keep keep = {.tap = l->request->tap_options,
                                           .failed = l->failed,
                                           .failed_count = l->failed_count,
                                           .has_passed_over = l->tap->passed_over > 0};
    if (l->request->assets.count == 0) {
        return true;
    }
    buf_reset(&l->joined);
    if (!stream_state_join(l->target->state, buf_str(&l->state), &keep, &l->joined, err)) {
        return false;
    }
    struct buf other = l->state;
    l->state = l->joined;
    l->joined = other;
    return true;
}

static bool commit(struct load *l, bool is_last, struct err *err)
{
    buf_reset(&l->state);
    const struct target_ops *target = l->target->ops;
    if ((target->settle != NULL && !target->settle(l->target, err)) ||
        (is_last && !rejects_end(&l->rejects, err)) || !quarantine(l, err)) {
        return false;
    }
    if (!remove_marked(l, err) || !l->tap->ops->state(l->tap, &l->state, err) ||
        !join_state(l, err) || !target->commit(l->target, buf_str(&l->state), is_last, err)) {
        return false;
    }
    l->slice_rows = l->tap->rows_read;
    l->slice_bytes = l->tap->bytes_read;
    l->slice_start = clock_mono(&l->clock);
    l->times.batch_start = clock_wall(&l->clock);
    return l->watcher == NULL || l->watcher->committed(l->watcher->ctx, buf_str(&l->state), err);
}

static bool has_passed(const struct load *l, int64_t rows, int64_t bytes)
{
    return l->tap->rows_read - l->slice_rows >= rows ||
           l->tap->bytes_read - l->slice_bytes >= bytes;
}

static int64_t rows_of_slice(const struct load *l)
{
    return l->request->load->slice_rows > 0 ? l->request->load->slice_rows : SLICE_ROWS;
}

static bool is_slice_large(const struct load *l)
{
    return has_passed(l, rows_of_slice(l), SLICE_BYTES);
}

/* So large that it cannot wait any longer for the state to move. */
static bool is_slice_too_large(const struct load *l)
{
    int64_t rows = rows_of_slice(l) > SLICE_ROWS ? rows_of_slice(l) : SLICE_ROWS;
    return has_passed(l, rows * SLICES_WITHOUT_STATE, (int64_t)SLICE_BYTES * SLICES_WITHOUT_STATE);
}

static bool is_slice_old(const struct load *l)
{
    return clock_mono(&l->clock).ns - l->slice_start.ns >= l->request->load->flush_every;
}

/* Where only checkpoints move the state, a slice waits for one, though not for ever. */
static bool is_slice_full(const struct load *l)
{
    return l->tap->has_checkpoints ? is_slice_too_large(l) : is_slice_large(l) || is_slice_old(l);
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
        if (l->result == TAP_ROW && l->tap->stream != l->last_row) {
            l->is_mixed = l->is_mixed || l->tap->stream->rows_read > 0;
            l->last_row = l->tap->stream;
        }
        l->tap->stream->rows_read += l->result == TAP_ROW;
        l->tap->stream->bytes_read += l->tap->bytes_read - l->seen_bytes;
        l->seen_bytes = l->tap->bytes_read;
    }
    if (l->tap->rows_read % PROGRESS_ROWS == 0 || l->result != TAP_ROW) {
        report_progress(l->report, l->tap->rows_read, l->tap->bytes_read);
    }
    return true;
}

/* The first row with a version makes a column for it. */
static bool needs_version_column(const struct load *l)
{
    const struct stream *s = l->tap->stream;
    return s != NULL && l->tap->origin.has_version && !s->has_versions &&
           l->request->load->activate_versions;
}

static const struct value *finish_row(struct load *l)
{
    struct stream *s = l->tap->stream;
    const struct value *row = l->tap->row;
    if (s->range != NULL) {
        key_range_add(s->range, &row[s->range_column]);
    }
    s->has_marked =
        s->has_marked || (s->has_deleted_column && row[s->deleted_column].type != VALUE_NULL);
    s->has_unknown_versions = s->has_unknown_versions || !l->tap->origin.has_version;
    if (s->metadata->extent == METADATA_ALL) {
        l->times.now = clock_wall(&l->clock);
    }
    return record_metadata_add(s->metadata, row, &l->tap->origin, &l->times);
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
    l->is_row_waiting =
        l->result == TAP_ROW && (l->tap->stream != l->present || needs_version_column(l));
    if (l->result == TAP_ROW && !l->is_row_waiting) {
        *ret_row = finish_row(l);
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

/* Which columns of the stream we look at ourselves. */
static bool find_columns(struct load *l, struct stream *s, struct err *err)
{
    s->has_deleted_column = l->request->load->hard_delete &&
                            schema_find(&s->schema, STR(DELETED_AT_COLUMN), &s->deleted_column);
    if (s->replication_key.len == 0 ||
        !schema_find(&s->schema, s->replication_key, &s->range_column)) {
        s->range = NULL;
        return true;
    }
    if (s->range == NULL) {
        s->range = arena_alloc(l->arena, sizeof(*s->range));
    }
    return s->range != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a stream");
}

static bool set_schema(struct load *l, struct stream *s, struct err *err)
{
    const struct load_options *load = l->request->load;
    enum metadata_extent extent = load->add_record_metadata ? METADATA_ALL
                                  : s->has_versions         ? METADATA_VERSION
                                                            : METADATA_NONE;
    if (s->metadata == NULL) {
        s->metadata = arena_alloc(l->arena, sizeof(*s->metadata));
    }
    if (s->metadata == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
    }
    return find_columns(l, s, err) &&
           record_metadata_init(s->metadata, extent, &s->schema, l->arena, err) &&
           l->target->ops->set_schema(l->target, s->sink, &s->metadata->schema, &s->key, err);
}

/* Where streams are assets of their own, one that the target cannot take fails alone; the state keeps
 * to where it was. */
static bool drop_stream(struct load *l, struct stream *s, struct err *err)
{
    struct err *failure = arena_alloc(l->arena, sizeof(*failure));
    bool is_its_own = err->code == ERR_INVALID || err->code == ERR_NOT_FOUND;
    if (l->request->assets.count == 0 || !is_its_own || failure == NULL) {
        return false;
    }
    *failure = *err;
    s->failure = failure;
    l->failed[l->failed_count++] = s->name;
    if (s->sink == NULL) {
        l->dropped[l->dropped_count++] = s;
    }
    l->present = NULL;
    return true;
}

static bool take_schema(struct load *l, struct err *err)
{
    struct stream *s = l->tap->stream;
    if (s == NULL) {
        return err_set(err, ERR_INTERNAL, "a schema without a stream");
    }
    l->present = s->failure == NULL ? s : NULL;
    return s->failure != NULL ||
           ((s->sink != NULL || add_sink(l, s, err)) && set_schema(l, s, err)) ||
           drop_stream(l, s, err);
}

static bool take_row(struct load *l, struct err *err)
{
    struct stream *s = l->tap->stream;
    if (s == NULL) {
        return err_set(err, ERR_INTERNAL, "a row without a stream");
    }
    bool is_passed_over = s->failure != NULL;
    l->present = is_passed_over ? NULL : s;
    l->is_row_waiting = !is_passed_over;
    if (is_passed_over || !needs_version_column(l)) {
        return true;
    }
    l->present->has_versions = true;
    return set_schema(l, l->present, err);
}

/* As MeltanoLabs' target-postgres: a row without a version is older than any. But when the tap gives
 * its rows no versions, those that it just gave have none either. */
static bool activate_version(struct load *l, struct err *err)
{
    struct stream *s = l->tap->stream;
    const struct load_options *load = l->request->load;
    char now[WALL_TEXT_SIZE];
    if (s == NULL) {
        return err_set(err, ERR_INTERNAL, "a version without a stream");
    }
    const struct removal old = {
        .kind = REMOVE_OLD_VERSIONS,
        .version = l->tap->origin.version,
        .keeps_unknown = s->has_unknown_versions,
        .is_soft = !load->hard_delete && load->mode != MODE_OVERWRITE,
        .at = str_from(wall_format(clock_wall(&l->clock), now)),
    };
    if (!load->activate_versions || s->failure != NULL) {
        return true;
    }
    if (old.keeps_unknown) {
        LOG(WARN, "el.rows_without_version", F_S("stream", s->name));
    }
    return remove_rows(l, s, &old, err);
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
        return take_row(l, err);
    case TAP_SCHEMA:
        return take_schema(l, err);
    case TAP_VERSION:
        return activate_version(l, err);
    case TAP_STATE:
    case TAP_IDLE:
        return !(is_slice_large(l) || is_slice_old(l) || l->tap->wants_commit) ||
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
    if (l->request->load->mode != MODE_OVERWRITE) {
        if (!commit(l, true, err)) {
            return false;
        }
        l->has_broken_off = true;
    }
    *err = l->tap->failure;
    return false;
}

static bool load_rows(struct load *l, const struct row_source *source, struct err *err)
{
    struct stream *s = l->present;
    struct mono_time start = clock_mono(&l->clock);
    bool ok = l->target->ops->load(l->target, s->sink, source, err);
    s->time_ns += clock_mono(&l->clock).ns - start.ns;
    return ok;
}

static bool pump(struct load *l, struct err *err)
{
    const struct row_source source = {.next = next_row, .ctx = l};
    assert(l->tap != NULL); /* open_both() */
    l->slice_start = clock_mono(&l->clock);
    l->times.load_start = clock_wall(&l->clock);
    l->times.batch_start = l->times.load_start;
    if (l->tap->is_unchanged) {
        return commit(l, true, err);
    }
    if (l->tap->stream != NULL && !take_schema(l, err)) {
        return false;
    }
    while (l->result != TAP_END) {
        bool ok = l->present == NULL ? advance(l, err) : load_rows(l, &source, err);
        if (!ok || !go_on(l, err)) {
            return false;
        }
    }
    return l->tap->failure.code == ERR_NONE ? commit(l, true, err) : end_broken_off(l, err);
}

/* A target with a table, or one that is a file, takes one stream; its sink is there before the tap
 * is opened, which may want to know the table's columns. */
static bool add_only_sink(struct load *l, struct tap_context *tap_context, struct err *err)
{
    struct str table = l->request->load->table;
    if (l->target->has_tables && table.len == 0) {
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
    if (!load_rejects_init(&l->rejects, r->load, r->target, l->arena, err)) {
        return false;
    }
    l->rejects.flush = quarantine;
    l->rejects.flush_ctx = l;
    target_context->rejects = &l->rejects;
    tap_context->takes_rejects = rejects_are_on(&l->rejects);
    l->streams = arena_array(l->arena, LIMIT_STREAMS, sizeof(struct stream *));
    l->dropped = arena_array(l->arena, LIMIT_STREAMS, sizeof(struct stream *));
    l->failed = arena_array(l->arena, LIMIT_STREAMS, sizeof(*l->failed));
    if (l->streams == NULL || l->dropped == NULL || l->failed == NULL) {
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
                     .state = buf_growing(LIMIT_JSON_BYTES),
                     .joined = buf_growing(LIMIT_JSON_BYTES)};
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
              load_describe(&l, ret, err);
    if (!ok) {
        load_rejects_show(&l.rejects, l.target, err);
    }
    struct err ignored = {0};
    if (!ok && l.has_broken_off && request->assets.count > 0 && !load_describe(&l, ret, &ignored)) {
        ret->stream_count = 0;
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
    buf_release(&l.joined);
    return ok;
}
