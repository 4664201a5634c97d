/* step_groups.h - a control group (v2) for each step, where the host lets us make some. It holds
 * all that the step starts, also what left its process group; bounds their memory and their number
 * together; says when the kernel killed for memory; and ends them all at once.
 *
 * DESIGN. They are made in the group that systemd delegated to us (Delegate=yes; it marks the
 * folder), or in one that is given. A group that hands controllers on may hold no process itself,
 * so that the agent moves into `agent` below it; the groups of steps are
 * step-<store>-<run>-<number>, beside. Where there is no such folder, as in most containers, and
 * under control groups of version 1, steps go without: process groups, limits of each process, and
 * the token of orphans.h stand in. Controllers may be missing (Raspberry Pi OS has memory off):
 * then a group still ends what is in it. */
#pragma once
#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/base/str.h"
#include <stdint.h>

struct step_groups;
/* `folder` NULL: the one that was delegated to this process. ERR_NOT_FOUND, with the reason: none
 * was. `store` is put into the names: those of another agent are never touched. */
MUST_CHECK bool step_groups_open(struct step_groups **ret, const char *folder, struct str store,
                                 struct err *err);
void step_groups_close(struct step_groups *groups); /* leaves the groups; NULL is allowed */
bool step_groups_bound_memory(const struct step_groups *groups);
bool step_groups_bound_processes(const struct step_groups *groups);
const char *step_groups_folder(const struct step_groups *groups);

struct step_group {
    char path[LIMIT_PATH_BYTES + 1]; /* empty = none */
};
/* Limits of 0 are none. One that the controllers here cannot keep is left to the caller. */
MUST_CHECK bool step_group_make(struct step_groups *groups, struct str run, int64_t memory_bytes,
                                int64_t processes, struct step_group *ret, struct err *err);
/* Asks the kernel to end all that is in it; they are gone a moment later. */
void step_group_kill(const struct step_group *group);
int64_t step_group_count(const struct step_group *group); /* processes in it, but for nested ones */
/* True: it is gone, or never was; false: somebody is in it still. */
bool step_group_remove(struct step_group *group);
/* Processes of it that the kernel killed for memory: its own limit, or the host's end. */
int64_t step_group_memory_kills(const struct step_group *group);
/* The most memory that it had at once, in bytes; 0 where the kernel does not say (before Linux 5.19). */
int64_t step_group_memory_peak(const struct step_group *group);
/* Whether it was once as many processes as it may be. */
bool step_group_was_full(const struct step_group *group);

/* The groups that an earlier agent of this store left, with the run each was for. */
MUST_CHECK bool step_groups_each_left(const struct step_groups *groups,
                                      bool (*on_group)(void *ctx, const struct step_group *group,
                                                       struct str run),
                                      void *ctx, struct err *err);
