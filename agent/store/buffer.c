/* buffer.c - the events that wait for the hub: append, read in batches, acknowledge, keep under the quotas. */
#include "agent/store/store_internal.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <stdio.h>
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
    return db_run(&q, err);
}

static bool insert_event(struct store *store, int64_t seq, int64_t from_seq,
                         const struct record *record, struct err *err)
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

bool buffer_append(struct store *store, struct buffer_state *state, int64_t from_seq,
                   const struct record *record, struct err *err)
{
    if (!insert_event(store, state->last_seq + 1, from_seq, record, err)) {
        return false;
    }
    state->last_seq++;
    state->waiting_bytes += (int64_t)store->line.len;
    return true;
}

/* --- quotas ------------------------------------------------------------------------------------------------------------ */

static bool delete_events(struct store *store, int64_t after, int64_t upto, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_DELETE);
    db_bind_i64(&q, ":after", after);
    db_bind_i64(&q, ":upto", upto);
    return db_run(&q, err);
}

/* What stands at the front of the events after a seq, up to a number of bytes. */
struct front {
    int64_t first; /* the lowest seq it stands for */
    int64_t upto;  /* 0 = nothing */
    int64_t bytes;
    int64_t events;
    struct {
        char name[64];
        int64_t count;
    } types[EVENT_TYPE_COUNT + 8];
    size_t type_count;
};

static void count_type(struct front *front, struct str type)
{
    size_t i = 0;
    while (i < front->type_count && !str_eq(str_from(front->types[i].name), type)) {
        i++;
    }
    if (i == COUNT_OF(front->types)) {
        return;
    }
    if (i == front->type_count) {
        front->type_count++;
        (void)snprintf(front->types[i].name, sizeof(front->types[i].name), STR_FMT, STR_ARG(type));
    }
    front->types[i].count++;
}

/* Measures the oldest events after `after`, at least `bytes` of them, never `last` itself nor anything behind it. Gap
 * records are kept as they are: the walk ends before one unless nothing was taken yet, and then steps over it. */
static bool measure_front(struct store *store, int64_t after, int64_t last, int64_t bytes,
                          struct front *front, struct err *err)
{
    memset(front, 0, sizeof(*front));
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_OLDEST);
    db_bind_i64(&q, ":after", after);
    for (bool row = true; front->bytes < bytes;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || db_col_i64(&q, 0) >= last) {
            break;
        }
        bool is_gap = db_col_i64(&q, 1) > 0;
        if (is_gap && front->events > 0) {
            break;
        }
        if (is_gap) {
            continue;
        }
        int64_t seq = db_col_i64(&q, 0);
        front->first = front->events == 0 ? seq : front->first;
        front->upto = seq;
        front->bytes += db_col_i64(&q, 3);
        front->events++;
        count_type(front, db_col_str(&q, 2));
    }
    db_reset(&q);
    return true;
}

static bool write_gap(struct store *store, const struct front *front, struct wall_time now,
                      struct err *err)
{
    AUTO(buf) members = buf_growing(8192);
    buf_addf(&members, "\"from\":%lld,\"dropped\":{", (long long)front->first);
    for (size_t i = 0; i < front->type_count; i++) {
        buf_addf(&members, "%s\"%s\":%lld", i == 0 ? "" : ",", front->types[i].name,
                 (long long)front->types[i].count);
    }
    buf_add_char(&members, '}');
    struct record gap = {.type = EVENT_BUFFER_GAP,
                         .at = now,
                         .reason = STR("quota"),
                         .members = buf_str(&members)};
    return insert_event(store, front->upto, front->first, &gap, err);
}

/* Gives up the oldest waiting events: a sixteenth of the quota at a time, so that gap records stay few. */
static bool drop_waiting(struct store *store, struct buffer_state *state, struct wall_time now,
                         struct err *err)
{
    while (state->waiting_bytes > store->quota_bytes) {
        int64_t over = state->waiting_bytes - store->quota_bytes;
        int64_t share = store->quota_bytes / 16;
        struct front front;
        if (!measure_front(store, state->acked_seq, state->last_seq, over > share ? over : share,
                           &front, err)) {
            return false;
        }
        if (front.events == 0) {
            return true; /* gap records alone: they are what must not be lost */
        }
        if (!delete_events(store, front.first - 1, front.upto, err) ||
            !write_gap(store, &front, now, err)) {
            return false;
        }
        state->waiting_bytes += (int64_t)store->line.len - front.bytes;
        state->dropped += front.events;
    }
    return true;
}

/* Deletes acknowledged events beyond the history's quota, when a tenth of it is over: rarely, and many at once. */
static bool trim_history(struct store *store, struct buffer_state *state, struct err *err)
{
    int64_t over = state->history_bytes - store->history_bytes_max;
    if (over <= store->history_bytes_max / 10) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_OLDEST);
    db_bind_i64(&q, ":after", 0);
    int64_t upto = 0;
    int64_t bytes = 0;
    for (bool row = true; bytes < over;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || db_col_i64(&q, 0) > state->acked_seq) {
            break;
        }
        upto = db_col_i64(&q, 0);
        bytes += db_col_i64(&q, 3);
    }
    db_reset(&q);
    if (!delete_events(store, 0, upto, err)) {
        return false;
    }
    state->history_bytes -= bytes;
    return true;
}

bool buffer_apply_quota(struct store *store, struct buffer_state *state, struct wall_time now,
                        struct err *err)
{
    return trim_history(store, state, err) && drop_waiting(store, state, now, err);
}

/* --- reading and acknowledging ----------------------------------------------------------------------------------------- */

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
    if (!db_tx_begin(store->db, &tx, err)) {
        return false;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_BYTES);
    db_bind_i64(&q, ":after", state.acked_seq);
    db_bind_i64(&q, ":upto", seq);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    int64_t bytes = db_col_i64(&q, 0);
    db_reset(&q);

    state.acked_seq = seq;
    state.waiting_bytes -= bytes;
    state.history_bytes += bytes;
    if (!trim_history(store, &state, err) || !buffer_write_state(store, &state, err) ||
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
