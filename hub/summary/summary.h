/* summary.h - the fleet's figures, kept up to date: all is read once, device by device, and then what the log tells
 * of. A million assets on devices are read in some seconds after the start and take 60 MB; from then on no question
 * waits for more than SUMMARY_SLICE_MS, and sees the last commit unless more than that has come at once. Thread: the loop's. */
#pragma once
#include "common/platform/loop.h"
#include "hub/summary/counts.h"

enum {
    SUMMARY_SLICE_MS = 3,  /* of work at a time */
    SUMMARY_LOOK_MS = 500, /* the log is looked at so often when nobody asks */
    SUMMARY_PEERS_FEW = 500,
    SUMMARY_PEERS_MS = 100, /* who is on line is read at most so often of more devices than those */
    SUMMARY_AGAIN_S = 60,   /* when it did not fit into memory */
};
struct summary;
MUST_CHECK bool summary_open(struct summary **ret, struct loop *loop, const char *database,
                             struct err *err);
void summary_close(struct summary *s); /* NULL is allowed */
/* As of now. Before all was read once, it is read to the end first. ERR_FULL: more assets than fit. */
MUST_CHECK bool summary_get(struct summary *s, struct counts **ret, struct err *err);
/* Called, in a turn of the loop of its own, when something of partitions.h or named.h that was being read is there. */
void summary_on_ready(struct summary *s, void (*on_ready)(void *ctx), void *ctx);
/* A slice of that, as by the timer; *ret_done: nothing is left to read. For tests. */
MUST_CHECK bool summary_step(struct summary *s, bool *ret_done, struct err *err);

struct summary_failing {
    struct str device, asset, run, error; /* error: JSON */
    struct wall_time at;
};
/* The newest failures, newest first. Texts live in `arena`. */
MUST_CHECK bool summary_newest_failing(struct summary *s, struct arena *arena,
                                       struct summary_failing ret[COUNTS_NEWEST], size_t *ret_count,
                                       struct err *err);
