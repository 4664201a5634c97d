/* quota.c - keeps the events under their two quotas: acknowledged ones are deleted, waiting ones
 * are given up, oldest first, and a gap record in their place says how many of which type.
 *
 * DESIGN: A gap record takes the seq of the last event it stands for, so that the numbers leave no
 * hole and none is used twice. The gap record that stands at the front is taken into the next one,
 * so that a device which is offline for ever holds one gap record and not ever more of them. */
#include "agent/store/store_internal.h"

#include "common/json/json_scan.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TYPES_MAX = EVENT_TYPE_COUNT + 8, /* ours, and some of a newer version */
    TYPE_TEXT_SIZE = 64,
    GAP_BYTES_MAX = 8192,
    DROP_SHARE = 16, /* of the quota is given up at a time, so that it does not happen each flush */
    TRIM_SHARE = 10, /* of the history may stand over its quota before it is trimmed */
};

/* What stands at the front of the waiting events and is to be given up. */
struct front {
    int64_t first; /* the lowest seq it stands for */
    int64_t upto;
    int64_t bytes;  /* of all rows, a gap record among them */
    int64_t events; /* without those that a gap record stood for; 0 = nothing to give up */
    struct {
        char name[TYPE_TEXT_SIZE];
        int64_t count;
    } types[TYPES_MAX];
    size_t type_count;
};

static bool count_type(struct front *front, struct str type, int64_t count, struct err *err)
{
    size_t i = 0;
    while (i < front->type_count && !str_eq(str_from(front->types[i].name), type)) {
        i++;
    }
    if (i == TYPES_MAX || type.len >= TYPE_TEXT_SIZE) {
        return err_set(err, ERR_INTERNAL, "an event type too many: " STR_FMT, STR_ARG(type));
    }
    if (i == front->type_count) {
        front->type_count++;
        memcpy(front->types[i].name, type.ptr, type.len); /* zeroed before */
    }
    front->types[i].count += count;
    return true;
}

/* The counts that an earlier gap record states: a flat object of numbers. */
static bool count_earlier(struct front *front, struct str dropped, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, dropped, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        int64_t count = 0;
        if (!json_raw_i64(value, &count)) {
            return err_set(err, ERR_CORRUPT, "a count of a gap record is no number");
        }
        if (!count_type(front, key.text, count, err)) {
            return false;
        }
    }
    return json_scan_end(&scan, err);
}

static bool fold_gap(struct front *front, struct str body, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, str_trim_end(body, '\n'), err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (str_eq(key.text, STR("dropped")) && !count_earlier(front, value.text, err)) {
            return false;
        }
    }
    return json_scan_end(&scan, err);
}

static bool take_row(struct front *front, const struct db_query *q, struct err *err)
{
    int64_t seq = db_col_i64(q, 0);
    int64_t gap_from = db_col_i64(q, 1);
    if (front->upto == 0) {
        front->first = gap_from > 0 ? gap_from : seq;
    }
    front->upto = seq;
    front->bytes += db_col_i64(q, 3);
    if (gap_from > 0) {
        return fold_gap(front, db_col_str(q, 4), err);
    }
    front->events++;
    return count_type(front, db_col_str(q, 2), 1, err);
}

/* Measures the oldest events after `after`: at least `bytes` of them, but never `last`, so that
 * what has just been recorded is there to be sent. */
static bool measure_front(struct store *store, int64_t after, int64_t last, int64_t bytes,
                          struct front *front, struct err *err)
{
    memset(front, 0, sizeof(*front));
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_OLDEST);
    db_bind_i64(&q, ":after", after);
    while (front->bytes < bytes || front->events == 0) {
        bool row = false;
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || db_col_i64(&q, 0) >= last) {
            break;
        }
        if (!take_row(front, &q, err)) {
            db_reset(&q);
            return err_wrap(err, "give up old events");
        }
    }
    db_reset(&q);
    return true;
}

static bool write_gap(struct store *store, const struct front *front, struct wall_time now,
                      struct err *err)
{
    AUTO(buf) members = buf_growing(GAP_BYTES_MAX);
    buf_addf(&members, "\"from\":%" PRId64 ",\"dropped\":{", front->first);
    for (size_t i = 0; i < front->type_count; i++) {
        buf_addf(&members, "%s\"%s\":%" PRId64, i == 0 ? "" : ",", front->types[i].name,
                 front->types[i].count);
    }
    buf_add_char(&members, '}');
    if (members.overflow) {
        return err_set(err, ERR_NO_MEMORY, "give up old events: out of memory");
    }
    struct record gap = {
        .type = EVENT_BUFFER_GAP, .at = now, .reason = STR("quota"), .members = buf_str(&members)};
    return buffer_insert(store, front->upto, front->first, &gap, err);
}

static bool drop_waiting(struct store *store, struct buffer_state *state, struct wall_time now,
                         struct err *err)
{
    while (state->waiting_bytes > store->quota_bytes) {
        int64_t over = state->waiting_bytes - store->quota_bytes;
        int64_t share = store->quota_bytes / DROP_SHARE;
        struct front front;
        if (!measure_front(store, state->acked_seq, state->last_seq, over > share ? over : share,
                           &front, err)) {
            return false;
        }
        if (front.events == 0) {
            return true; /* a gap record and the newest event stay whatever they weigh */
        }
        if (!buffer_delete(store, front.first - 1, front.upto, err) ||
            !write_gap(store, &front, now, err)) {
            return false;
        }
        state->waiting_bytes += (int64_t)store->line.len - front.bytes;
        state->dropped += front.events;
    }
    return true;
}

bool buffer_trim_history(struct store *store, struct buffer_state *state, struct err *err)
{
    int64_t over = state->history_bytes - store->history_bytes_max;
    if (over <= store->history_bytes_max / TRIM_SHARE) {
        return true;
    }
    struct db_query q = db_query(store->db, AGENT_STORE_EVENT_OLDEST);
    db_bind_i64(&q, ":after", 0);
    int64_t upto = 0;
    int64_t bytes = 0;
    while (bytes < over) {
        bool row = false;
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
    if (!buffer_delete(store, 0, upto, err)) {
        return false;
    }
    state->history_bytes -= bytes;
    return true;
}

bool buffer_apply_quota(struct store *store, struct buffer_state *state, struct wall_time now,
                        struct err *err)
{
    return buffer_trim_history(store, state, err) && drop_waiting(store, state, now, err);
}
