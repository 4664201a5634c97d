/* store_work.h - a workload of an agent's store whose every state is known: events numbered 0, 1, 2
 * ... are recorded and flushed in groups, read, acknowledged, given up for the quota, trimmed from
 * the history, and the database is closed and opened. Each operation can be tried again after it
 * failed. */
#pragma once
#include "tests/unit/store_fixture.h"

enum store_op { WORK_RECORD, WORK_FLUSH, WORK_READ, WORK_ACKNOWLEDGE, WORK_SET, WORK_REOPEN };

struct store_work {
    struct store_fixture fixture; /* store NULL: not open */
    int steps;                    /* operations to do: STORE_WORK_STEPS or fewer */
    int step;                     /* operations done */
    int next_number;              /* of the next event to record */
    int64_t reported_seq;         /* a flush, or an opening, said that this much is recorded */
    int64_t acked_seq;            /* an acknowledgement was taken up to here */
    int64_t acking_seq;           /* or is being: the operation failed */
    struct buf reason;            /* takes no heap: it is not what is to fail */
    char reason_memory[2048];
    struct buf lines;
};
enum { STORE_WORK_STEPS = 180 };

void store_work_init(struct store_work *w, const char *path, const char *vfs);
void store_work_release(struct store_work *w); /* closes */

/* Opens the store where it is closed, and notes where it stands. */
MUST_CHECK bool store_work_open(struct store_work *w, struct err *err);
enum store_op store_work_next(const struct store_work *w); /* what comes next */
/* One operation; on false it has not been done and comes next again. */
MUST_CHECK bool store_work_step(struct store_work *w, struct err *err);
/* Until all is done or one fails. */
MUST_CHECK bool store_work_run(struct store_work *w, struct err *err);
