/* partition_time.h - the windows of PARTITION_TIME: their numbers, and the text of their starts.
 * Pure. Used by the partition files of this folder only. */
#pragma once
#include "common/model/partition.h"

/* Windows are numbered by their start: 0 begins at the first tick at or after p->start; those
 * before it have negative numbers. */
struct window_number {
    int64_t value;
    bool is_start; /* the instant is the start of that window */
};
/* The window that holds the instant. False: the cron expression never fires. */
bool partition_time_number(const struct partitions *p, struct wall_time at,
                           struct window_number *ret);
bool partition_time_window(const struct partitions *p, int64_t number,
                           struct partition_window *ret);
/* How many windows there are at `now`. */
int64_t partition_time_count(const struct partitions *p, struct wall_time now);

/* Appends the key of the window that starts at `start`. */
void partition_time_write(const struct partitions *p, struct wall_time start, struct buf *out);
/* The start of the window that the key names; it must be a start, but may be before the first. */
MUST_CHECK bool partition_time_read(const struct partitions *p, struct str key,
                                    struct wall_time *ret_start, struct err *err);
/* Only known directives, and a year. */
MUST_CHECK bool partition_format_check(struct str format, struct err *err);
