#include "store_work.h"

#include "common/base/limits.h"
#include <stdio.h>
#include <string.h>

/* Small, so that a short workload drops and trims many times. */
enum { QUOTA = 12 << 10, HISTORY = 6 << 10, PENDING = 64 << 10, GROUP = 6, REOPEN_EVERY = 60 };

void store_work_init(struct store_work *w, const char *path, const char *vfs)
{
    memset(w, 0, sizeof(*w));
    w->steps = STORE_WORK_STEPS;
    store_fixture_init(&w->fixture, path, vfs);
    w->fixture.options.quota_bytes = QUOTA;
    w->fixture.options.history_bytes = HISTORY;
    w->fixture.options.pending_bytes_max = PENDING;
    w->reason = buf_fixed(w->reason_memory, sizeof(w->reason_memory));
    w->lines = buf_growing(STORE_FIXTURE_LINES_MAX);
}

void store_work_release(struct store_work *w)
{
    store_fixture_close(&w->fixture);
    buf_release(&w->lines);
}

bool store_work_open(struct store_work *w, struct err *err)
{
    struct store_fixture *f = &w->fixture;
    if (f->store != NULL) {
        return true;
    }
    if (!store_open(&f->store, &f->options, f->now, NULL, err)) {
        f->store = NULL;
        return false;
    }
    w->reported_seq = store_last_seq(f->store);
    w->acked_seq = store_acked_seq(f->store);
    w->next_number = (int)w->reported_seq; /* what was not flushed is gone, and told anew */
    return true;
}

/* Ten operations make a round: six records, a flush, and others in turn. */
enum store_op store_work_next(const struct store_work *w)
{
    static const enum store_op others[][3] = {
        {WORK_READ, WORK_SET, WORK_READ},
        {WORK_ACKNOWLEDGE, WORK_READ, WORK_READ},
        {WORK_FLUSH, WORK_READ, WORK_ACKNOWLEDGE},
    };
    int round = w->step / 10;
    int place = w->step % 10;
    if (place < GROUP) {
        return WORK_RECORD;
    }
    if (place == GROUP) {
        return WORK_FLUSH;
    }
    bool is_last = place == 9;
    return is_last && (w->step + 1) % REOPEN_EVERY == 0 ? WORK_REOPEN
                                                        : others[round % 3][place - GROUP - 1];
}

static bool record(struct store_work *w, struct err *err)
{
    size_t len = 100 + (size_t)(w->next_number * 977) % 1200;
    struct record r = store_fixture_record(&w->fixture, w->next_number, len, &w->reason);
    if (!store_record(w->fixture.store, &r, err)) {
        return false;
    }
    w->next_number++;
    return true;
}

static bool flush(struct store_work *w, struct err *err)
{
    if (!store_flush(w->fixture.store, w->fixture.now, err)) {
        return false;
    }
    w->reported_seq = store_last_seq(w->fixture.store);
    return true;
}

static bool read_some(struct store_work *w, struct err *err)
{
    struct batch_header header;
    buf_reset(&w->lines);
    return w->reported_seq == w->acked_seq ||
           store_read_batch(w->fixture.store, w->acked_seq + 1, 20, &header, &w->lines, err);
}

static bool acknowledge(struct store_work *w, struct err *err)
{
    int64_t waiting = w->reported_seq - w->acked_seq;
    w->acking_seq = w->acked_seq + waiting * (w->step % 4) / 4;
    if (!store_acknowledge(w->fixture.store, w->acking_seq, err)) {
        return false;
    }
    w->acked_seq = w->acking_seq;
    return true;
}

static bool set(struct store_work *w, struct err *err)
{
    char value[32];
    (void)snprintf(value, sizeof(value), "%d", w->step);
    return store_set_setting(w->fixture.store, STR("step"), str_from(value), err);
}

static bool do_op(struct store_work *w, enum store_op op, struct err *err)
{
    switch (op) {
    case WORK_RECORD:
        return record(w, err);
    case WORK_FLUSH:
        return flush(w, err);
    case WORK_READ:
        return read_some(w, err);
    case WORK_ACKNOWLEDGE:
        return acknowledge(w, err);
    case WORK_SET:
        return set(w, err);
    case WORK_REOPEN:
        store_fixture_close(&w->fixture);
        return store_work_open(w, err);
    }
    return true;
}

bool store_work_step(struct store_work *w, struct err *err)
{
    if (!store_work_open(w, err) || !do_op(w, store_work_next(w), err)) {
        return false;
    }
    w->step++;
    return true;
}

bool store_work_run(struct store_work *w, struct err *err)
{
    while (w->step < w->steps) {
        if (!store_work_step(w, err)) {
            return false;
        }
    }
    return true;
}
