#include "agent/store/retention.h"

#include "agent/store/store_internal.h"

/* One pass over all that may be too much. */
struct pass {
    struct store *store;
    struct retention limits;
    const struct retention_port *port;
    struct wall_time now;
    struct arena arena;
    struct str runs[RETENTION_AT_ONCE]; /* that are to be given up, in `arena` */
    size_t run_count;
    bool has_more; /* for another pass */
};

/* Times before the cutoff are too old; an age of 0 makes none so. */
static int64_t cutoff(struct wall_time now, int64_t age_ns)
{
    return age_ns == 0 ? INT64_MIN : now.ns - age_ns;
}

static bool list(struct pass *pass, struct db_query *q, struct err *err)
{
    pass->run_count = 0;
    for (bool row = true; row && pass->run_count < RETENTION_AT_ONCE;) {
        if (!db_next(q, &row, err)) {
            return false;
        }
        if (row) {
            struct str run = arena_copy(&pass->arena, db_col_str(q, 0));
            if (run.ptr == NULL) {
                db_reset(q);
                return err_set(err, ERR_NO_MEMORY, "list old runs: out of memory");
            }
            pass->runs[pass->run_count++] = run;
        }
    }
    db_reset(q);
    return true;
}

/* `sql_id` is what becomes of each run once its output is gone. */
static bool give_up(struct pass *pass, int sql_id, struct err *err)
{
    if (pass->run_count == 0) {
        return true;
    }
    pass->has_more = pass->has_more || pass->run_count == RETENTION_AT_ONCE;
    for (size_t i = 0; i < pass->run_count; i++) {
        pass->port->remove_output(pass->port->ctx, pass->runs[i]);
    }
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(pass->store->db, &tx, err)) {
        return false;
    }
    for (size_t i = 0; i < pass->run_count; i++) {
        struct db_query q = db_query(pass->store->db, sql_id);
        db_bind_str(&q, ":run", pass->runs[i]);
        if (!db_run(&q, err)) {
            return false;
        }
    }
    return db_tx_commit(&tx, err);
}

static bool expire_runs(struct pass *pass, struct err *err)
{
    struct db_query q = db_query(pass->store->db, AGENT_STORE_RUN_EXPIRED);
    db_bind_i64(&q, ":keep", pass->limits.runs);
    db_bind_i64(&q, ":newest", RETENTION_NEWEST);
    db_bind_i64(&q, ":before", cutoff(pass->now, pass->limits.runs_age_ns));
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    return list(pass, &q, err) && give_up(pass, AGENT_STORE_RUN_DELETE, err);
}

static bool expire_output(struct pass *pass, struct err *err)
{
    struct db_query q = db_query(pass->store->db, AGENT_STORE_RUN_OUTPUT_EXPIRED);
    db_bind_i64(&q, ":bytes", pass->limits.output_bytes);
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    return list(pass, &q, err) && give_up(pass, AGENT_STORE_RUN_OUTPUT_GONE, err);
}

/* Rows without files: deleted where they stand. */
static bool delete_rows(struct pass *pass, struct db_query *q, struct err *err)
{
    db_bind_i64(q, ":newest", RETENTION_NEWEST);
    db_bind_i64(q, ":limit", RETENTION_AT_ONCE);
    if (!db_run(q, err)) {
        return false;
    }
    pass->has_more = pass->has_more || db_changes(pass->store->db) >= RETENTION_AT_ONCE;
    return true;
}

static bool expire_ticks(struct pass *pass, struct err *err)
{
    if (pass->limits.ticks_age_ns == 0) {
        return true;
    }
    struct db_query q = db_query(pass->store->db, AGENT_STORE_TICK_EXPIRE);
    db_bind_i64(&q, ":now", pass->now.ns);
    db_bind_i64(&q, ":age", pass->limits.ticks_age_ns);
    return delete_rows(pass, &q, err);
}

static bool expire_backfills(struct pass *pass, struct err *err)
{
    struct db_query q = db_query(pass->store->db, AGENT_STORE_BACKFILL_EXPIRE);
    db_bind_i64(&q, ":before", cutoff(pass->now, pass->limits.runs_age_ns));
    return delete_rows(pass, &q, err);
}

static bool expire_events(struct pass *pass, struct err *err)
{
    struct store *store = pass->store;
    struct buffer_state state = store->state;
    int64_t upto = 0;
    int64_t bytes = 0;
    bool row = false;
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_EXPIRED);
    db_bind_i64(&q, ":acked", state.acked_seq);
    db_bind_i64(&q, ":before", cutoff(pass->now, pass->limits.events_age_ns));
    db_bind_i64(&q, ":limit", RETENTION_AT_ONCE);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    upto = row ? db_col_i64(&q, 0) : 0;
    pass->has_more = pass->has_more || (row && db_col_i64(&q, 1) >= RETENTION_AT_ONCE);
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
    struct pass pass = {.store = store,
                        .limits = *retention,
                        .port = port,
                        .now = now,
                        .arena = arena_new(1 << 20)};
    struct retention *limits = &pass.limits;
    *ret_more = false;
    if (!wall_is_set(now)) { /* nothing can be told to be old */
        limits->runs_age_ns = limits->ticks_age_ns = limits->events_age_ns = 0;
    }
    bool ok = expire_runs(&pass, err) && expire_output(&pass, err) && expire_ticks(&pass, err) &&
              expire_backfills(&pass, err) && expire_events(&pass, err);
    *ret_more = pass.has_more;
    arena_release(&pass.arena);
    return ok;
}
