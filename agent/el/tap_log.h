/* tap_log.h - the standard error of a tap that we started: each byte goes on to ours, where it is
 * the step's log, and each line is looked at for measurements. */
#pragma once
#include "agent/el/tap_metrics.h"
#include "common/base/err.h"

struct tap_log {
    int fd; /* borrowed; does not block; -1 = there is nothing more to hear */
    struct tap_metrics metrics;
    struct buf line;  /* the beginning of one */
    bool is_skipping; /* the rest of a line that is too long to be a measurement */
};
MUST_CHECK bool tap_log_init(struct tap_log *l, int fd, struct arena *arena, struct err *err);
/* Takes what is there. */
void tap_log_listen(void *log);
void tap_log_release(struct tap_log *l);
