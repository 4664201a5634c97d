/* run_work.h - a workload of an agent's store that is the life of runs: a schedule's ticks queue
 * them, they start, their steps succeed, are tried again and fail, new runs try them again, wait,
 * are canceled; a backfill has some of them, and what is old is forgotten. It goes on in turns, each
 * of which is one flush (or one expiry), always the same: so what the database holds after each
 * turn is known, and compared whole. */
#pragma once
#include "tests/unit/store_fixture.h"

enum {
    RUN_WORK_TURNS = 28,
    RUN_WORK_RECORDS_MAX = 40,
    RUN_WORK_NAMES_MAX = 40,
    RUN_WORK_NAME_BYTES = 16,
    RUN_WORK_DUMP_MAX = 1 << 20,
};

struct run_work {
    struct store_fixture fixture; /* store NULL: not open */
    int turns;                    /* to do: RUN_WORK_TURNS or fewer */
    int turn;                     /* done, as far as anybody was told */
    size_t said;                  /* of the present turn's records: given to the store */
    size_t count;
    struct record records[RUN_WORK_RECORDS_MAX];
    char names[RUN_WORK_NAMES_MAX][RUN_WORK_NAME_BYTES]; /* no heap: it is not what is to fail */
    size_t name_count;
};

void run_work_init(struct run_work *w, const char *path, const char *vfs);
void run_work_release(struct run_work *w); /* closes */
void run_work_close(struct run_work *w);   /* the store: what was not flushed is told anew */

MUST_CHECK bool run_work_open(struct run_work *w, struct err *err);
/* The next turn forgets what is old, in several transactions: in between, the database may be in
 * neither turn's state. */
bool run_work_expires_next(const struct run_work *w);
/* One turn; on false it is not done, or not told to be, and may be tried again. */
MUST_CHECK bool run_work_turn(struct run_work *w, struct err *err);
MUST_CHECK bool run_work_run(struct run_work *w, struct err *err); /* the turns that are left */

/* Appends every row of every table of the run state. The store must be open. */
void run_work_dump(struct run_work *w, struct buf *ret);
/* Fails the test unless what a restarted engine reads fits together: known states, no step or part
 * of nothing, nothing open in what has ended, no tick twice, no event missing. */
void run_work_check(struct run_work *w);
