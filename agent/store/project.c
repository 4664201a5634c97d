/* project.c - the rows that an event changes: runs, steps, assets and schedules of this device. */
#include "agent/store/store_internal.h"

static bool enqueue_run(struct store *store, const struct record *r, int64_t seq, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_ENQUEUE);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":job", r->job);
    db_bind_str(&q, ":cause", r->cause);
    db_bind_str(&q, ":cause_name", r->cause_name);
    db_bind_str(&q, ":selection", r->selection);
    db_bind_i64(&q, ":steps", r->steps);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

static bool start_run(struct store *store, const struct record *r, int64_t seq, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_START);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

static bool end_run(struct store *store, const struct record *r, const char *status, int64_t seq,
                    struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_END);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_str(&q, ":error", r->error_message);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

static bool start_step(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_START);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_i64(&q, ":attempt", r->attempt);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

static bool end_step(struct store *store, const struct record *r, const char *status,
                     struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_END);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_i64(&q, ":attempt", r->attempt);
    db_bind_str(&q, ":error", str_is_empty(r->reason) ? r->error_message : r->reason);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

static bool materialize(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_MATERIALIZED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_str(&q, ":metadata", str_is_empty(r->metadata) ? STR("{}") : r->metadata);
    return db_run(&q, err);
}

static bool fail_asset(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_FAILED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":error", r->error_message);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

static bool tick(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_SCHEDULE_TICK);
    db_bind_str(&q, ":schedule", r->schedule);
    db_bind_i64(&q, ":nominal", r->nominal.ns);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":run", r->run);
    return db_run(&q, err);
}

bool project_record(struct store *store, const struct record *record, int64_t seq, struct err *err)
{
    switch (record->type) {
    case EVENT_RUN_ENQUEUED:
        return enqueue_run(store, record, seq, err);
    case EVENT_RUN_START:
        return start_run(store, record, seq, err);
    case EVENT_RUN_SUCCESS:
        return end_run(store, record, "success", seq, err);
    case EVENT_RUN_FAILURE:
        return end_run(store, record, "failure", seq, err);
    case EVENT_RUN_CANCELED:
        return end_run(store, record, "canceled", seq, err);
    case EVENT_STEP_START:
    case EVENT_STEP_RESTARTED:
        return start_step(store, record, err);
    case EVENT_STEP_SUCCESS:
        return end_step(store, record, "success", err);
    case EVENT_STEP_FAILURE:
        return end_step(store, record, "failure", err);
    case EVENT_STEP_SKIPPED:
        return end_step(store, record, "skipped", err);
    case EVENT_STEP_UP_FOR_RETRY:
        return end_step(store, record, "up_for_retry", err);
    case EVENT_ASSET_MATERIALIZATION:
        return materialize(store, record, err);
    case EVENT_ASSET_FAILED_TO_MATERIALIZE:
        return fail_asset(store, record, err);
    case EVENT_TICK:
        return tick(store, record, err);
    case EVENT_UNKNOWN:
    case EVENT_ASSET_MATERIALIZATION_PLANNED:
    case EVENT_ASSET_OBSERVATION:
    case EVENT_ASSET_CHECK_EVALUATION:
    case EVENT_DEVICE:
    case EVENT_DEFINITIONS:
    case EVENT_COMMAND:
    case EVENT_DESIRED:
    case EVENT_BUFFER_GAP:
    case EVENT_CLOCK_STEP:
    case EVENT_TYPE_COUNT:
        break;
    }
    return true; /* nothing of this device's own changes */
}
