/* orphans.h - processes of steps that nobody waits for any more: left behind by a step that ended,
 * or by an agent that was killed.
 *
 * DESIGN. All that a step starts has ORPHANS_VARIABLE in its environment, with the store's id first:
 * another agent's steps are never taken for ours. Found is who has it, and who is in a process
 * group whose leader has it or is gone, and in the control groups of step_groups.h. Before each
 * signal the process is held by a pidfd and looked at again, so that a number that was given away
 * meanwhile hits nobody. Not found is a process that emptied its environment and left its group and
 * is in no control group of ours: docs/reference/steps.md says so. */
#pragma once
#include "agent/run/step_groups.h"
#include "common/base/uuid.h"
#include "common/platform/clock.h"

#define ORPHANS_VARIABLE "SELVEDGE_STEP_TOKEN"

enum { ORPHANS_RUNS_MAX = 64 };
#define ORPHANS_WAIT_NS (5 * NS_PER_SEC) /* the longest that orphans_end() takes */

struct orphans_options {
    const char *proc_dir;       /* "/proc" but in tests */
    struct step_groups *groups; /* NULL = none */
    struct str store;           /* id */
    int64_t grace_ns;           /* between TERM and KILL */
    const struct clock *clock;
};
struct orphans {
    struct {
        char run[UUID_TEXT_SIZE];
        int64_t ended;
    } runs[ORPHANS_RUNS_MAX]; /* the first that were found */
    size_t run_count;
    int64_t ended; /* of all runs */
    int64_t left;  /* that did not end in time: nobody can do more */
};
/* Ends all that is left of this store's steps: TERM, the grace, KILL. Before any step is started;
 * nothing of this process and those that it was started by is touched. Blocks for ORPHANS_WAIT_NS
 * at most, and only when there is something. */
MUST_CHECK bool orphans_end(const struct orphans_options *options, struct orphans *ret,
                            struct err *err);

/* Kills what has this very token, at once; *ret_found is how many were alive. One look through
 * /proc: some milliseconds. Ask again until it is 0: what forks meanwhile is met then. False: it
 * could not look, or somebody who is becoming another program or ending may have it: ask again. */
bool orphans_kill_step(const char *proc_dir, struct str token, int64_t *ret_found);
