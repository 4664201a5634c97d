/* step_host.h - what this host offers to all steps of one agent, found out once at the start: a
 * program to hold them to limits, control groups, an identity to know them again by. */
#pragma once
#include "agent/pipes/pipes_session.h"
#include "agent/run/orphans.h"
#include "agent/store/store.h"
#include "common/platform/loop.h"
#include "common/platform/reaper.h"

#define STEP_GRACE_NS   (10 * NS_PER_SEC) /* between TERM and KILL */
#define ORPHAN_GRACE_NS (2 * NS_PER_SEC)  /* the same for what an agent that was killed left */

struct step_host_options {
    struct loop *loop;
    const struct rng *rng;
    struct store *store;  /* keeps the identity */
    const char *helper;   /* path of selvedge-exec; NULL = no users, limits and groups */
    struct str cgroup;    /* "auto" (and empty): where systemd gave us one; "off"; or a folder */
    const char *proc_dir; /* NULL = /proc */
};

enum { STORE_ID_SIZE = 17 };

/* Read by the other files of agent/run; made and changed only here. */
struct step_host {
    struct loop *loop;
    struct reaper reaper;
    const char *helper;
    const char *proc_dir;
    struct step_groups *groups; /* NULL = none */
    struct pipes_spares spares;
    char store_id[STORE_ID_SIZE]; /* random, as long as the database lives */
};
/* Logs what steps are held by (step.groups, step.no_groups). `helper` and `proc_dir` are borrowed
 * until the close. */
MUST_CHECK bool step_host_open(struct step_host **ret, const struct step_host_options *options,
                               struct err *err);
void step_host_close(struct step_host *host); /* NULL is allowed */

/* Ends what an earlier agent of the same state left running, and logs it by run. Before any step is
 * started. Blocks for ORPHANS_WAIT_NS at most, and only when there is something. */
void step_host_end_orphans(struct step_host *host);
/* Whether some child of ours is not one that we started: a step left it behind. */
bool step_host_has_orphans(const struct step_host *host);
