/* step_process.h - the child of one step attempt: started in its own process group (and control
 * group, where there is one), its output and messages read, its time-out kept, and at its end all
 * that it started ended with it. A shell around common/platform/spawn.h; knows nothing of runs. */
#pragma once
#include "agent/run/step_host.h"
#include "agent/run/worker_messages.h"
#include "common/base/arena.h"
#include "common/platform/confine.h"

struct step_process;

/* One stream of output. */
struct step_output {
    int64_t bytes;   /* that were written */
    int64_t dropped; /* of them not in the files: over the limit, or the disk was full */
};
/* What the attempt came to. Text is borrowed from the process until step_process_close(). */
struct step_result {
    bool ok; /* exit code 0, no error message, not stopped by us */
    bool timed_out;
    bool canceled;
    int64_t left_processes; /* that it started and that were still there, and were ended; with no
                               control group, user or token to count them by, 1 stands for all */
    int64_t duration_ns;
    int exit_code;         /* -1: it was killed, or never ran */
    char exit[64];         /* "exit code 3"; empty when it ended with 0 */
    struct str error_code; /* not ok: "failed", "timeout", "canceled", "out_of_memory", "limit" or
                              what the child said */
    struct str error_message;
    struct str error_hint;
    struct str metadata;             /* JSON object of the materialization; may be empty */
    const struct step_asset *assets; /* of a step that makes several; also when not ok */
    size_t asset_count;
    const struct step_check *checks;
    size_t check_count;
    const struct strmap *asset_at, *check_at; /* of worker_messages.h; NULL: there are few */
    struct step_output out;
    struct step_output err;
    struct str first_line; /* of standard output */
};

/* What was said of one of several assets, or of a check (`asset` is empty where the step makes one).
 * NULL: nothing. */
const struct step_asset *step_result_asset(const struct step_result *result, struct str key);
const struct step_check *step_result_check(const struct step_result *result, struct str asset,
                                           struct str name);

/* Who left something behind, for the log. */
struct step_left_by {
    struct str run, asset, check; /* `check` is empty for the step itself */
    int64_t attempt;
};

struct step_process_options {
    const struct step_host *host; /* NULL: no users, limits, groups; nothing is looked for that left
                                     the process group */
    const char *const *argv;
    const char *const *envp;
    const char *cwd;         /* NULL = ours */
    struct confine confine;  /* `cgroup` is set here */
    struct str run;          /* names the control group */
    struct str token;        /* value of ORPHANS_VARIABLE in envp */
    struct str input;        /* stdin of the child; empty = none */
    const char *output_dir;  /* exists; <output_name>.out and .err are written there */
    const char *output_name; /* "1": the attempt; "1.rows": a check after it */
    int64_t timeout_ns;      /* 0 = none */
    int64_t grace_ns;        /* between TERM and KILL; 0 = STEP_GRACE_NS */
    /* Once, when the child, what it started and its output have ended. May close the process. */
    void (*on_end)(void *ctx, const struct step_result *result);
    void *ctx;
};

/* False: the child could not be started; err is the step's error. Text is copied where it is needed
 * longer. */
MUST_CHECK bool step_process_start(struct step_process **ret, struct loop *loop,
                                   const struct step_process_options *options, struct err *err);
/* Adds to the captured output what the step said in another way; after on_end too, where it changes
 * the result's sizes. */
void step_process_add_output(struct step_process *process, bool is_stderr, struct str text);
/* How far a child that still runs says it has come, and for how long it has run. */
struct worker_progress step_process_progress(const struct step_process *process,
                                             int64_t *ret_elapsed_ns);
/* Asks the group to end (TERM, after the grace KILL). on_end comes later, with `canceled`. */
void step_process_cancel(struct step_process *process);
/* Kills what still runs, without on_end. NULL is allowed. */
void step_process_close(struct step_process *process);

/* Warns of what a step, or a check after it, left behind when it ended by itself: it was ended. */
void step_result_warn_left(const struct step_result *result, const struct step_left_by *by);

/* Metadata of EVENT_LOGS_CAPTURED: stdout_bytes, stdout_dropped_bytes, the same of stderr; what is 0
 * is left out. */
void step_result_write_output(const struct step_result *result, struct buf *out);
