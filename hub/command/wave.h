/* wave.h - a command that only so many devices may work on at a time: who may begin, who gives up
 * its place, when the hub stops. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/time.h"

struct wave {
    int64_t devices; /* that are meant */
    int64_t at_once;
    int64_t patience_ns;   /* a device without an end after that gives up its place; 0 = never */
    int64_t abort_failed;  /* stop when more than that failed; 0 = never */
    int64_t abort_percent; /* the same, of all that are meant */
    /* how many are where */
    int64_t working, succeeded, failed, overdue;
};
/* How many more may begin. */
int64_t wave_room(const struct wave *w);
/* Whether too many failed, were refused or were given up on; appends why. */
bool wave_is_hopeless(const struct wave *w, struct buf *why);
bool wave_is_overdue(const struct wave *w, struct wall_time since, struct wall_time now);
