/* changes_write.c - changes of rows into the tables; see changes.h. SQL in hub/store/sql. */
#include "hub/merge/changes.h"
#include "hub_store_sql.h"

struct writing {
    struct db *out;
    const struct view_stream *stream;
};

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

static bool write_run(const struct writing *w, const struct run_change *run, struct err *err)
{
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

static bool write_step(const struct writing *w, const struct step_change *step, struct err *err)
{
    struct binding b = begin(w, step->is_plan ? HUB_STORE_STEP_PLAN : HUB_STORE_STEP_SET);
    put_number(&b, w->stream->id);
    put_text(&b, step->run);
    put_text(&b, step->step);
    put_text(&b, step->asset);
    if (!step->is_plan) {
        put_text(&b, step->status);
        put_number(&b, step->attempt);
        put_number(&b, step->started_ms);
        put_number(&b, step->ended_ms);
        put_number(&b, step->duration_ms);
        put_number(&b, step->retry_ms);
        put_text(&b, step->error);
        put_text(&b, step->exit);
        put_text(&b, step->reason);
    }
    return db_run(&b.q, err);
}

static bool write_materialization(const struct writing *w,
                                  const struct materialization_change *made, struct err *err)
{
    struct binding b = begin(w, HUB_STORE_MATERIALIZATION_INSERT);
    put_number(&b, w->stream->id);
    put_number(&b, made->seq);
    put_text(&b, made->asset);
    put_number(&b, made->at_ms);
    put_text(&b, made->run);
    put_text(&b, made->step);
    put_number(&b, made->row_count);
    put_number(&b, made->rows_written);
    put_number(&b, made->byte_count);
    return db_run(&b.q, err);
}

/* --- assets ------------------------------------------------------------------------------- */

/* Shows the latest materialization, and counts, unless the row shows a newer database's or is not
 * there: *ret_done. */
static bool update_materialized(const struct writing *w, const struct asset_change *asset,
                                bool does_count, bool *ret_done, struct err *err)
{
    const struct materialization_change *made = asset->materialized;
    struct binding b = begin(w, HUB_STORE_ASSET_MATERIALIZED);
    put_number(&b, does_count ? asset->materializations : 0);
    put_number(&b, does_count ? asset->failures : 0);
    put_number(&b, w->stream->id);
    put_stamp(&b, w, made->seq);
    put_number(&b, made->at_ms);
    put_text(&b, made->run);
    put_text(&b, made->step);
    put_number(&b, made->row_count);
    put_number(&b, made->byte_count);
    put_text(&b, made->data_version);
    put_text(&b, made->metadata);
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

/* The usual case is one UPDATE; the first time, and for an older database of the device, counting
 * is a step of its own. */
static bool write_asset(const struct writing *w, const struct asset_change *asset, struct err *err)
{
    bool is_counted = false;
    bool is_shown = false;
    if (asset->materialized != NULL && !update_materialized(w, asset, true, &is_counted, err)) {
        return false;
    }
    if (!is_counted && !count_asset(w, asset, err)) {
        return false;
    }
    if (!is_counted && asset->materialized != NULL &&
        !update_materialized(w, asset, false, &is_shown, err)) {
        return false;
    }
    return asset->failures == 0 || update_failed(w, asset, err);
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

static bool write_evaluation(const struct writing *w, const struct check_change *check,
                             struct err *err)
{
    struct binding b = begin(w, HUB_STORE_CHECK_HISTORY_ADD);
    put_number(&b, w->stream->id);
    put_number(&b, check->seq);
    put_text(&b, check->asset);
    put_text(&b, check->name);
    put_number(&b, check->at_ms);
    put_number(&b, check->passed ? 1 : 0);
    put_text(&b, check->severity);
    put_text(&b, check->run);
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

static bool write_tick_place(const struct writing *w, const struct tick_place *place,
                             struct err *err)
{
    struct binding b = begin(w, HUB_STORE_TICK_HISTORY_ADD);
    put_text(&b, place->kind);
    put_text(&b, place->name);
    put_number(&b, w->stream->id);
    put_number(&b, place->seq);
    put_number(&b, place->at_ms);
    return db_run(&b.q, err);
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
    if (device->starts == 0 && device->clock_steps == 0) {
        return true;
    }
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

static bool write_of_runs(const struct changes *c, const struct writing *w, struct err *err)
{
    for (size_t i = 0; i < c->runs_count; i++) {
        if (!write_run(w, &c->runs[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->steps_count; i++) {
        if (!write_step(w, &c->steps[i], err)) {
            return false;
        }
    }
    return true;
}

static bool write_of_assets(const struct changes *c, const struct writing *w, struct err *err)
{
    for (size_t i = 0; i < c->materializations_count; i++) {
        if (!write_materialization(w, &c->materializations[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->assets_count; i++) {
        if (!write_asset(w, &c->assets[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->checks_count; i++) {
        if (!write_check(w, &c->checks[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->evaluations_count; i++) {
        if (!write_evaluation(w, &c->evaluations[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->partitions_count; i++) {
        if (!write_partition(w, &c->partitions[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->freshness_count; i++) {
        if (!write_freshness(w, &c->freshness[i], err)) {
            return false;
        }
    }
    return true;
}

bool changes_write(const struct changes *c, struct db *out, const struct view_stream *stream,
                   struct err *err)
{
    const struct writing w = {.out = out, .stream = stream};
    for (size_t i = 0; i < c->ticks_count; i++) {
        if (!write_tick(&w, &c->ticks[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->tick_places_count; i++) {
        if (!write_tick_place(&w, &c->tick_places[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->gaps_count; i++) {
        if (!write_gap(&w, &c->gaps[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->bundles_count; i++) {
        if (!write_bundle(&w, &c->bundles[i], err)) {
            return false;
        }
    }
    return write_device(&w, &c->device, err) && write_of_runs(c, &w, err) &&
           write_of_assets(c, &w, err);
}
