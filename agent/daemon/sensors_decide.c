/* sensors_decide.c - what becomes of a cause: a run and its tick, a tick alone, or nothing yet. */
#include "agent/daemon/sensors_internal.h"

#include "agent/run/tags.h"
#include "agent/sense/causes.h"
#include "agent/store/runs.h"
#include "agent/store/sensors.h"
#include "common/log/log.h"

enum {
    DECISION_ARENA_BYTES = 128 << 10,
    STORE_BYTES_MAX = 256 << 10, /* not yet written; beyond it they are written first */
    /* Half of the queue is for schedules and people, however many files come. */
    QUEUED_RUNS_MAX = RUNS_OPEN_MAX / 2,
};

static struct wall_time wall_now(const struct sensor_slot *slot)
{
    return clock_wall(loop_clock(slot->all->options.loop));
}

/* --- records ---------------------------------------------------------------------------------- */

/* Room for a run and its tick: they must be written together. */
static bool make_room(const struct sensors *all)
{
    return store_pending_bytes(all->options.store) < STORE_BYTES_MAX ||
           runner_flush(all->options.runner);
}

bool sensor_record(struct sensor_slot *slot, struct record *r, struct str cursor, struct err *err)
{
    AUTO(buf) kept = buf_growing(CURSOR_BYTES_MAX + 16);
    if (cursor.ptr != NULL) {
        cursor_write(slot->def->type, cursor, &kept);
    }
    r->at = wall_now(slot);
    r->kind = STR("sensor");
    r->name = slot->def->name;
    r->cursor = buf_str(&kept);
    if (kept.overflow) {
        return err_set(err, ERR_NO_MEMORY, "record a tick: out of memory");
    }
    return runner_record(slot->all->options.runner, r, err);
}

bool sensor_begin_at(struct sensor_slot *slot, int64_t seq)
{
    char text[24];
    struct buf number = buf_fixed(text, sizeof(text));
    struct err err = {0};
    struct record begun = {.type = EVENT_INSTIGATOR, .status = str_from(slot->status)};
    buf_add_i64(&number, seq);
    if (!sensor_record(slot, &begun, buf_str(&number), &err)) {
        LOG(WARN, "sensor.trouble", F_S("sensor", slot->def->name), F_ERR(&err),
            F_T("action", "trying again"));
        return false;
    }
    sensor_move_cursor(slot, buf_str(&number));
    return true;
}

static struct record tick_of(const struct sensor_slot *slot, const struct cause *cause)
{
    return (struct record){.type = EVENT_TICK,
                           .job = sensor_job(slot->def),
                           .run_key = cause->run_key,
                           .partition = cause->partition,
                           .reason = cause->reason};
}

static void log_tick(const struct sensor_slot *slot, const struct record *tick)
{
    if (str_eq(tick->status, STR("failed"))) {
        LOG(WARN, "sensor.failed", F_S("sensor", slot->def->name), F_S("reason", tick->reason),
            F_T("action", "asking again"));
    } else {
        LOG(INFO, "sensor.tick", F_S("sensor", slot->def->name), F_S("status", tick->status),
            F_S("run", tick->run), F_S("run_key", tick->run_key), F_S("reason", tick->reason));
    }
}

static bool is_at(const struct sensor_slot *slot, struct str cursor)
{
    return slot->has_cursor && str_eq(cursor, buf_str(&slot->cursor));
}

/* False: it could not be recorded, and nothing has happened. */
static bool record_tick(struct sensor_slot *slot, const struct cause *cause, struct record *tick)
{
    struct err err = {0};
    struct str cursor = cause->cursor.ptr == NULL ? STR("") : cause->cursor;
    bool moves = cause->has_cursor && !is_at(slot, cursor);
    slot->ticked_at = wall_now(slot);
    if (!told_is_news(&slot->told, tick->status, tick->reason, moves)) {
        return true;
    }
    if (!sensor_record(slot, tick, moves ? cursor : STR_NONE, &err)) {
        LOG(ERROR, "sensor.tick_lost", F_S("sensor", slot->def->name), F_ERR(&err));
        slot->told = (struct told){0};
        return false;
    }
    if (moves) {
        sensor_move_cursor(slot, cursor);
    }
    log_tick(slot, tick);
    return true;
}

/* --- one decision ----------------------------------------------------------------------------- */

/* The sensor's tags, what it is, and what the cause brings. */
static bool join_tags(const struct sensor_slot *slot, const struct cause *cause,
                      struct arena *arena, struct str_map *ret, struct err *err)
{
    struct str keys[] = {TAG_SENSOR, TAG_RUN_KEY};
    struct str values[] = {slot->def->name, cause->run_key};
    struct str_map own = {keys, values, str_is_empty(cause->run_key) ? 1 : 2};
    struct str_map joined;
    return tags_join(&slot->def->tags, &cause->tags, arena, &joined, err) &&
           tags_join(&joined, &own, arena, ret, err);
}

static bool enqueue(const struct sensor_slot *slot, const struct cause *cause,
                    char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    AUTO(arena) arena = arena_new(DECISION_ARENA_BYTES);
    const struct sensor *def = slot->def;
    struct run_request request = {.assets = def->assets,
                                  .asset_count = def->asset_count,
                                  .job = sensor_job(def),
                                  .cause = STR("sensor"),
                                  .cause_name = def->name,
                                  .on_overlap =
                                      def->job == NULL ? OVERLAP_SKIP : def->job->on_overlap,
                                  .selection = def->job != NULL ? def->job->select : def->select,
                                  .partition = cause->partition};
    return join_tags(slot, cause, &arena, &request.tags, err) &&
           runner_enqueue(slot->all->options.runner, &request, ret_run, err);
}

static enum verdict wait_for(struct sensor_slot *slot, const char *what)
{
    slot->waits_for = what;
    return VERDICT_WAITS;
}

/* With on_overlap: skip a sensor does not skip, it waits: what happened is not lost. */
static bool must_wait(struct sensor_slot *slot, const char **ret_what)
{
    const struct job *job = slot->def->job;
    struct runner *runner = slot->all->options.runner;
    bool skips = job == NULL || job->on_overlap == OVERLAP_SKIP;
    if (skips && runner_job_is_open(runner, sensor_job(slot->def))) {
        *ret_what = "the run of its job that is open";
    } else if (runner_queued_runs(runner) >= QUEUED_RUNS_MAX) {
        *ret_what = "room in the queue of runs";
    } else if (!make_room(slot->all)) {
        *ret_what = "a disk that can be written to";
    } else {
        return false;
    }
    return true;
}

static enum verdict refuse(struct sensor_slot *slot, const struct cause *cause,
                           const struct err *why)
{
    struct record tick = tick_of(slot, cause);
    struct cause without_cursor = *cause;
    without_cursor.has_cursor = false; /* it has not come further */
    tick.status = STR("failed");
    tick.reason = str_from(why->msg);
    return record_tick(slot, &without_cursor, &tick) ? VERDICT_REFUSED : wait_for(slot, "memory");
}

static enum verdict start_run(struct sensor_slot *slot, const struct cause *cause)
{
    char run[UUID_TEXT_SIZE];
    struct err err = {0};
    if (!enqueue(slot, cause, run, &err)) {
        return err.code == ERR_NO_MEMORY ? wait_for(slot, "memory") : refuse(slot, cause, &err);
    }
    struct record tick = tick_of(slot, cause);
    tick.status = STR("started");
    tick.run = str_from(run);
    if (record_tick(slot, cause, &tick)) {
        return VERDICT_STARTED;
    }
    /* A run that nobody remembers why would be started twice. */
    if (!runner_cancel(slot->all->options.runner, str_from(run), &err)) {
        LOG(ERROR, "sensor.tick_lost", F_S("sensor", slot->def->name), F_T("run", run),
            F_ERR(&err));
    }
    return wait_for(slot, "memory");
}

static bool find_key(struct sensor_slot *slot, struct str run_key, bool *ret_is_known)
{
    char run[UUID_TEXT_SIZE];
    struct err err = {0};
    *ret_is_known = false;
    if (str_is_empty(run_key) || store_run_of_key(slot->all->options.store, slot->def->name,
                                                  run_key, run, ret_is_known, &err)) {
        return true;
    }
    if (slot->waits_for == NULL) {
        LOG(WARN, "sensor.trouble", F_S("sensor", slot->def->name), F_ERR(&err),
            F_T("action", "trying again"));
    }
    return false;
}

enum verdict sensor_decide(struct sensor_slot *slot, const struct cause *cause)
{
    bool is_known = false;
    const char *what = NULL;
    if (cause->kind != CAUSE_RUN) {
        struct record tick = tick_of(slot, cause);
        tick.status = cause->kind == CAUSE_FAILURE ? STR("failed") : STR("skipped");
        return record_tick(slot, cause, &tick) ? VERDICT_NOTED : wait_for(slot, "memory");
    }
    if (!find_key(slot, cause->run_key, &is_known)) {
        return wait_for(slot, "the database");
    }
    if (is_known) {
        return VERDICT_KNOWN;
    }
    return must_wait(slot, &what) ? wait_for(slot, what) : start_run(slot, cause);
}
