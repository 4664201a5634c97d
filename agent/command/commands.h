/* commands.h - takes commands in, carries them out one after the other, and says what came of each.
 * What is asked for is in the journal (agent/store/commands.h), written and flushed, before anything
 * is done; each is carried out at most once:
 *
 *   received --> started --> succeeded | failed
 *      |  \________________/             (what is done at once is told without `started`)
 *      v
 *   refused
 *
 * After a power cut: one that is `received` has done nothing, and is carried out now. One that is
 * `started` has a run or a backfill with the tag selvedge/command, or its verb may be carried out
 * twice, or it has failed: `interrupted`. The shell around admission.h and refusals.h; verbs come in
 * tables. One thread, the store's. */
#pragma once
#include "agent/command/refusals.h"
#include "agent/store/store.h"
#include "common/base/uuid.h"
#include "common/json/json_writer.h"

struct agent; /* whoever carries verbs out */

enum command_outcome {
    COMMAND_NOT_DONE, /* failed: err says why */
    COMMAND_DONE,
    COMMAND_GOES_ON, /* it ends with call->run, or by commands_end() */
    COMMAND_LATER,   /* it cannot begin now: try again with the next commands_step() */
};
struct command_call {
    struct str id;
    struct str verb;
    struct str args;                  /* as they were signed: for verbs that take any object */
    const struct command_args *given; /* as command_args.c reads them */
    struct wall_time issued_at, expires_at;
    char run[UUID_TEXT_SIZE]; /* set it: the run that was started */
};
struct command_verb {
    const char *name;
    /* What command_read_args() cannot know. NULL: nothing. */
    bool (*check_args)(struct agent *agent, const struct command *command, struct err *err);
    /* `result` is inside an object; what is written counts when it is done, or goes on and ends with
     * a run. */
    enum command_outcome (*run)(struct agent *agent, struct command_call *call,
                                struct json_writer *result, struct err *err);
    /* Carried out once more after a power cut, it comes to the same. */
    bool is_idempotent;
    /* All that it does is what it records by the time it returns, with the tag selvedge/command
     * where it begins a run or a backfill. Of others that are not idempotent it is durable that they
     * have begun before they are called. */
    bool is_recorded;
};

struct commands;
struct commands_options {
    struct store *store;
    struct agent *agent;
    const struct command_verb *const *tables; /* NULL at the end; each ends with {0} */
    bool (*flush)(struct agent *agent);       /* all that is recorded is durable now, or not yet */
};
MUST_CHECK bool commands_open(struct commands **ret, const struct commands_options *options,
                              struct err *err);
void commands_close(struct commands *c); /* NULL is allowed */

/* A message of channel `cmd`. What comes of it is recorded; true when commands_step() has to be
 * called. */
bool commands_receive(struct commands *c, const struct admission_question *q,
                      struct mono_time mono);
/* Carries out one command, or goes on with what an earlier agent left open. True: there may be more
 * to do at once. */
bool commands_step(struct commands *c, struct wall_time now);
/* That run has ended, and it is durable. */
void commands_run_ended(struct commands *c, struct str run, struct wall_time now);
/* One that went on has ended: `why` says why it failed, NULL = it did not. `result` is a JSON object,
 * or empty. */
void commands_end(struct commands *c, struct str id, struct str result, const struct err *why,
                  struct wall_time now);
/* Something could not be written, or waits for its turn: call commands_step() again after a while. */
bool commands_has_waiting(const struct commands *c);
/* Tells of refusals that were not told one by one, when it is time; when to call again, 0 = never. */
struct mono_time commands_tell_refusals(struct commands *c, struct wall_time now,
                                        struct mono_time mono);
const struct refusals *commands_refusals(const struct commands *c);
