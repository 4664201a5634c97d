/* changes_write.c - changes of rows into the tables; see changes.h. SQL in hub/store/sql. */
#include "common/db/db_rows.h"
#include "hub/merge/changes.h"
#include "hub/store/store.h"
#include "hub_store_sql.h"
#include <assert.h>

struct writing {
    struct db *out;
    const struct view_stream *stream; /* of the row at hand */
};

/* --- many new rows by one statement, which reads them from the table `given` ------------------ */

/* A statement that may change rows that are there would first copy each of their pages, to be able to
 * undo itself alone: what is not surely new is written row by row. */
struct giving {
    const struct changes *c;
    bool (*fill)(struct giving *g, size_t i); /* false: this one is not for the statement */
    size_t at, count;
    int64_t given;
    struct db_value row[HUB_STORE_GIVEN_COLUMNS];
    int last;
};

static bool next_row(void *ctx, bool *ret_row)
{
    struct giving *g = ctx;
    bool is_for_it = false;
    while (g->at < g->count && !is_for_it) {
        g->last = 0;
        is_for_it = g->fill(g, g->at++);
    }
    g->given += is_for_it ? 1 : 0;
    *ret_row = is_for_it;
    return true;
}

static struct db_value value_of(void *ctx, int column)
{
    return ((struct giving *)ctx)->row[column];
}

/* Empty text and NO_NUMBER are NULL. */
static void give_text(struct giving *g, struct str value)
{
    assert(g->last < HUB_STORE_GIVEN_COLUMNS);
    struct db_value *into = &g->row[g->last++];
    into->type = str_is_empty(value) ? DB_NULL : DB_TEXT;
    into->as.text = value;
}

static void give_number(struct giving *g, int64_t value)
{
    assert(g->last < HUB_STORE_GIVEN_COLUMNS);
    struct db_value *into = &g->row[g->last++];
    into->type = value == NO_NUMBER ? DB_NULL : DB_INTEGER;
    into->as.integer = value;
}

/* *ret_all: none of them was there before. */
static bool give(const struct changes *c, struct db *out, int sql_id, size_t count,
                 bool (*fill)(struct giving *g, size_t i), bool *ret_all, struct err *err)
{
    struct giving g = {.c = c, .fill = fill, .count = count};
    const struct db_rows rows = {.next = next_row, .value = value_of, .ctx = &g};
    struct db_query q = db_query(out, sql_id);
    if (count > 0 && !db_run_given(&q, &rows, err)) {
        return false;
    }
    *ret_all = count == 0 || db_changes(out) == g.given;
    return true;
}

/* Of a run that is told from its beginning on: it is not there yet. */
static bool give_run(struct giving *g, size_t i)
{
    const struct run_change *run = &g->c->runs[i];
    give_number(g, run->of->id);
    give_text(g, run->run);
    give_text(g, run->status);
    give_text(g, run->job);
    give_text(g, run->cause);
    give_text(g, run->cause_name);
    give_text(g, run->selection);
    give_text(g, run->tags);
    give_number(g, run->steps);
    give_number(g, run->enqueued_ms);
    give_number(g, run->started_ms);
    give_number(g, run->ended_ms);
    give_text(g, run->error);
    give_number(g, run->first_seq);
    give_number(g, run->last_seq);
    give_text(g, run->backfill);
    give_text(g, run->partition);
    give_text(g, run->partition_end);
    give_number(g, run->partitions);
    return run->begins;
}

static bool give_step(struct giving *g, size_t i)
{
    const struct step_change *step = &g->c->steps[i];
    give_number(g, step->of->id);
    give_text(g, step->run);
    give_text(g, step->step);
    give_text(g, step->asset);
    give_text(g, step->status);
    give_number(g, step->attempt);
    give_number(g, step->started_ms);
    give_number(g, step->ended_ms);
    give_number(g, step->duration_ms);
    give_number(g, step->retry_ms);
    give_text(g, step->error);
    give_text(g, step->exit);
    give_text(g, step->reason);
    return step->begins;
}

static bool give_materialization(struct giving *g, size_t i)
{
    const struct materialization_change *made = &g->c->materializations[i];
    give_number(g, made->of->id);
    give_number(g, made->seq);
    give_text(g, made->asset);
    give_number(g, made->at_ms);
    give_text(g, made->run);
    give_text(g, made->step);
    give_number(g, made->row_count);
    give_number(g, made->rows_written);
    give_number(g, made->byte_count);
    return true;
}

static bool give_evaluation(struct giving *g, size_t i)
{
    const struct check_change *check = &g->c->evaluations[i];
    give_number(g, check->of->id);
    give_number(g, check->seq);
    give_text(g, check->asset);
    give_text(g, check->name);
    give_number(g, check->at_ms);
    give_number(g, check->passed ? 1 : 0);
    give_text(g, check->severity);
    give_text(g, check->run);
    return true;
}

static bool give_tick_place(struct giving *g, size_t i)
{
    const struct tick_place *place = &g->c->tick_places[i];
    give_text(g, place->kind);
    give_text(g, place->name);
    give_number(g, place->of->id);
    give_number(g, place->seq);
    give_number(g, place->at_ms);
    return true;
}

/* --- one row --------------------------------------------------------------------------------- */

/* Binds by position, in the order in which the statement's parameters appear: finding them by name
 * was a tenth of the time that an event takes. */
struct binding {
    struct db_query q;
    int last;
};

static struct binding begin(const struct writing *w, int sql_id)
{
    return (struct binding){.q = db_query(w->out, sql_id)};
}

/* Empty text and NO_NUMBER stay NULL. */
static void put_text(struct binding *b, struct str value)
{
    b->last++;
    if (!str_is_empty(value)) {
        db_bind_at_str(&b->q, b->last, value);
    }
}

static void put_number(struct binding *b, int64_t value)
{
    b->last++;
    if (value != NO_NUMBER) {
        db_bind_at_i64(&b->q, b->last, value);
    }
}

/* :stream_ms, :epoch, :seq: what "the latest of a device" is decided by (0002_views.sql). */
static void put_stamp(struct binding *b, const struct writing *w, int64_t seq)
{
    put_number(b, w->stream->first_at_ms);
    put_text(b, w->stream->epoch);
    put_number(b, seq);
}

/* *ret_done is false where the row is not there. */
static bool go_on(const struct writing *w, struct binding *b, bool *ret_done, struct err *err)
{
    if (!db_run(&b->q, err)) {
        return false;
    }
    *ret_done = db_changes(w->out) > 0;
    return true;
}

static bool go_on_run(const struct writing *w, const struct run_change *run, bool *ret_done,
                      struct err *err)
{
    if (run->enqueued_ms != NO_NUMBER) { /* it says more than this statement writes */
        return true;
    }
    struct binding b = begin(w, HUB_STORE_RUN_GO_ON);
    put_text(&b, run->status);
    put_number(&b, run->started_ms);
    put_number(&b, run->ended_ms);
    put_text(&b, run->error);
    put_number(&b, run->last_seq);
    put_number(&b, w->stream->id);
    put_text(&b, run->run);
    return go_on(w, &b, ret_done, err);
}

static bool write_run(const struct writing *w, const struct run_change *run, struct err *err)
{
    bool is_done = false;
    if (!go_on_run(w, run, &is_done, err) || is_done) {
        return is_done;
    }
    struct binding b = begin(w, HUB_STORE_RUN_SET);
    put_number(&b, w->stream->id);
    put_text(&b, run->run);
    put_text(&b, run->status);
    put_text(&b, run->job);
    put_text(&b, run->cause);
    put_text(&b, run->cause_name);
    put_text(&b, run->selection);
    put_text(&b, run->tags);
    put_number(&b, run->steps);
    put_number(&b, run->enqueued_ms);
    put_number(&b, run->started_ms);
    put_number(&b, run->ended_ms);
    put_text(&b, run->error);
    put_number(&b, run->first_seq);
    put_number(&b, run->last_seq);
    put_text(&b, run->backfill);
    put_text(&b, run->partition);
    put_text(&b, run->partition_end);
    put_number(&b, run->partitions);
    return db_run(&b.q, err);
}

/* In the order in which both statements have them. */
static void put_step(struct binding *b, const struct step_change *step)
{
    put_text(b, step->status);
    put_number(b, step->attempt);
    put_number(b, step->started_ms);
    put_number(b, step->ended_ms);
    put_number(b, step->duration_ms);
    put_number(b, step->retry_ms);
    put_text(b, step->error);
    put_text(b, step->exit);
    put_text(b, step->reason);
}

static bool go_on_step(const struct writing *w, const struct step_change *step, bool *ret_done,
                       struct err *err)
{
    if (step->is_plan) {
        return true;
    }
    struct binding b = begin(w, HUB_STORE_STEP_GO_ON);
    put_step(&b, step);
    put_number(&b, w->stream->id);
    put_text(&b, step->run);
    put_text(&b, step->step);
    put_text(&b, step->asset);
    return go_on(w, &b, ret_done, err);
}

static bool write_step(const struct writing *w, const struct step_change *step, struct err *err)
{
    bool is_done = false;
    if (!go_on_step(w, step, &is_done, err) || is_done) {
        return is_done;
    }
    struct binding b = begin(w, step->is_plan ? HUB_STORE_STEP_PLAN : HUB_STORE_STEP_SET);
    put_number(&b, w->stream->id);
    put_text(&b, step->run);
    put_text(&b, step->step);
    put_text(&b, step->asset);
    if (!step->is_plan) {
        put_step(&b, step);
    }
    return db_run(&b.q, err);
}

/* --- assets ------------------------------------------------------------------------------- */

/* In the order in which both statements have them. */
static void put_materialized(struct binding *b, const struct writing *w,
                             const struct asset_change *asset)
{
    const struct materialization_change *made = asset->materialized;
    put_number(b, asset->materializations);
    put_number(b, asset->failures);
    put_number(b, w->stream->id);
    put_stamp(b, w, made->seq);
    put_number(b, made->at_ms);
    put_text(b, made->run);
    put_text(b, made->step);
    put_number(b, made->row_count);
    put_number(b, made->byte_count);
    put_text(b, made->data_version);
    put_text(b, made->metadata);
}

/* Shows the latest materialization, and counts. *ret_done is false where the row shows a newer
 * database's. Mostly the row is there. */
static bool show_materialized(const struct writing *w, const struct asset_change *asset,
                              bool *ret_done, struct err *err)
{
    struct binding b = begin(w, HUB_STORE_ASSET_MATERIALIZED);
    put_materialized(&b, w, asset);
    put_text(&b, w->stream->device);
    put_text(&b, asset->asset);
    if (!db_run(&b.q, err)) {
        return false;
    }
    *ret_done = db_changes(w->out) > 0;
    if (*ret_done) {
        return true;
    }
    b = begin(w, HUB_STORE_ASSET_ADD);
    put_materialized(&b, w, asset);
    put_text(&b, w->stream->device);
    put_text(&b, asset->asset);
    if (!db_run(&b.q, err)) {
        return false;
    }
    *ret_done = db_changes(w->out) > 0;
    return true;
}

static bool update_failed(const struct writing *w, const struct asset_change *asset,
                          struct err *err)
{
    struct binding b = begin(w, HUB_STORE_ASSET_FAILED);
    put_stamp(&b, w, asset->failed.seq);
    put_number(&b, asset->failed.at_ms);
    put_text(&b, asset->failed.run);
    put_text(&b, asset->failed.error);
    put_text(&b, w->stream->device);
    put_text(&b, asset->asset);
    return db_run(&b.q, err);
}

static bool count_asset(const struct writing *w, const struct asset_change *asset, struct err *err)
{
    struct binding b = begin(w, HUB_STORE_ASSET_COUNT);
    put_text(&b, w->stream->device);
    put_text(&b, asset->asset);
    put_number(&b, asset->materializations);
    put_number(&b, asset->failures);
    return db_run(&b.q, err);
}

static bool write_asset(const struct writing *w, const struct asset_change *asset, struct err *err)
{
    bool is_counted = false;
    return (asset->materialized == NULL || show_materialized(w, asset, &is_counted, err)) &&
           (is_counted || count_asset(w, asset, err)) &&
           (asset->failures == 0 || update_failed(w, asset, err));
}

static bool write_check(const struct writing *w, const struct check_change *check, struct err *err)
{
    struct binding b = begin(w, HUB_STORE_CHECK_SET);
    put_text(&b, w->stream->device);
    put_text(&b, check->asset);
    put_text(&b, check->name);
    put_stamp(&b, w, check->seq);
    put_number(&b, check->at_ms);
    put_number(&b, check->passed ? 1 : 0);
    put_text(&b, check->severity);
    put_text(&b, check->run);
    put_text(&b, check->metadata);
    return db_run(&b.q, err);
}

static bool write_partition(const struct writing *w, const struct partition_change *change,
                            struct err *err)
{
    struct binding b = begin(w, HUB_STORE_PARTITION_SET);
    put_text(&b, change->asset);
    put_text(&b, w->stream->device);
    put_text(&b, change->first);
    put_text(&b, change->last);
    put_number(&b, change->is_made ? 1 : 0);
    put_number(&b, change->at_ms);
    put_text(&b, change->run);
    put_stamp(&b, w, change->seq);
    return db_run(&b.q, err);
}

static bool write_freshness(const struct writing *w, const struct freshness_change *change,
                            struct err *err)
{
    struct binding b = begin(w, HUB_STORE_FRESHNESS_SET);
    put_text(&b, w->stream->device);
    put_text(&b, change->asset);
    put_stamp(&b, w, change->seq);
    put_number(&b, change->at_ms);
    put_text(&b, change->status);
    return db_run(&b.q, err);
}

/* --- the device --------------------------------------------------------------------------- */

static bool update_tick(const struct writing *w, const struct tick_change *tick, bool does_count,
                        bool *ret_done, struct err *err)
{
    struct binding b = begin(w, HUB_STORE_TICK_LATEST);
    put_number(&b, does_count ? tick->ticks : 0);
    put_number(&b, does_count ? tick->started : 0);
    put_stamp(&b, w, tick->seq);
    put_number(&b, tick->at_ms);
    put_text(&b, tick->status);
    put_text(&b, tick->nominal);
    put_text(&b, tick->run);
    put_text(&b, tick->reason);
    put_text(&b, w->stream->device);
    put_text(&b, tick->kind);
    put_text(&b, tick->name);
    if (!db_run(&b.q, err)) {
        return false;
    }
    *ret_done = db_changes(w->out) > 0;
    return true;
}

static bool write_tick(const struct writing *w, const struct tick_change *tick, struct err *err)
{
    bool is_counted = false;
    bool is_shown = false;
    if (!update_tick(w, tick, true, &is_counted, err)) {
        return false;
    }
    if (is_counted) {
        return true;
    }
    struct binding b = begin(w, HUB_STORE_TICK_COUNT);
    put_text(&b, w->stream->device);
    put_text(&b, tick->kind);
    put_text(&b, tick->name);
    put_number(&b, tick->ticks);
    put_number(&b, tick->started);
    return db_run(&b.q, err) && update_tick(w, tick, false, &is_shown, err);
}

static bool write_bundle(const struct writing *w, const struct bundle_change *bundle,
                         struct err *err)
{
    struct binding b = begin(w, HUB_STORE_BUNDLE_STATE_SET);
    put_text(&b, w->stream->device);
    put_text(&b, bundle->bundle);
    put_stamp(&b, w, bundle->seq);
    put_number(&b, bundle->at_ms);
    put_text(&b, bundle->status);
    put_text(&b, bundle->current);
    put_text(&b, bundle->reason);
    return db_run(&b.q, err);
}

static bool write_gap(const struct writing *w, const struct gap_change *gap, struct err *err)
{
    struct binding b = begin(w, HUB_STORE_GAP_INSERT);
    put_number(&b, w->stream->id);
    put_number(&b, gap->seq);
    put_number(&b, gap->from);
    put_number(&b, gap->at_ms);
    put_text(&b, gap->reason);
    put_text(&b, gap->dropped);
    return db_run(&b.q, err);
}

static bool write_device(const struct writing *w, const struct device_change *device,
                         struct err *err)
{
    struct binding count = begin(w, HUB_STORE_DEVICE_COUNT);
    put_text(&count, w->stream->device);
    put_number(&count, device->starts);
    put_number(&count, device->clock_steps);
    if (!db_run(&count.q, err)) {
        return false;
    }
    if (device->starts == 0) {
        return true;
    }
    struct binding b = begin(w, HUB_STORE_DEVICE_STARTED);
    put_number(&b, w->stream->first_at_ms);
    put_text(&b, w->stream->epoch);
    put_number(&b, device->at_ms);
    put_text(&b, device->version);
    put_text(&b, device->board);
    put_text(&b, device->boot_id);
    put_text(&b, device->agent_start);
    put_text(&b, w->stream->device);
    return db_run(&b.q, err);
}

/* --- all ---------------------------------------------------------------------------------- */

static bool write_runs(const struct changes *c, struct writing *w, struct err *err)
{
    bool are_added = false;
    if (!give(c, w->out, HUB_STORE_RUN_ADD, c->runs_count, give_run, &are_added, err)) {
        return false;
    }
    for (size_t i = 0; i < c->runs_count; i++) {
        w->stream = c->runs[i].of;
        if (!(are_added && c->runs[i].begins) && !write_run(w, &c->runs[i], err)) {
            return false;
        }
    }
    return true;
}

static bool write_steps(const struct changes *c, struct writing *w, struct err *err)
{
    bool are_added = false;
    if (!give(c, w->out, HUB_STORE_STEP_ADD, c->steps_count, give_step, &are_added, err)) {
        return false;
    }
    for (size_t i = 0; i < c->steps_count; i++) {
        w->stream = c->steps[i].of;
        if (!(are_added && c->steps[i].begins) && !write_step(w, &c->steps[i], err)) {
            return false;
        }
    }
    return true;
}

static bool write_of_assets(const struct changes *c, struct writing *w, struct err *err)
{
    for (size_t i = 0; i < c->assets_count; i++) {
        w->stream = c->assets[i].of;
        if (!write_asset(w, &c->assets[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->checks_count; i++) {
        w->stream = c->checks[i].of;
        if (!write_check(w, &c->checks[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->partitions_count; i++) {
        w->stream = c->partitions[i].of;
        if (!write_partition(w, &c->partitions[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->freshness_count; i++) {
        w->stream = c->freshness[i].of;
        if (!write_freshness(w, &c->freshness[i], err)) {
            return false;
        }
    }
    return true;
}

static bool write_of_devices(const struct changes *c, struct writing *w, struct err *err)
{
    for (size_t i = 0; i < c->ticks_count; i++) {
        w->stream = c->ticks[i].of;
        if (!write_tick(w, &c->ticks[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->gaps_count; i++) {
        w->stream = c->gaps[i].of;
        if (!write_gap(w, &c->gaps[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->bundles_count; i++) {
        w->stream = c->bundles[i].of;
        if (!write_bundle(w, &c->bundles[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->devices_count; i++) {
        w->stream = c->devices[i].of;
        if (!write_device(w, &c->devices[i], err)) {
            return false;
        }
    }
    return true;
}

/* One row for each event, never seen before. */
static bool write_history(const struct changes *c, struct db *out, struct err *err)
{
    bool are_added = false;
    return give(c, out, HUB_STORE_TICK_HISTORY_ADD, c->tick_places_count, give_tick_place,
                &are_added, err) &&
           give(c, out, HUB_STORE_MATERIALIZATION_INSERT, c->materializations_count,
                give_materialization, &are_added, err) &&
           give(c, out, HUB_STORE_CHECK_HISTORY_ADD, c->evaluations_count, give_evaluation,
                &are_added, err);
}

bool changes_write(const struct changes *c, struct db *out, struct err *err)
{
    struct writing w = {.out = out};
    return write_of_devices(c, &w, err) && write_runs(c, &w, err) && write_steps(c, &w, err) &&
           write_of_assets(c, &w, err) && write_history(c, out, err);
}
