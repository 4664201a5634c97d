/* reaper.h - makes this process the parent of what its descendants leave behind, and buries that:
 * without it orphans would go to init, where nobody of ours could find them. Children that the loop
 * watches (loop_child) are left to it. One for a process. */
#pragma once
#include "common/platform/loop.h"

struct reaper {
    struct loop *loop;
    struct loop_task task;
};
/* Handles SIGCHLD from now on. The struct stays where it is until reaper_stop(). */
MUST_CHECK bool reaper_start(struct reaper *reaper, struct loop *loop, struct err *err);
void reaper_stop(struct reaper *reaper); /* idempotent; a zeroed one is allowed */
