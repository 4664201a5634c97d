/* epoch.c - when the hub knows this database better than it knows itself: the file was put back to
 * an earlier state (a restored copy, a disk that lost what it had confirmed), and what was recorded
 * since has numbers that the hub has seen before. */
#include "agent/store/store_internal.h"

bool store_read_check(struct store *store, int64_t seq, int64_t *ret_check, bool *ret_found,
                      struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_PAGE);
    db_bind_i64(&q, ":from", seq);
    db_bind_i64(&q, ":count", 1);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_found = row && db_col_i64(&q, 0) == seq && db_col_i64(&q, 1) == 0;
    if (*ret_found) {
        *ret_check = event_check(str_trim_end(db_col_str(&q, 2), '\n'));
    }
    db_reset(&q);
    return true;
}

static bool renumber(struct store *store, int sql_id, int64_t by, struct err *err)
{
    struct db_query q = db_query(store->db, sql_id);
    db_bind_i64(&q, ":by", by);
    return db_run(&q, err);
}

static bool write_epoch(struct store *store, const struct buffer_state *state, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_EPOCH_SET);
    db_bind_str(&q, ":epoch", str_from(state->epoch));
    return db_run(&q, err) && buffer_write_state(store, state, err);
}

/* What remembers an event by its number counts over all epochs (store_last_order()), and stays as it
 * is.
 *
 * Which of the waiting events the hub has seen under their old numbers, nobody can tell: all are
 * told again rather than one be lost. The ones before them are known to be there. */
bool store_begin_epoch(struct store *store, const struct rng *rng, struct err *err)
{
    struct buffer_state state = store->state;
    int64_t by = state.acked_seq;
    rng_hex(rng, (EPOCH_TEXT_SIZE - 1) / 2, state.epoch);
    state.last_seq -= by;
    state.renumbered += by;
    state.acked_seq = 0;
    state.history_bytes = 0;

    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(store->db, &tx, err) || !buffer_delete(store, 0, by, err) ||
        !renumber(store, AGENT_STORE_EVENT_RENUMBER, by, err) ||
        !renumber(store, AGENT_STORE_RUN_RENUMBER, by, err) ||
        !buffer_measure(store, 0, state.last_seq, &state.waiting_bytes, err) ||
        !write_epoch(store, &state, err) || !db_tx_commit(&tx, err)) {
        return err_wrap(err, "begin a new epoch");
    }
    store->state = state;
    return true;
}
