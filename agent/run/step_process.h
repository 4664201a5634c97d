/* step_process.h - the child of one step attempt: started in its own process group, its output
 * captured up to a limit, its messages read, its time-out kept. A shell around
 * common/platform/spawn.h; knows nothing of runs. */
#pragma once
#include "common/base/arena.h"
#include "common/platform/loop.h"

struct step_process;

struct step_check {
    struct str name;
    struct str severity;
    bool passed;
    struct str metadata; /* JSON object; may be empty */
};
/* What the attempt came to. Text is borrowed from the process until step_process_close(). */
struct step_result {
    bool ok; /* exit code 0, no error message, not stopped by us */
    bool timed_out;
    bool canceled;
    int64_t duration_ns;
    char exit[64];         /* "exit code 3"; empty when ok */
    struct str error_code; /* not ok: "failed", "timeout", "canceled" or what the child said */
    struct str error_message;
    struct str error_hint;
    struct str metadata; /* JSON object of the materialization; may be empty */
    const struct step_check *checks;
    size_t check_count;
    int64_t output_bytes; /* all that was written, kept or not */
};
struct step_process_options {
    const char *const *argv;
    const char *const *envp;
    const char *cwd;        /* NULL = ours */
    struct str input;       /* stdin of the child; empty = none */
    const char *output_dir; /* exists; <attempt>.out and <attempt>.err are written there */
    int64_t attempt;
    int64_t timeout_ns; /* 0 = none */
    /* Once, when the child and its output have ended. May close the process. */
    void (*on_end)(void *ctx, const struct step_result *result);
    void *ctx;
};

/* False: the child could not be started; err is the step's error. Text is copied where it is needed
 * longer. */
MUST_CHECK bool step_process_start(struct step_process **ret, struct loop *loop,
                                   const struct step_process_options *options, struct err *err);
/* Adds to the captured output what the step said on another way. */
void step_process_add_output(struct step_process *process, bool is_stderr, struct str text);
/* Asks the group to end (TERM, KILL after a grace of 10 s). on_end comes later, with `canceled`. */
void step_process_cancel(struct step_process *process);
/* Kills what still runs, without on_end. NULL is allowed. */
void step_process_close(struct step_process *process);
