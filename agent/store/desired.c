#include "agent/store/desired.h"

#include "agent/store/store_internal.h"

static struct str slot_name(enum desired_slot slot)
{
    return slot == DESIRED_IN_FORCE ? STR("applied") : STR("refused");
}

bool store_desired(struct store *store, enum desired_slot slot, struct arena *arena,
                   struct desired_kept *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_DESIRED_GET);
    db_bind_str(&q, ":slot", slot_name(slot));
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (!*ret_found) {
        return true;
    }
    struct desired_kept kept = {.revision = db_col_i64(&q, 0),
                                .body = arena_copy(arena, db_col_str(&q, 1)),
                                .status = arena_copy(arena, db_col_str(&q, 2)),
                                .reason = arena_copy(arena, db_col_str(&q, 3)),
                                .at = {db_col_i64(&q, 4)}};
    db_reset(&q);
    *ret = kept;
    return !arena->exhausted || err_set(err, ERR_NO_MEMORY, "read what the hub wants: no memory");
}

static bool put(struct store *store, enum desired_slot slot, const struct record *r,
                struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_DESIRED_PUT);
    db_bind_str(&q, ":slot", slot_name(slot));
    db_bind_i64(&q, ":revision", r->revision);
    db_bind_str(&q, ":body", r->keys);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":reason", r->reason);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

static bool set_status(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_DESIRED_STATUS);
    db_bind_i64(&q, ":revision", r->revision);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":reason", r->reason);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}

/* One with a body is in force from now on, or is not taken; one without tells how that in force
 * fares. */
bool project_desired(struct store *store, const struct record *r, struct err *err)
{
    bool is_refused = str_eq(r->status, STR("refused"));
    if (str_is_empty(r->keys)) {
        return is_refused || set_status(store, r, err);
    }
    if (is_refused) {
        return put(store, DESIRED_NOT_TAKEN, r, err);
    }
    struct db_query q = db_query(store->db, AGENT_STORE_DESIRED_OVER);
    db_bind_i64(&q, ":revision", r->revision);
    return put(store, DESIRED_IN_FORCE, r, err) && db_run(&q, err);
}
