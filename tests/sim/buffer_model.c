/* buffer_model.c - what agent/store promises, without a database: flushed events survive, pending
 * ones do not, events are read in order, and beyond the quota the oldest become one gap record. */
#include "tests/sim/buffer.h"

#include "common/base/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    int64_t seq;
    int64_t from; /* of a gap */
    size_t len;
    char line[400];
};
struct model {
    struct buffer base;
    int64_t quota;
    struct row *rows; /* waiting and acknowledged ones still held, oldest first */
    size_t count, cap;
    struct record pending[64];
    char texts[64][64]; /* what the pending records' reasons point at */
    size_t pending_count;
};

static struct model *self(struct buffer *b)
{
    return (struct model *)b;
}

static bool record_one(struct buffer *b, const struct record *record)
{
    struct model *m = self(b);
    if (m->pending_count == COUNT_OF(m->pending)) {
        return false;
    }
    struct record *copy = &m->pending[m->pending_count];
    *copy = *record;
    (void)snprintf(m->texts[m->pending_count], sizeof(m->texts[0]), STR_FMT,
                   STR_ARG(record->reason));
    copy->reason = str_from(m->texts[m->pending_count++]);
    return true;
}

static bool encode(struct row *row, const struct record *record)
{
    struct err err = {0};
    AUTO(buf) out = buf_growing(sizeof(row->line));
    if (!record_encode(record, row->seq, &out, &err) || out.len >= sizeof(row->line)) {
        return false;
    }
    memcpy(row->line, out.ptr, out.len);
    row->len = out.len;
    return true;
}

static void drop_rows(struct model *m, size_t from, size_t count)
{
    if (count == 0) {
        return;
    }
    memmove(&m->rows[from], &m->rows[from + count], (m->count - from - count) * sizeof(m->rows[0]));
    m->count -= count;
}

/* Everything that waits but the newest quarter becomes one gap record, which may swallow an earlier
 * one. */
static void apply_quota(struct model *m, struct wall_time now)
{
    int64_t bytes = 0;
    size_t first = 0;
    for (size_t i = 0; i < m->count; i++) {
        first += m->rows[i].seq <= m->base.acked_seq;
        bytes += m->rows[i].seq > m->base.acked_seq ? (int64_t)m->rows[i].len : 0;
    }
    size_t waiting = m->count - first;
    if (bytes <= m->quota || waiting < 4) {
        return;
    }
    size_t dropped = waiting - waiting / 4;
    struct row *oldest = &m->rows[first];
    struct row gap = {.seq = m->rows[first + dropped - 1].seq,
                      .from = oldest->from > 0 ? oldest->from : oldest->seq};
    char members[64];
    (void)snprintf(members, sizeof(members), "\"from\":%lld", (long long)gap.from);
    struct record said = {
        .type = EVENT_BUFFER_GAP, .at = now, .reason = STR("quota"), .members = str_from(members)};
    if (encode(&gap, &said)) {
        drop_rows(m, first, dropped - 1);
        m->rows[first] = gap;
    }
}

static void make_place(struct model *m)
{
    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? 16 : 2 * m->cap;
        m->rows = reallocarray(m->rows, m->cap, sizeof(*m->rows));
    }
    if (m->rows == NULL) {
        abort();
    }
}

static bool flush(struct buffer *b, struct wall_time now)
{
    struct model *m = self(b);
    for (size_t i = 0; i < m->pending_count; i++) {
        if (m->count == BUFFER_EVENTS_MAX) {
            drop_rows(m, 0, 1); /* of the history: the quota keeps what waits far below */
        }
        make_place(m);
        struct row *row = &m->rows[m->count];
        *row = (struct row){.seq = m->base.last_seq + 1};
        if (!encode(row, &m->pending[i])) {
            return false;
        }
        m->count++;
        m->base.last_seq++;
    }
    m->pending_count = 0;
    apply_quota(m, now);
    return true;
}

static bool read_batch(struct buffer *b, int64_t from, int max, struct batch_header *header,
                       struct buf *lines)
{
    struct model *m = self(b);
    int taken = 0;
    for (size_t i = 0; i < m->count && taken < max; i++) {
        const struct row *row = &m->rows[i];
        if (row->seq < from) {
            continue;
        }
        header->first = taken == 0 ? (row->from > 0 ? row->from : row->seq) : header->first;
        header->last = row->seq;
        buf_add(lines, (struct str){row->line, row->len});
        taken++;
    }
    memcpy(header->epoch, m->base.epoch, sizeof(header->epoch));
    return taken > 0;
}

static bool acknowledge(struct buffer *b, int64_t seq)
{
    struct model *m = self(b);
    b->acked_seq = seq > b->acked_seq ? seq : b->acked_seq;
    size_t done = 0;
    while (done < m->count && m->rows[done].seq <= b->acked_seq) {
        done++;
    }
    drop_rows(m, 0, done);
    return true;
}

static bool check(struct buffer *b, int64_t seq, int64_t *ret_check)
{
    const struct model *m = self(b);
    for (size_t i = 0; i < m->count; i++) {
        if (m->rows[i].seq == seq && m->rows[i].from == 0) {
            struct str line = {m->rows[i].line, m->rows[i].len};
            *ret_check = event_check(str_trim_end(line, '\n'));
            return true;
        }
    }
    return false;
}

/* The number is the first member of a line. Not for a buffer that gave events up. */
static void renumber(struct row *row, int64_t by)
{
    char line[sizeof(row->line)];
    struct buf out = buf_fixed(line, sizeof(line));
    struct str rest = {row->line, row->len};
    struct str number = STR_NONE;
    if (row->from != 0 || !str_cut(rest, ',', &number, &rest)) {
        abort();
    }
    row->seq -= by;
    buf_addf(&out, "{\"seq\":%lld," STR_FMT, (long long)row->seq, STR_ARG(rest));
    memcpy(row->line, line, out.len);
    row->len = out.len;
}

static bool begin_epoch(struct buffer *b, const struct rng *rng)
{
    struct model *m = self(b);
    int64_t by = b->acked_seq;
    (void)acknowledge(b, by);
    for (size_t i = 0; i < m->count; i++) {
        renumber(&m->rows[i], by);
    }
    b->last_seq -= by;
    b->acked_seq = 0;
    rng_hex(rng, (EPOCH_TEXT_SIZE - 1) / 2, b->epoch);
    return true;
}

static void crash(struct buffer *b, uint64_t seed, struct wall_time now)
{
    (void)seed;
    (void)now;
    self(b)->pending_count = 0;
}

static void close_model(struct buffer *b)
{
    free(self(b)->rows);
    free(self(b));
}

struct buffer *buffer_model_copy(struct buffer *b)
{
    const struct model *m = self(b);
    struct model *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, m, sizeof(*copy));
    copy->rows = NULL;
    copy->count = copy->cap = copy->pending_count = 0;
    while (copy->count < m->count) {
        make_place(copy);
        copy->rows[copy->count] = m->rows[copy->count];
        copy->count++;
    }
    return &copy->base;
}

struct buffer *buffer_model(const struct rng *rng, int64_t quota_bytes)
{
    static const struct buffer_ops ops = {record_one, flush,       read_batch, acknowledge,
                                          check,      begin_epoch, crash,      close_model};
    struct model *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        abort();
    }
    m->base.ops = &ops;
    m->quota = quota_bytes;
    rng_hex(rng, (EPOCH_TEXT_SIZE - 1) / 2, m->base.epoch);
    return &m->base;
}
