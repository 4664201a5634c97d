#include "agent/run/orphans.h"

#include "common/platform/files.h"
#include "common/platform/proc.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    HELD_MAX = 256, /* at a time: each costs a descriptor. The rest is met in the next round */
    ANCESTORS_MAX = 64,
    ENTRY_BYTES = 1024,  /* of the variable: a store's id, a run's, a step's key */
    KILL_WAIT_MS = 1000, /* for what was killed to be gone, before looking again */
    GROUP_WAIT_MS = 10,
    UNSURE_WAIT_MS = 1,
};

struct orphan {
    struct proc proc;
    char run[UUID_TEXT_SIZE];
    struct fd held; /* -1: it is not signalled */
    bool has_ended;
};

/* One look through /proc. */
struct search {
    const char *proc_dir;
    struct str prefix; /* of the variable: "NAME=<store>/", or a whole token with `is_exact` */
    bool is_exact;
    pid_t spared[ANCESTORS_MAX]; /* ourselves and who started us */
    size_t spared_count;
    struct orphan found[HELD_MAX];
    size_t count;
    size_t with_token; /* the first of `found`; the others are in their groups */
    bool is_unsure;    /* somebody was becoming another program, or ending: look again */
};

/* --- looking ---------------------------------------------------------------------------------- */

static void spare_ourselves(struct search *s)
{
    struct proc proc = {.parent = getpid()};
    do {
        s->spared[s->spared_count++] = proc.parent;
    } while (s->spared_count < ANCESTORS_MAX && proc_read(s->proc_dir, proc.parent, &proc) &&
             proc.parent > 1);
}

static bool is_spared(const struct search *s, pid_t pid)
{
    for (size_t i = 0; i < s->spared_count; i++) {
        if (s->spared[i] == pid) {
            return true;
        }
    }
    return pid <= 1;
}

static const struct orphan *find(const struct search *s, pid_t pid)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->found[i].proc.pid == pid) {
            return &s->found[i];
        }
    }
    return NULL;
}

static void add(struct search *s, const struct proc *proc, struct str run)
{
    struct orphan *orphan = &s->found[s->count++];
    *orphan = (struct orphan){.proc = *proc, .held = {-1}};
    (void)snprintf(orphan->run, sizeof(orphan->run), STR_FMT, STR_ARG(run));
}

static enum proc_variable find_token(const struct search *s, pid_t pid, char entry[ENTRY_BYTES])
{
    enum proc_variable found = proc_find_variable(s->proc_dir, pid, s->prefix, entry, ENTRY_BYTES);
    bool is_longer = found == PROC_VARIABLE_FOUND && s->is_exact && strlen(entry) > s->prefix.len;
    return is_longer ? PROC_VARIABLE_NONE : found;
}

static bool look_for_token(void *ctx, pid_t pid)
{
    struct search *s = ctx;
    char entry[ENTRY_BYTES];
    struct proc proc;
    enum proc_variable token = is_spared(s, pid) ? PROC_VARIABLE_NONE : find_token(s, pid, entry);
    s->is_unsure = s->is_unsure || token == PROC_VARIABLE_UNKNOWN;
    if (token == PROC_VARIABLE_FOUND && proc_read(s->proc_dir, pid, &proc) && proc.state != 'Z') {
        struct str run = STR_NONE;
        struct str step = STR_NONE;
        struct str rest = str_from(entry);
        (void)str_cut(str_slice(rest, s->is_exact ? rest.len : s->prefix.len, rest.len), '/', &run,
                      &step);
        add(s, &proc, run);
    }
    return s->count < HELD_MAX;
}

/* Of a group that a step leads or led: who has the token may be in a foreign one, too. */
static const struct orphan *find_group(const struct search *s, pid_t group)
{
    struct proc leader;
    for (size_t i = 0; i < s->with_token; i++) {
        if (s->found[i].proc.group == group) {
            bool is_ours = find(s, group) != NULL || !proc_read(s->proc_dir, group, &leader);
            return is_ours ? &s->found[i] : NULL;
        }
    }
    return NULL;
}

static bool look_for_group(void *ctx, pid_t pid)
{
    struct search *s = ctx;
    struct proc proc;
    if (!is_spared(s, pid) && find(s, pid) == NULL && proc_read(s->proc_dir, pid, &proc) &&
        proc.state != 'Z') {
        const struct orphan *fellow = find_group(s, proc.group);
        if (fellow != NULL) {
            add(s, &proc, str_from(fellow->run));
        }
    }
    return s->count < HELD_MAX;
}

static bool look(struct search *s, struct err *err)
{
    s->count = 0;
    s->is_unsure = false;
    if (!proc_each(s->proc_dir, look_for_token, s, err)) {
        return false;
    }
    s->with_token = s->count;
    return s->count == 0 || s->count == HELD_MAX || proc_each(s->proc_dir, look_for_group, s, err);
}

/* --- ending ----------------------------------------------------------------------------------- */

/* Holds a process, makes sure that it still is the one that was found, and signals it. */
static void signal_one(const struct search *s, struct orphan *orphan, bool by_token, int signo)
{
    char entry[ENTRY_BYTES];
    orphan->held.n = proc_hold_same(s->proc_dir, &orphan->proc);
    orphan->has_ended = orphan->held.n < 0;
    if (orphan->held.n >= 0 &&
        (!by_token || find_token(s, orphan->proc.pid, entry) == PROC_VARIABLE_FOUND)) {
        (void)proc_send(orphan->held.n, signo);
    }
}

static void signal_all(struct search *s, int signo)
{
    for (size_t i = 0; i < s->count; i++) {
        signal_one(s, &s->found[i], i < s->with_token, signo);
    }
}

static void release_all(struct search *s)
{
    for (size_t i = 0; i < s->count; i++) {
        fd_release(&s->found[i].held);
    }
}

/* Waits until all that are held have ended, or until `until`. */
static void wait_for_all(struct search *s, const struct clock *clock, struct mono_time until)
{
    struct pollfd polls[HELD_MAX];
    for (;;) {
        nfds_t count = 0;
        for (size_t i = 0; i < s->count; i++) {
            if (!s->found[i].has_ended) {
                polls[count++] = (struct pollfd){.fd = s->found[i].held.n, .events = POLLIN};
            }
        }
        int64_t left_ms = (until.ns - clock_mono(clock).ns) / NS_PER_MS;
        if (count == 0 || left_ms < 0) {
            return;
        }
        if (poll(polls, count, (int)left_ms + 1) <= 0) {
            return;
        }
        count = 0;
        for (size_t i = 0; i < s->count; i++) {
            if (!s->found[i].has_ended) {
                s->found[i].has_ended = polls[count++].revents != 0;
            }
        }
    }
}

static void count_end(struct orphans *o, struct str run)
{
    o->ended++;
    for (size_t i = 0; i < o->run_count; i++) {
        if (str_eq(str_from(o->runs[i].run), run)) {
            o->runs[i].ended++;
            return;
        }
    }
    if (o->run_count < ORPHANS_RUNS_MAX) {
        (void)snprintf(o->runs[o->run_count].run, sizeof(o->runs[0].run), STR_FMT, STR_ARG(run));
        o->runs[o->run_count++].ended = 1;
    }
}

static void count_ends(struct orphans *o, const struct search *s)
{
    o->left = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->found[i].has_ended && s->found[i].held.n >= 0) {
            count_end(o, str_from(s->found[i].run));
        }
        o->left += !s->found[i].has_ended;
    }
}

/* TERM until the grace is over, then KILL, until a look finds nobody. */
static bool end_processes(const struct orphans_options *options, struct search *s,
                          struct orphans *o, struct mono_time deadline, struct err *err)
{
    struct mono_time kill_at = {clock_mono(options->clock).ns + options->grace_ns};
    for (;;) {
        struct mono_time now = clock_mono(options->clock);
        if (!look(s, err)) {
            return false;
        }
        if ((s->count == 0 && !s->is_unsure) || now.ns >= deadline.ns) {
            o->left = (int64_t)s->count;
            return true;
        }
        if (s->count == 0) {
            (void)poll(NULL, 0, UNSURE_WAIT_MS);
            continue;
        }
        bool is_kill = now.ns >= kill_at.ns;
        struct mono_time until = {is_kill ? now.ns + KILL_WAIT_MS * NS_PER_MS : kill_at.ns};
        signal_all(s, is_kill ? SIGKILL : SIGTERM);
        wait_for_all(s, options->clock, until.ns < deadline.ns ? until : deadline);
        count_ends(o, s);
        release_all(s);
    }
}

/* --- control groups --------------------------------------------------------------------------- */

struct group_end {
    struct orphans *orphans;
    const struct clock *clock;
    struct mono_time deadline;
};

static bool end_group(void *ctx, const struct step_group *left, struct str run)
{
    struct group_end *end = ctx;
    struct step_group group = *left;
    int64_t processes = step_group_count(&group);
    while (!step_group_remove(&group)) {
        if (clock_mono(end->clock).ns >= end->deadline.ns) {
            end->orphans->left += step_group_count(&group);
            return true;
        }
        step_group_kill(&group);
        (void)poll(NULL, 0, GROUP_WAIT_MS);
    }
    for (int64_t i = 0; i < processes; i++) {
        count_end(end->orphans, run);
    }
    return true;
}

/* Everything is on the stack, some 25 KB: it must work when there is no memory to be had. */
bool orphans_end(const struct orphans_options *options, struct orphans *ret, struct err *err)
{
    *ret = (struct orphans){0};
    struct mono_time deadline = {clock_mono(options->clock).ns + ORPHANS_WAIT_NS};
    char prefix[ENTRY_BYTES];
    (void)snprintf(prefix, sizeof(prefix), ORPHANS_VARIABLE "=" STR_FMT "/",
                   STR_ARG(options->store));
    struct search s = {.proc_dir = options->proc_dir, .prefix = str_from(prefix)};
    spare_ourselves(&s);
    struct group_end end = {.orphans = ret, .clock = options->clock, .deadline = deadline};
    return end_processes(options, &s, ret, deadline, err) &&
           (options->groups == NULL ||
            step_groups_each_left(options->groups, end_group, &end, err));
}

bool orphans_kill_step(const char *proc_dir, struct str token, int64_t *ret_found)
{
    char entry[ENTRY_BYTES];
    struct err ignored = {0};
    int len = snprintf(entry, sizeof(entry), ORPHANS_VARIABLE "=" STR_FMT, STR_ARG(token));
    struct search s = {.proc_dir = proc_dir, .prefix = str_from(entry), .is_exact = true};
    *ret_found = 0;
    if (len >= (int)sizeof(entry)) {
        return true; /* nobody was ever given such a one */
    }
    spare_ourselves(&s);
    if (!look(&s, &ignored)) {
        return false;
    }
    *ret_found = (int64_t)s.count;
    signal_all(&s, SIGKILL);
    release_all(&s);
    return s.count > 0 || !s.is_unsure;
}
