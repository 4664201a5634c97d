#include "agent/el/extract_load.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/log/log.h"

#include <string.h>

enum { PROGRESS_ROWS = 1024 };

struct load {
    const struct request *request;
    struct report *report;
    struct tap *tap;
    struct target *target;
    struct buf state;
    enum tap_result result; /* of the tap's last call */
    bool is_slice_full;
    int64_t slice_rows; /* rows and bytes read at the last commit */
    int64_t slice_bytes;
};

static bool commit(struct load *l, bool is_last, struct err *err)
{
    buf_reset(&l->state);
    if (!l->tap->ops->state(l->tap, &l->state, err) ||
        !l->target->ops->commit(l->target, buf_str(&l->state), is_last, err)) {
        return false;
    }
    l->slice_rows = l->tap->rows_read;
    l->slice_bytes = l->tap->bytes_read;
    return true;
}

static bool is_slice_full(const struct load *l)
{
    return l->tap->rows_read - l->slice_rows >= SLICE_ROWS ||
           l->tap->bytes_read - l->slice_bytes >= SLICE_BYTES;
}

static bool set_schema(struct load *l, struct err *err)
{
    return l->target->ops->set_schema(l->target, &l->tap->schema, &l->tap->key, err);
}

/* The next row for the target, until something else is to be done first. */
static bool next_row(void *ctx, const struct value **ret_row, struct err *err)
{
    struct load *l = ctx;
    *ret_row = NULL;
    if (cancel_requested()) {
        return cancel_error(err);
    }
    l->is_slice_full = is_slice_full(l);
    if (l->is_slice_full) {
        return true;
    }
    if (!l->tap->ops->next(l->tap, &l->result, err)) {
        return false;
    }
    if (l->result == TAP_ROW) {
        *ret_row = l->tap->row;
    }
    if (l->tap->rows_read % PROGRESS_ROWS == 0) {
        report_progress(l->report, l->tap->rows_read, l->tap->bytes_read);
    }
    return true;
}

/* What the target stopped for. *ret_done after the last row. */
static bool go_on(struct load *l, bool *ret_done, struct err *err)
{
    *ret_done = !l->is_slice_full && l->result == TAP_END;
    if (*ret_done) {
        return true;
    }
    return l->is_slice_full ? commit(l, false, err) : set_schema(l, err);
}

static bool pump(struct load *l, struct err *err)
{
    const struct row_source source = {.next = next_row, .ctx = l};
    bool is_done = l->tap->is_unchanged;
    /* A Singer tap knows its columns only from its first message. */
    if (!is_done && l->tap->schema.count == 0) {
        const struct value *row = NULL;
        if (!next_row(l, &row, err)) {
            return false;
        }
        is_done = l->result == TAP_END;
    }
    if (!is_done && !set_schema(l, err)) {
        return false;
    }
    while (!is_done) {
        if (!l->target->ops->load(l->target, &source, err) || !go_on(l, &is_done, err)) {
            return false;
        }
    }
    return commit(l, true, err);
}

static bool copy_text(struct str *text, struct arena *arena, struct err *err)
{
    if (text->len > 0) {
        *text = arena_copy(arena, *text);
    }
    return text->len == 0 || text->ptr != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for the report");
}

static bool describe(const struct load *l, struct arena *arena, struct materialization *ret,
                     struct err *err)
{
    struct schema *columns = arena_alloc(arena, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    *columns = l->target->columns;
    *ret = (struct materialization){
        .table = table_display_name(l->request->target.path, l->request->target.table, arena),
        .row_count = l->target->row_count,
        .rows_read = l->tap->rows_read,
        .rows_written = l->target->rows_written,
        .bytes_read = l->tap->bytes_read,
        .key_min = l->tap->key_min,
        .key_max = l->tap->key_max,
        .rows_without_key = l->tap->rows_without_key,
        .snapshots = l->tap->snapshots,
        .columns = columns,
    };
    if (l->tap->rows_without_key > 0) {
        LOG(WARN, "el.rows_without_replication_key", F_I("rows", l->tap->rows_without_key),
            F_S("replication_key", l->request->tap.replication_key));
    }
    return copy_text(&ret->key_min, arena, err) && copy_text(&ret->key_max, arena, err);
}

static bool open_both(struct load *l, const struct target_context *target_context,
                      struct tap_context *tap_context, struct err *err)
{
    const struct target_ops *target_ops = NULL;
    const struct tap_ops *tap_ops = NULL;
    if (!connectors_target(l->request->target.type, &target_ops, err) ||
        !connectors_tap(l->request->tap.type, &tap_ops, err) ||
        !target_ops->open(&l->target, target_context, err)) {
        return false;
    }
    tap_context->state = l->target->state;
    tap_context->existing = &l->target->existing;
    return tap_ops->open(&l->tap, tap_context, err);
}

bool extract_load(const struct request *request, struct arena *arena, struct report *report,
                  struct materialization *ret, struct err *err)
{
    struct load l = {.request = request, .report = report, .state = buf_growing(LIMIT_JSON_BYTES)};
    struct target_context target_context = {
        .options = &request->target, .state_id = request->state_id, .arena = arena};
    struct tap_context tap_context = {
        .options = &request->tap, .mode = (enum load_mode)request->target.mode, .arena = arena};
    bool ok = open_both(&l, &target_context, &tap_context, err) && pump(&l, err) &&
              describe(&l, arena, ret, err);
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
    return ok;
}
