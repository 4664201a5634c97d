/* project_run.c - the rows of runs and their steps. */
#include "agent/store/store_internal.h"

bool project_run_enqueued(struct store *store, const struct record *r, int64_t seq, struct err *err)
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
    db_bind_str(&q, ":keys", r->keys);
    db_bind_str(&q, ":tags", project_object(r->tags));
    db_bind_i64(&q, ":priority", r->priority);
    db_bind_str(&q, ":partition", r->partition);
    db_bind_str(&q, ":partition_end", r->partition_end);
    db_bind_str(&q, ":parent", r->parent);
    db_bind_str(&q, ":root", r->root);
    db_bind_i64(&q, ":retry_number", r->retry_number);
    db_bind_i64(&q, ":not_before", r->not_before.ns);
    db_bind_str(&q, ":backfill", r->backfill);
    return db_run(&q, err) && project_backfill_requested(store, r, err);
}

bool project_run_start(struct store *store, const struct record *r, int64_t seq, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_START);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

bool project_run_status(struct store *store, const struct record *r, const char *status,
                        int64_t seq, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_STATUS);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

bool project_run_end(struct store *store, const struct record *r, const char *status, int64_t seq,
                     struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_END);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_str(&q, ":error", r->error_message);
    db_bind_str(&q, ":error_code", r->error_code);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err) && project_backfill_ended(store, r, status, err);
}

bool project_output(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_OUTPUT);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":bytes", r->bytes_kept);
    return db_run(&q, err);
}

/* A step that makes one asset has its key. */
static bool is_shared(const struct record *r)
{
    return !str_is_empty(r->step) && !str_eq(r->step, r->asset);
}

static bool plan_step_asset(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_ASSET_PLANNED);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", r->asset);
    return db_run(&q, err);
}

bool project_step_planned(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_PLANNED);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", is_shared(r) ? STR("") : r->asset);
    return db_run(&q, err) && (!is_shared(r) || plan_step_asset(store, r, err));
}

bool project_step_asset_made(struct store *store, const struct record *r, struct err *err)
{
    if (!is_shared(r)) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_ASSET_MADE);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":status", r->is_held ? STR("held") : STR("made"));
    return db_run(&q, err);
}

bool project_step_start(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_START);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_i64(&q, ":attempt", r->attempt);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

bool project_step_messages(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_MESSAGES);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_i64(&q, ":attempt", r->attempt);
    db_bind_i64(&q, ":bytes", r->messages_end);
    return db_run(&q, err);
}

bool project_step_end(struct store *store, const struct record *r, const char *status,
                      struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_STEP_END);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":step", r->step);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_i64(&q, ":attempt", r->attempt);
    db_bind_str(&q, ":error", str_is_empty(r->reason) ? r->error_message : r->reason);
    db_bind_i64(&q, ":retry_at", r->retry_at.ns);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}
