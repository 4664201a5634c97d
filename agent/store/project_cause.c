/* project_cause.c - the rows of what starts runs: schedules, sensors, automation, backfills, and
 * the partitions that come and go. */
#include "agent/store/store_internal.h"

static bool remember_run_key(struct store *store, const struct record *r, struct err *err)
{
    if (str_is_empty(r->run_key) || str_is_empty(r->run)) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_KEY_ADD);
    db_bind_str(&q, ":sensor", r->name);
    db_bind_str(&q, ":run_key", r->run_key);
    db_bind_str(&q, ":run", r->run);
    return db_run(&q, err);
}

static bool remember_instigator(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_INSTIGATOR_TICKED);
    db_bind_str(&q, ":kind", r->kind);
    db_bind_str(&q, ":name", r->name);
    db_bind_i64(&q, ":decided", r->nominal.ns);
    db_bind_opt(&q, ":cursor", r->cursor);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

bool project_tick(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_TICK_ADD);
    db_bind_str(&q, ":kind", r->kind);
    db_bind_str(&q, ":name", r->name);
    db_bind_i64(&q, ":nominal", r->nominal.ns);
    db_bind_i64(&q, ":at", r->at.ns);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":partition", r->partition);
    db_bind_str(&q, ":run_key", r->run_key);
    db_bind_str(&q, ":reason", r->reason);
    return db_run(&q, err) && remember_instigator(store, r, err) && remember_run_key(store, r, err);
}

bool project_instigator(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_INSTIGATOR_STATUS);
    db_bind_str(&q, ":kind", r->kind);
    db_bind_str(&q, ":name", r->name);
    db_bind_str(&q, ":status", r->status);
    db_bind_opt(&q, ":cursor", r->cursor);
    db_bind_i64(&q, ":decided", r->nominal.ns);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

bool project_dynamic_partition(struct store *store, const struct record *r, struct err *err)
{
    bool is_added = str_eq(r->status, STR("added"));
    struct db_query q = db_query(store->db, is_added ? AGENT_STORE_DYNAMIC_PARTITION_ADD
                                                     : AGENT_STORE_DYNAMIC_PARTITION_DELETE);
    db_bind_str(&q, ":set", r->set);
    db_bind_str(&q, ":partition", r->partition);
    return db_run(&q, err);
}

/* Asked for once more it only brings more of its parts: they may be too many for one record. */
static bool request_backfill(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_ADD);
    db_bind_str(&q, ":backfill", r->backfill);
    db_bind_str(&q, ":selection", r->selection);
    db_bind_str(&q, ":tags", project_object(r->tags));
    db_bind_i64(&q, ":per_run", r->per_run);
    db_bind_i64(&q, ":runs_max", r->runs_max);
    db_bind_i64(&q, ":newest_first", r->newest_first);
    db_bind_i64(&q, ":leg", r->leg);
    db_bind_str(&q, ":after", r->parent);
    db_bind_i64(&q, ":total", r->steps);
    db_bind_i64(&q, ":at", r->at.ns);
    if (!db_run(&q, err)) {
        return false;
    }
    q = db_query(store->db, AGENT_STORE_BACKFILL_PARTS_ADD);
    db_bind_str(&q, ":backfill", r->backfill);
    db_bind_str(&q, ":partitions", r->keys);
    return db_run(&q, err);
}

bool project_backfill(struct store *store, const struct record *r, struct err *err)
{
    if (str_eq(r->status, STR("requested"))) {
        return request_backfill(store, r, err);
    }
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_STATUS);
    db_bind_str(&q, ":backfill", r->backfill);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":reason", r->reason);
    db_bind_i64(&q, ":at", r->at.ns);
    if (!db_run(&q, err)) {
        return false;
    }
    /* Whatever it comes to, what was not asked for until now never is. */
    q = db_query(store->db, AGENT_STORE_BACKFILL_PARTS_LEFT);
    db_bind_str(&q, ":backfill", r->backfill);
    return db_run(&q, err);
}

bool project_backfill_requested(struct store *store, const struct record *r, struct err *err)
{
    if (str_is_empty(r->backfill)) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_PARTS_REQUESTED);
    db_bind_str(&q, ":backfill", r->backfill);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":first", r->partition);
    db_bind_str(&q, ":last", str_is_empty(r->partition_end) ? r->partition : r->partition_end);
    return db_run(&q, err);
}

bool project_backfill_ended(struct store *store, const struct record *r, const char *status,
                            struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_PARTS_ENDED);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":status", str_from(status));
    return db_run(&q, err);
}

bool project_automation(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_AUTOMATION_SET);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":cursor", r->cursor);
    db_bind_str(&q, ":run", r->run);
    db_bind_str(&q, ":tree", project_object(r->metadata));
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

bool project_kept(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_AUTOMATION_KEEP);
    db_bind_str(&q, ":asset", r->asset);
    db_bind_str(&q, ":cursor", r->cursor);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}
