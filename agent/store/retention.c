#include "agent/store/retention.h"

#include "agent/store/store_internal.h"

struct expired {
    struct arena arena;
    struct str runs[RETENTION_AT_ONCE];
    size_t count;
};

/* Times before the cutoff are too old; an age of 0 makes none so. */
static int64_t cutoff(struct wall_time now, int64_t age_ns)
{
    return age_ns == 0 ? INT64_MIN : now.ns - age_ns;
}

static bool list(struct db_query *q, struct expired *expired, struct err *err)
{
    expired->count = 0;
    for (bool row = true; row && expired->count < RETENTION_AT_ONCE;) {
        if (!db_next(q, &row, err)) {
            return false;
        }
        if (row) {
            struct str run = arena_copy(&expired->arena, db_col_str(q, 0));
            if (run.ptr == NULL) {
                db_reset(q);
                return err_set(err, ERR_NO_MEMORY, "list old runs: out of memory");
            }
            expired->runs[expired->count++] = run;
        }
    }
    db_reset(q);
    return true;
}

/* `sql_id` is what becomes of each run once its output is gone. */
static bool give_up(struct store *store, const struct expired *expired,
                    const struct retention_port *port, int sql_id, struct err *err)
{
    if (expired->count == 0) {
        return true;
    }
    for (size_t i = 0; i < expired->count; i++) {
        port->remove_output(port->ctx, expired->runs[i]);
    }
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(store->db, &tx, err)) {
        return false;
    }
    for (size_t i = 0; i < expired->count; i++) {
        struct db_query q = db_query(store->db, sql_id);
        db_bind_str(&q, ":run", expired->runs[i]);
        if (!db_run(&q, err)) {
            return false;
        }
    }
    return db_tx_commit(&tx, err);
}

static bool expire_runs(struct store *store, const struct retention *r,
                        const struct retention_port *port, struct wall_time now,
                        struct expired *expired, bool *more, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_EXPIRED);
    db_bind_i64(&q, ":keep", r->runs);
    db_bind_i64(&q, ":newest", RETENTION_NEWEST);
    db_bind_i64(&q, ":before", cutoff(now, r->runs_age_ns));
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    if (!list(&q, expired, err) || !give_up(store, expired, port, AGENT_STORE_RUN_DELETE, err)) {
        return false;
    }
    *more = *more || expired->count == RETENTION_AT_ONCE;
    return true;
}

static bool expire_output(struct store *store, const struct retention *r,
                          const struct retention_port *port, struct expired *expired, bool *more,
                          struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_OUTPUT_EXPIRED);
    db_bind_i64(&q, ":bytes", r->output_bytes);
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    if (!list(&q, expired, err) ||
        !give_up(store, expired, port, AGENT_STORE_RUN_OUTPUT_GONE, err)) {
        return false;
    }
    *more = *more || expired->count == RETENTION_AT_ONCE;
    return true;
}

/* Rows without files: deleted where they stand. */
static bool expire_rows(struct store *store, int sql_id, int64_t before, bool *more,
                        struct err *err)
{
    struct db_query q = db_query(store->db, sql_id);
    db_bind_i64(&q, ":before", before);
    db_bind_i64(&q, ":newest", RETENTION_NEWEST);
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    if (!db_run(&q, err)) {
        return false;
    }
    *more = *more || db_changes(store->db) >= RETENTION_AT_ONCE;
    return true;
}

static bool expire_events(struct store *store, int64_t before, bool *more, struct err *err)
{
    struct buffer_state state = store->state;
    int64_t upto = 0;
    int64_t bytes = 0;
    bool row = false;
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_EXPIRED);
    db_bind_i64(&q, ":acked", state.acked_seq);
    db_bind_i64(&q, ":before", before);
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    upto = row ? db_col_i64(&q, 0) : 0;
    *more = *more || (row && db_col_i64(&q, 1) >= RETENTION_AT_ONCE);
    db_reset(&q);
    if (upto == 0) {
        return true;
    }
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(store->db, &tx, err) || !buffer_measure(store, 0, upto, &bytes, err) ||
        !buffer_delete(store, 0, upto, err)) {
        return false;
    }
    state.history_bytes -= bytes;
    if (!buffer_write_state(store, &state, err) || !db_tx_commit(&tx, err)) {
        return false;
    }
    store->state = state;
    return true;
}

bool store_expire(struct store *store, const struct retention *retention,
                  const struct retention_port *port, struct wall_time now, bool *ret_more,
                  struct err *err)
{
    struct expired expired = {.arena = arena_new(1 << 20)};
    bool knows_date = wall_is_set(now);
    *ret_more = false;
    struct retention r = *retention;
    if (!knows_date) { /* nothing can be told to be old */
        r.runs_age_ns = r.ticks_age_ns = r.events_age_ns = 0;
    }
    bool ok =
        expire_runs(store, &r, port, now, &expired, ret_more, err) &&
        expire_output(store, &r, port, &expired, ret_more, err) &&
        expire_rows(store, AGENT_STORE_TICK_EXPIRE, cutoff(now, r.ticks_age_ns), ret_more, err) &&
        expire_rows(store, AGENT_STORE_BACKFILL_EXPIRE, cutoff(now, r.runs_age_ns), ret_more,
                    err) &&
        expire_events(store, cutoff(now, r.events_age_ns), ret_more, err);
    arena_release(&expired.arena);
    return ok;
}
