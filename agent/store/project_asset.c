/* project_asset.c - the rows of assets, their partitions, checks and freshness. */
#include "agent/store/store_internal.h"

/* The number of an event over all epochs. */
static int64_t order(const struct store *store, int64_t seq)
{
    return seq + store->state.renumbered;
}

static bool materialize_partition(struct store *store, const struct record *r, int64_t seq,
                                  struct err *err)
{
    if (str_is_empty(r->partition)) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_PARTITION_MATERIALIZED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":partition", r->partition);
    db_bind_opt(&q, ":partitions", r->keys);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":data_version", r->data_version);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", order(store, seq));
    return db_run(&q, err);
}

bool project_materialization(struct store *store, const struct record *r, int64_t seq,
                             struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_MATERIALIZED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", order(store, seq));
    db_bind_str(&q, ":metadata", project_object(r->metadata));
    db_bind_str(&q, ":data_version", r->data_version);
    db_bind_i64(&q, ":is_version_given", r->is_version_given);
    db_bind_str(&q, ":code_version", r->code_version);
    db_bind_str(&q, ":inputs", project_object(r->inputs));
    return db_run(&q, err) && materialize_partition(store, r, seq, err) &&
           project_step_asset_made(store, r, err);
}

static bool fail_partition(struct store *store, const struct record *r, struct err *err)
{
    if (str_is_empty(r->partition)) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_PARTITION_FAILED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":partition", r->partition);
    db_bind_opt(&q, ":partitions", r->keys);
    db_bind_str(&q, ":error", r->error_message);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

bool project_asset_failed(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_FAILED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":error", r->error_message);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err) && fail_partition(store, r, err);
}

bool project_observation(struct store *store, const struct record *r, int64_t seq, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_OBSERVED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":data_version", r->data_version);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_i64(&q, ":seq", order(store, seq));
    return db_run(&q, err);
}

bool project_check(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_CHECK_EVALUATED);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":check", r->check);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":passed", r->passed);
    db_bind_str(&q, ":severity", r->severity);
    db_bind_str(&q, ":metadata", project_object(r->metadata));
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

bool project_freshness(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_FRESHNESS);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":state", r->status);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}
