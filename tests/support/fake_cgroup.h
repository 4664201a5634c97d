/* fake_cgroup.h - a folder that behaves like a control group (v2) as far as steps use one, for hosts
 * where none can be made: mkdir() below it makes the kernel's files too, rmdir() takes them away
 * (link-time wraps). One at a time, one thread. */
#pragma once
#include <stdbool.h>

struct fake_cgroup {
    const char *controllers; /* that can be handed on: "memory pids", "" */
    int memory_kills;        /* what a new group says of itself */
    long memory_peak;        /* bytes */
    int times_full;
    int busy;         /* so many times rmdir() says that somebody is in it; then it was killed */
    bool is_readonly; /* mkdir() is refused */
    int kills;        /* groups that were asked to end all in them, by the time of their rmdir() */
    int made;
};
/* Makes the folder's own files. `root` exists; both are borrowed until fake_cgroup_end(). */
void fake_cgroup_begin(struct fake_cgroup *with, const char *root);
void fake_cgroup_end(void);
