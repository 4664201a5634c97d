/* check_process.h - the checks of an asset whose step has succeeded that are asked outside of it,
 * one after the other: each is a child like the step's own (step_process.h). A command has the
 * asset's environment, user and limits, in the folder of the definitions, and passes when it ends
 * with exit code 0. A query, after a step that is a command, is the worker's to ask, as the asset's
 * user: what it says is the result, as of native steps. One that cannot be started, or takes too
 * long, has not passed, and its metadata says why: a check never fails the step by itself. */
#pragma once
#include "agent/run/step_process.h"
#include "agent/run/step_spec.h"

#define CHECK_TIMEOUT_NS (60 * NS_PER_SEC) /* of each, where the asset has no time-out */

struct check_process;

struct check_results {
    const struct step_check
        *checks;  /* in the order of the definitions; text lives until the close */
    size_t count; /* of those that were carried out: fewer than there are after a cancel */
    bool canceled;
};
struct check_process_options {
    const struct step_host *host;       /* as of step_process.h */
    const struct step_context *context; /* of the step; copied, what it points to is borrowed */
    const struct asset *asset;
    const char *output_dir; /* the step's; copied. Output goes to <attempt>.<check>.out and .err
                               there, of a step that makes several to <attempt>.<asset>:<check>
                               with ':' for each '/' of the asset */
    int64_t grace_ns;
    /* Once, in a later turn of the loop. May close. */
    void (*on_end)(void *ctx, const struct check_results *results);
    void *ctx;
};
/* How many such checks the asset has: with 0 there is nothing to start. */
size_t check_process_count(const struct asset *asset);
MUST_CHECK bool check_process_start(struct check_process **ret, struct loop *loop,
                                    const struct check_process_options *options, struct err *err);
/* Ends the present one, starts no other; on_end comes later, with `canceled`. */
void check_process_cancel(struct check_process *p);
/* Kills what runs, without on_end. NULL is allowed. */
void check_process_close(struct check_process *p);
