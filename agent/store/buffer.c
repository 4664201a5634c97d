/* buffer.c - the events that wait for the hub: append, read in batches, acknowledge. quota.c keeps
 * them few enough. */
#include "agent/store/store_internal.h"

#include "common/base/limits.h"
#include <string.h>

bool buffer_read_state(struct store *store, struct buffer_state *ret, bool *ret_found,
                       struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BUFFER_READ);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (!*ret_found) {
        return true;
    }
    struct str epoch = db_col_str(&q, 0);
    memcpy(ret->epoch, epoch.ptr, EPOCH_TEXT_SIZE - 1); /* the table checks the length */
    ret->epoch[EPOCH_TEXT_SIZE - 1] = '\0';
    ret->last_seq = db_col_i64(&q, 1);
    ret->acked_seq = db_col_i64(&q, 2);
    ret->waiting_bytes = db_col_i64(&q, 3);
    ret->history_bytes = db_col_i64(&q, 4);
    ret->dropped = db_col_i64(&q, 5);
    ret->renumbered = db_col_i64(&q, 6);
    db_reset(&q);
    return true;
}

bool buffer_write_state(struct store *store, const struct buffer_state *state, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BUFFER_WRITE);
    db_bind_i64(&q, ":last_seq", state->last_seq);
    db_bind_i64(&q, ":acked_seq", state->acked_seq);
    db_bind_i64(&q, ":waiting_bytes", state->waiting_bytes);
    db_bind_i64(&q, ":history_bytes", state->history_bytes);
    db_bind_i64(&q, ":dropped", state->dropped);
    db_bind_i64(&q, ":renumbered", state->renumbered);
    return db_run(&q, err);
}

bool buffer_insert(struct store *store, int64_t seq, int64_t from_seq, const struct record *record,
                   struct err *err)
{
    buf_reset(&store->line);
    if (!record_encode(record, seq, &store->line, err)) {
        return false;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_APPEND);
    db_bind_i64(&q, ":seq", seq);
    db_bind_i64(&q, ":from_seq", from_seq);
    db_bind_str(&q, ":type", str_from(event_type_name(record->type)));
    db_bind_str(&q, ":body", buf_str(&store->line));
    return db_run(&q, err);
}

bool buffer_append(struct store *store, struct buffer_state *state, const struct record *record,
                   struct err *err)
{
    if (!buffer_insert(store, state->last_seq + 1, 0, record, err)) {
        return false;
    }
    state->last_seq++;
    state->waiting_bytes += (int64_t)store->line.len;
    return true;
}

bool buffer_delete(struct store *store, int64_t after, int64_t upto, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_DELETE);
    db_bind_i64(&q, ":after", after);
    db_bind_i64(&q, ":upto", upto);
    return db_run(&q, err);
}

bool buffer_measure(struct store *store, int64_t after, int64_t upto, int64_t *ret_bytes,
                    struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_BYTES);
    db_bind_i64(&q, ":after", after);
    db_bind_i64(&q, ":upto", upto);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_bytes = db_col_i64(&q, 0);
    db_reset(&q);
    return true;
}

bool store_read_batch(struct store *store, int64_t from, int max_events,
                      struct batch_header *ret_header, struct buf *lines, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_PAGE);
    db_bind_i64(&q, ":from", from);
    db_bind_i64(&q, ":count", max_events);
    struct batch_header header = {0};
    memcpy(header.epoch, store->state.epoch, sizeof(header.epoch));
    size_t start = lines->len;
    for (bool row = true;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            break;
        }
        struct str body = db_col_str(&q, 2);
        if (header.last > 0 && lines->len - start + body.len > LIMIT_BATCH_BYTES) {
            break;
        }
        if (header.last == 0) {
            int64_t gap_from = db_col_i64(&q, 1);
            header.first = gap_from > 0 ? gap_from : db_col_i64(&q, 0);
        }
        header.last = db_col_i64(&q, 0);
        buf_add(lines, body);
    }
    db_reset(&q);
    if (lines->overflow) {
        return err_set(err, ERR_NO_MEMORY, "read events from %lld: out of memory", (long long)from);
    }
    if (header.last == 0) {
        return err_set(err, ERR_NOT_FOUND, "no event from %lld on", (long long)from);
    }
    bool has_before = false;
    if (!store_read_check(store, header.first - 1, &header.prev, &has_before, err)) {
        return false;
    }
    *ret_header = header;
    return true;
}

bool store_acknowledge(struct store *store, int64_t seq, struct err *err)
{
    if (seq <= store->state.acked_seq) {
        return true;
    }
    if (seq > store->state.last_seq) {
        return err_set(err, ERR_INVALID, "the hub acknowledged event %lld, the newest here is %lld",
                       (long long)seq, (long long)store->state.last_seq);
    }
    struct buffer_state state = store->state;
    AUTO(db_tx) tx = {0};
    int64_t bytes = 0;
    if (!db_tx_begin(store->db, &tx, err) ||
        !buffer_measure(store, state.acked_seq, seq, &bytes, err)) {
        return false;
    }
    state.acked_seq = seq;
    state.waiting_bytes -= bytes;
    state.history_bytes += bytes;
    if (!buffer_trim_history(store, &state, err) || !buffer_write_state(store, &state, err) ||
        !db_tx_commit(&tx, err)) {
        return false;
    }
    store->state = state;
    return true;
}

int64_t store_last_seq(const struct store *store)
{
    return store->state.last_seq;
}

int64_t store_last_order(const struct store *store)
{
    return store->state.last_seq + store->state.renumbered;
}

int64_t store_acked_seq(const struct store *store)
{
    return store->state.acked_seq;
}

struct str store_epoch(const struct store *store)
{
    return str_from(store->state.epoch);
}

bool store_position(struct store *store, struct store_position *ret, struct err *err)
{
    const struct buffer_state *state = &store->state;
    struct store_position position = {.first_seq = state->acked_seq + 1,
                                      .last_seq = state->last_seq,
                                      .acked_seq = state->acked_seq,
                                      .waiting_bytes = state->waiting_bytes,
                                      .history_bytes = state->history_bytes,
                                      .dropped = state->dropped};
    memcpy(position.epoch, state->epoch, sizeof(position.epoch));
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_COUNT);
    db_bind_i64(&q, ":after", state->acked_seq);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    position.waiting_events = db_col_i64(&q, 0);
    db_reset(&q);
    *ret = position;
    return true;
}
