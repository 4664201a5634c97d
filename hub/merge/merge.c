/* merge.c - see merge.h. */
#include "hub/merge/merge.h"
#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/json/json_writer.h"
#include "common/wire/topics.h"
#include "hub/merge/log_rows.h"
#include "hub/merge/views.h"
#include "hub_store_sql.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Streams are remembered between transactions until this much is used, then all are looked up
       anew. */
    CACHE_BYTES_MAX = 32 << 20,
    CACHE_BYTES_KEPT = 24 << 20,
    CHECK_UNKNOWN = -1, /* of a stream: to be looked up */
    CHECK_GAP = -2,     /* the device said that it has none there any more */
};
#define FIRST_PLAUSIBLE_MS (INT64_C(1704067200) * 1000) /* 2024-01-01 */
#define AHEAD_MAX_MS       (INT64_C(86400) * 1000)      /* of our clock */

struct stream {
    struct view_stream of; /* id 0: nothing of it is in the log yet */
    int64_t merged;
    int64_t check;      /* event_check() of the event at `merged`; 0 = none, or a gap of ours */
    struct str cut_off; /* why it is not listened to; empty: it is */
    uint32_t ack;       /* 1 + its place in acks; 0 = none in this transaction */
};

struct merge {
    struct db *db;
    struct db_tx tx;
    struct views views;
    struct arena cache;
    struct strmap by_name; /* "<epoch><device>" to its place in streams */
    struct stream **streams;
    size_t streams_count, streams_cap;
    struct told_event *events; /* of the batch at hand: LIMIT_BATCH_EVENTS of them */
    size_t lines_from;         /* where its lines begin in those of the views */
    struct log_rows *rows;
    struct merge_ack *acks;
    size_t acks_count;
    bool is_committed;
    int64_t events_added;
    int64_t batches_added;
};

bool merge_open(struct db *store, struct merge **ret, struct err *err)
{
    struct merge *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return err_set(err, ERR_NO_MEMORY, "merge: out of memory");
    }
    m->db = store;
    m->cache = arena_new(CACHE_BYTES_MAX);
    m->by_name = strmap_new(&m->cache);
    m->events = calloc(LIMIT_BATCH_EVENTS, sizeof(*m->events));
    m->rows = calloc(1, sizeof(*m->rows));
    m->acks = calloc(MERGE_BATCHES_MAX, sizeof(*m->acks));
    if (m->events == NULL || m->rows == NULL || m->acks == NULL) {
        merge_close(m);
        return err_set(err, ERR_NO_MEMORY, "merge: out of memory");
    }
    if (!views_init(&m->views, store, store, err)) {
        merge_close(m);
        return false;
    }
    *ret = m;
    return true;
}

/* What is remembered of the tables may be wrong after an undo; it is looked up again. */
static void forget(struct merge *m)
{
    arena_reset(&m->cache);
    m->by_name = strmap_new(&m->cache);
    m->streams_count = 0;
    m->acks_count = 0;
}

void merge_close(struct merge *m)
{
    if (m == NULL) {
        return;
    }
    db_tx_release(&m->tx);
    views_release(&m->views);
    arena_release(&m->cache);
    free(m->streams);
    free(m->events);
    free(m->rows);
    free(m->acks);
    free(m);
}

bool merge_begin(struct merge *m, struct err *err)
{
    assert(m->tx.db == NULL);
    for (size_t i = 0; i < m->streams_count; i++) {
        m->streams[i]->ack = 0;
    }
    m->acks_count = 0;
    m->is_committed = false;
    m->events_added = 0;
    m->batches_added = 0;
    if (m->cache.used > CACHE_BYTES_KEPT) {
        forget(m);
    }
    return db_tx_begin(m->db, &m->tx, err);
}

void merge_abort(struct merge *m)
{
    db_tx_release(&m->tx);
    m->rows->count = 0;
    views_discard(&m->views);
    forget(m);
}

void merge_look_again(struct merge *m)
{
    assert(m->tx.db == NULL);
    forget(m);
}

bool merge_is_full(const struct merge *m)
{
    return m->events_added >= MERGE_EVENTS_MAX || m->batches_added >= MERGE_BATCHES_MAX;
}

/* What waits in memory into the tables; the log first, since its lines are the views'. */
static bool flush(struct merge *m, struct err *err)
{
    return log_rows_write(m->rows, m->db, err) && views_flush(&m->views, err);
}

static bool make_room(struct merge *m, size_t events, struct err *err)
{
    return (m->rows->count + events <= CHANGES_MAX && views_has_room(&m->views, events)) ||
           flush(m, err);
}

bool merge_commit(struct merge *m, struct err *err)
{
    if (!flush(m, err)) {
        merge_abort(m);
        return err_wrap(err, "merge");
    }
    if (!db_tx_commit(&m->tx, err)) {
        forget(m);
        return err_wrap(err, "merge");
    }
    m->is_committed = true;
    return true;
}

size_t merge_acks(const struct merge *m, const struct merge_ack **ret)
{
    *ret = m->acks;
    return m->is_committed ? m->acks_count : 0;
}

/* --- streams ------------------------------------------------------------------------------ */

static bool make_place(struct merge *m)
{
    if (m->streams_count < m->streams_cap) {
        return true;
    }
    size_t cap = m->streams_cap == 0 ? 256 : m->streams_cap * 2;
    struct stream **grown = reallocarray(m->streams, cap, sizeof(struct stream *));
    if (grown == NULL) {
        return false;
    }
    m->streams = grown;
    m->streams_cap = cap;
    return true;
}

static struct stream *remember(struct merge *m, struct str name)
{
    struct stream *s = arena_alloc(&m->cache, sizeof(*s));
    struct str copy = arena_copy(&m->cache, name);
    if (!make_place(m) || s == NULL || copy.ptr == NULL ||
        !strmap_put(&m->by_name, copy, (uint32_t)m->streams_count)) {
        return NULL;
    }
    s->of.epoch = str_slice(copy, 0, EPOCH_TEXT_SIZE - 1);
    s->of.device = str_slice(copy, EPOCH_TEXT_SIZE - 1, copy.len);
    m->streams[m->streams_count++] = s;
    return s;
}

static bool read_cut_off(struct merge *m, struct stream *s, struct err *err)
{
    struct db_query q = db_query(m->db, HUB_STORE_CUT_OFF_FIND);
    db_bind_str(&q, ":device", s->of.device);
    db_bind_str(&q, ":epoch", s->of.epoch);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        s->cut_off = arena_copy(&m->cache, db_col_str(&q, 0));
        db_reset(&q);
    }
    return true;
}

static bool read_stream(struct merge *m, struct stream *s, struct err *err)
{
    struct db_query q = db_query(m->db, HUB_STORE_STREAM_FIND);
    db_bind_str(&q, ":device", s->of.device);
    db_bind_str(&q, ":epoch", s->of.epoch);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        s->of.id = db_col_i64(&q, 0);
        s->merged = db_col_i64(&q, 1);
        s->of.first_at_ms = db_col_i64(&q, 2);
        s->check = CHECK_UNKNOWN;
        db_reset(&q);
    }
    return read_cut_off(m, s, err);
}

/* NULL when it cannot be looked up. */
static struct stream *find_stream(struct merge *m, struct str device, const char *epoch,
                                  struct err *err)
{
    char memory[EPOCH_TEXT_SIZE + LIMIT_NAME_BYTES];
    struct buf name = buf_fixed(memory, sizeof(memory));
    buf_add_text(&name, epoch);
    buf_add(&name, device);
    assert(!name.overflow);
    uint32_t place;
    if (strmap_get(&m->by_name, buf_str(&name), &place)) {
        return m->streams[place];
    }
    struct stream *s = remember(m, buf_str(&name));
    if (s == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "merge: no memory for another device");
        return NULL;
    }
    return read_stream(m, s, err) ? s : NULL;
}

/* Where a database stands among the device's others: by its first event, unless that says a time
 * that cannot be. */
static int64_t first_at(struct wall_time at, struct wall_time received)
{
    bool can_be =
        wall_ms(at) >= FIRST_PLAUSIBLE_MS && wall_ms(at) <= wall_ms(received) + AHEAD_MAX_MS;
    return wall_ms(can_be ? at : received);
}

static bool add_stream(struct merge *m, struct stream *s, struct wall_time at,
                       struct wall_time received, struct err *err)
{
    s->of.first_at_ms = first_at(at, received);
    struct db_query q = db_query(m->db, HUB_STORE_STREAM_INSERT);
    db_bind_str(&q, ":device", s->of.device);
    db_bind_str(&q, ":epoch", s->of.epoch);
    db_bind_i64(&q, ":first_at", s->of.first_at_ms);
    db_bind_i64(&q, ":seq", s->merged + 1);
    db_bind_i64(&q, ":received", wall_ms(received));
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    s->of.id = db_col_i64(&q, 0);
    return db_run(&q, err);
}

static const struct str own_gap_mark = STR_INIT("\"recorded_by\":\"hub\"");

static struct message_ack *ack_of(struct merge *m, struct stream *s)
{
    if (s->ack == 0) {
        m->acks[m->acks_count] = (struct merge_ack){.device = s->of.device};
        memcpy(m->acks[m->acks_count].ack.epoch, s->of.epoch.ptr, EPOCH_TEXT_SIZE - 1);
        s->ack = (uint32_t)++m->acks_count;
    }
    struct message_ack *ack = &m->acks[s->ack - 1].ack;
    ack->seq = s->merged;
    ack->check = s->check > 0 ? s->check : 0;
    return ack;
}

/* --- what the log says already --------------------------------------------------------------- */

/* A gap of ours stands for what was never here: nothing is known of it. */
static int64_t check_of(struct str type, struct str body)
{
    if (!str_eq(type, str_from(event_type_name(EVENT_BUFFER_GAP)))) {
        return event_check(body);
    }
    return str_contains(body, own_gap_mark) ? 0 : CHECK_GAP;
}

/* Of the event, or CHECK_GAP, as the log has it; 0 = nothing is known of it. */
static bool logged_check(struct merge *m, const struct stream *s, int64_t seq, int64_t *ret,
                         struct err *err)
{
    if (!log_rows_write(m->rows, m->db, err)) {
        return false;
    }
    struct db_query q = db_query(m->db, HUB_STORE_EVENT_BODY);
    db_bind_i64(&q, ":stream", s->of.id);
    db_bind_i64(&q, ":seq", seq);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    *ret = 0;
    if (has_row) {
        *ret = check_of(db_col_str(&q, 1), db_col_str(&q, 2));
        db_reset(&q);
    }
    return true;
}

static bool know_check(struct merge *m, struct stream *s, struct err *err)
{
    return s->check != CHECK_UNKNOWN || logged_check(m, s, s->merged, &s->check, err);
}

/* --- events ------------------------------------------------------------------------------- */

/* The first seq that an event stands for, of those that were not merged before. */
static int64_t new_from(const struct event *ev, int64_t merged)
{
    return ev->from > merged ? ev->from : merged + 1;
}

/* All new, and the first of them follows what is merged; at least one. Ends with the rows that say how
 * far the stream is. */
static bool add_events(struct merge *m, struct stream *s, const struct told_event *events,
                       size_t count, struct wall_time received, struct err *err)
{
    if (s->of.id == 0 && !add_stream(m, s, events[0].ev.at, received, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct event *ev = &events[i].ev;
        int64_t from = new_from(ev, s->merged);
        log_rows_add(m->rows, s->of.id, ev, from, wall_ms(received));
        bool needs_log = ev->type == EVENT_DEFINITIONS; /* earlier parts of it are read there */
        if ((needs_log && !log_rows_write(m->rows, m->db, err)) ||
            !views_apply(&m->views, &s->of, &events[i], from, err)) {
            return false;
        }
        s->merged = ev->seq;
    }
    const struct event *last = &events[count - 1].ev;
    s->check = check_of(last->type_name, last->body);
    m->events_added += (int64_t)count;
    struct db_query q =
        db_query(m->db, HUB_STORE_STREAM_ADVANCE); /* in the order of its parameters */
    db_bind_at_i64(&q, 1, s->merged);
    db_bind_at_i64(&q, 2, wall_ms(received));
    db_bind_at_i64(&q, 3, s->of.id);
    return db_run(&q, err);
}

static int64_t first_of(const struct event *ev)
{
    return ev->type == EVENT_BUFFER_GAP ? ev->from : ev->seq;
}

/* Reads every line before anything is stored, so that a bad one leaves no trace. */
static bool read_events(struct merge *m, const struct batch_header *header, struct str lines,
                        size_t *ret_count, struct err *why)
{
    struct str rest = lines;
    struct str line;
    size_t count = 0;
    int64_t next = header->first;
    while (str_cut(rest, '\n', &line, &rest)) {
        if (count == LIMIT_BATCH_EVENTS) {
            return err_set(why, ERR_INVALID, "more than %d events", (int)LIMIT_BATCH_EVENTS);
        }
        struct told_event *told = &m->events[count++];
        if (!told_event_parse(line, told, why)) {
            return err_wrap(why, "line %zu", count);
        }
        const struct event *ev = &told->ev;
        /* A batch begins where its header says, also with a gap; a later gap may reach back over
         * what precedes it. */
        bool is_next = count == 1 ? first_of(ev) == next : first_of(ev) <= next && ev->seq >= next;
        if (!is_next || (ev->type != EVENT_BUFFER_GAP && ev->seq != next)) {
            return err_set(why, ERR_INVALID, "line %zu: seq %lld does not follow, expected %lld",
                           count, (long long)ev->seq, (long long)next);
        }
        next = ev->seq + 1;
    }
    if (next != header->last + 1) {
        return err_set(why, ERR_INVALID, "the header says last %lld, the lines end at %lld",
                       (long long)header->last, (long long)next - 1);
    }
    *ret_count = count;
    return true;
}

static void refuse(struct merge *m, struct stream *s, struct str why)
{
    struct message_ack *ack = ack_of(m, s);
    ack->refused = true;
    ack->resend_from = 0;
    struct str reason = arena_copy(&m->cache, why);
    ack->reason = reason.ptr != NULL ? reason : STR("not a batch of events");
}

static bool merge_new_part(struct merge *m, struct stream *s, size_t count,
                           struct wall_time received, struct err *err)
{
    size_t known = 0;
    while (m->events[known].ev.seq <= s->merged) {
        known++;
    }
    return add_events(m, s, m->events + known, count - known, received, err);
}

/* --- another database under the same name ---------------------------------------------------- */

/* Two databases that agree about one event came from the same, and agree about all before it: only
 * the last event that the batch and the log share is compared, or what the batch says of the one
 * before it. A device that has a gap there may have had the event earlier; one that has the event
 * never had a gap. */
static bool find_difference(struct merge *m, const struct stream *s,
                            const struct batch_header *header, size_t count, int64_t *ret_seq,
                            struct err *err)
{
    *ret_seq = 0;
    if (header->first == s->merged + 1) {
        bool differs = header->prev != 0 && s->check != 0 && header->prev != s->check;
        *ret_seq = differs ? s->merged : 0;
        return true;
    }
    for (size_t i = count; i > 0; i--) {
        const struct event *ev = &m->events[i - 1].ev;
        int64_t logged = 0;
        if (ev->seq > s->merged || ev->type == EVENT_BUFFER_GAP) {
            continue;
        }
        if (!logged_check(m, s, ev->seq, &logged, err)) {
            return false;
        }
        if (logged != 0) {
            *ret_seq = logged == event_check(ev->body) ? 0 : ev->seq;
            return true;
        }
    }
    return true;
}

static bool quarantine(struct merge *m, struct stream *s, const struct batch_header *header,
                       struct str payload, int64_t differs, struct wall_time received,
                       struct merge_result *ret, struct err *err)
{
    struct db_query q = db_query(m->db, HUB_STORE_QUARANTINE_ADD);
    db_bind_str(&q, ":device", s->of.device);
    db_bind_str(&q, ":epoch", s->of.epoch);
    db_bind_i64(&q, ":first", header->first);
    db_bind_i64(&q, ":last", header->last);
    db_bind_i64(&q, ":differs", differs);
    db_bind_i64(&q, ":at", wall_ms(received));
    db_bind_blob(&q, ":payload", payload);
    if (!db_run(&q, err)) {
        return false;
    }
    (void)ack_of(m, s);
    (void)err_set(&ret->why, ERR_INVALID,
                  "event %lld of epoch %s is another one in the log: the device was put back to an "
                  "earlier state, or there are two of it; seq %lld to %lld are kept aside, and it "
                  "is told to begin a new epoch",
                  (long long)differs, header->epoch, (long long)header->first,
                  (long long)header->last);
    ret->outcome = MERGE_QUARANTINED;
    return true;
}

/* --- one batch ------------------------------------------------------------------------------- */

static void ask_again(struct merge *m, struct stream *s, struct merge_result *ret)
{
    struct message_ack *ack = ack_of(m, s);
    ack->resend_from = ack->refused ? 0 : s->merged + 1; /* what was refused comes first */
    ret->outcome = MERGE_GAP;
}

static bool take_new_part(struct merge *m, struct stream *s, size_t count,
                          struct wall_time received, struct merge_result *ret, struct err *err)
{
    int64_t before = m->events_added;
    if (!merge_new_part(m, s, count, received, err)) {
        return false;
    }
    struct message_ack *ack = ack_of(m, s);
    ack->refused = false;
    ack->resend_from = 0;
    ack->reason = STR_NONE;
    ret->events = m->events_added - before;
    ret->outcome = MERGE_MERGED;
    return true;
}

static bool merge_batch(struct merge *m, struct stream *s, const struct batch_header *header,
                        struct str payload, struct wall_time received, struct merge_result *ret,
                        struct err *err)
{
    size_t count = 0;
    int64_t differs = 0;
    bool is_new = header->last > s->merged;
    if (!know_check(m, s, err)) {
        return false;
    }
    if (header->first > s->merged + 1) {
        ask_again(m, s, ret);
        return true;
    }
    struct str lines = str_slice(buf_str(&m->views.lines), m->lines_from, m->views.lines.len);
    if (!read_events(m, header, lines, &count, &ret->why)) {
        if (is_new) {
            refuse(m, s, str_from(ret->why.msg));
        } else {
            (void)ack_of(m, s); /* whatever it says: what it stands for is merged */
        }
        ret->outcome = is_new ? MERGE_REFUSED : MERGE_DUPLICATE;
        return true;
    }
    if (!find_difference(m, s, header, count, &differs, err)) {
        return false;
    }
    if (differs > 0) {
        return quarantine(m, s, header, payload, differs, received, ret, err);
    }
    if (!is_new) {
        (void)ack_of(m, s);
        ret->outcome = MERGE_DUPLICATE;
        return true;
    }
    return take_new_part(m, s, count, received, ret, err);
}

static void begin_message(struct merge *m, struct str device)
{
    assert(m->tx.db != NULL && m->batches_added < MERGE_BATCHES_MAX);
    assert(device_name_is_valid(device) || str_eq(device, TOPIC_HUB));
    m->batches_added++;
}

static bool add_batch(struct merge *m, struct str device, struct str payload,
                      struct wall_time received, struct merge_result *ret, struct err *err)
{
    struct batch_header header;
    if (!make_room(m, LIMIT_BATCH_EVENTS, err)) {
        return false;
    }
    m->lines_from = m->views.lines.len;
    if (!batch_decode(payload, &header, &m->views.lines, &ret->why)) {
        ret->outcome = MERGE_UNREADABLE;
        return true;
    }
    memcpy(ret->epoch, header.epoch, EPOCH_TEXT_SIZE);
    struct stream *s = find_stream(m, device, header.epoch, err);
    if (s == NULL) {
        return false;
    }
    if (s->cut_off.len > 0) {
        refuse(m, s, s->cut_off);
        (void)err_set(&ret->why, ERR_DENIED, STR_FMT, STR_ARG(s->cut_off));
        ret->outcome = MERGE_CUT_OFF;
        return true;
    }
    return merge_batch(m, s, &header, payload, received, ret, err);
}

bool merge_add(struct merge *m, struct str device, struct str payload, struct wall_time received,
               struct merge_result *ret, struct err *err)
{
    begin_message(m, device);
    struct merge_result result = {0};
    if (!add_batch(m, device, payload, received, &result, err)) {
        merge_abort(m);
        return err_wrap(err, "merge events of " STR_FMT, STR_ARG(device));
    }
    if (result.outcome != MERGE_MERGED) { /* nothing points at its lines */
        m->views.lines.len = m->lines_from;
    }
    *ret = result;
    return true;
}

/* --- births ------------------------------------------------------------------------------- */

static bool add_own_gap(struct merge *m, struct stream *s, const struct message_birth *birth,
                        struct wall_time received, struct err *err)
{
    char memory[512];
    struct buf body = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&body);
    jw_begin_object(&w);
    jw_member_i64(&w, "seq", birth->first_seq - 1);
    jw_member_wall(&w, "at", birth->at);
    jw_member_str(&w, "type", str_from(event_type_name(EVENT_BUFFER_GAP)));
    jw_member_i64(&w, "from", s->merged + 1);
    jw_member_str(&w, "reason", STR("acknowledged before this log began"));
    jw_member_str(&w, "recorded_by", STR("hub"));
    jw_end_object(&w);
    struct told_event gap;
    return make_room(m, 1, err) &&
           told_event_parse(views_keep(&m->views, buf_str(&body)), &gap, err) &&
           add_events(m, s, &gap, 1, received, err);
}

static bool add_birth(struct merge *m, struct str device, const struct message_birth *birth,
                      struct wall_time received, bool *ret_is_behind, struct err *err)
{
    struct stream *s = find_stream(m, device, birth->epoch, err);
    if (s == NULL) {
        return false;
    }
    if (s->cut_off.len > 0) {
        refuse(m, s, s->cut_off);
        *ret_is_behind = false;
        return true;
    }
    bool is_behind = birth->last_seq < s->merged;
    if (birth->first_seq > s->merged + 1 && !add_own_gap(m, s, birth, received, err)) {
        return false;
    }
    if (!know_check(m, s, err)) {
        return false;
    }
    (void)ack_of(m, s);
    *ret_is_behind = is_behind;
    return true;
}

bool merge_birth(struct merge *m, struct str device, const struct message_birth *birth,
                 struct wall_time received, bool *ret_is_behind, struct err *err)
{
    begin_message(m, device);
    if (!add_birth(m, device, birth, received, ret_is_behind, err)) {
        merge_abort(m);
        return err_wrap(err, "birth of " STR_FMT, STR_ARG(device));
    }
    return true;
}
