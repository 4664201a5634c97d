/* agent.h - the agent put together: store, definitions, runner, and for the daemon also scheduler,
 * link and control socket. `selvedge-agent daemon` and `selvedge-agent materialize` without a
 * daemon are the same engine. */
#pragma once
#include "agent/daemon/config.h"
#include "agent/daemon/pausing.h"
#include "agent/run/runner.h"

struct agent;
struct agent_options {
    const struct agent_config *config; /* borrowed, as is the environment */
    const struct env_lookup *env;
    struct problems
        *problems; /* what is wrong with the definitions, when opening fails with ERR_INVALID */
    bool is_daemon;
    /* Not a daemon: called when a run has ended, the one that was asked for or its retry. */
    void (*on_run_ended)(void *ctx, const struct run_end *end);
    void *ctx;
};
/* Takes the lock of the state folder (ERR_BUSY with the holder's pid), opens the store, closes
 * interrupted runs, loads and announces the definitions. */
MUST_CHECK bool agent_open(struct agent **ret, struct loop *loop, const struct rng *rng,
                           const struct agent_options *options, struct err *err);
void agent_close(struct agent *agent); /* kills what still runs; NULL is allowed */

/* What a person asks for. */
struct agent_request {
    struct str selection; /* or: */
    struct str job;       /* when not empty */
    struct str keys;      /* JSON array of assets, which then count; `selection` is only told */
    struct str partition, partition_end; /* empty = none */
    struct str_map tags;
    int64_t priority;
    struct str command; /* of the hub, that asks for it; empty: a person here */
};
MUST_CHECK bool agent_materialize(struct agent *agent, const struct agent_request *wanted,
                                  char ret_run[UUID_TEXT_SIZE], struct err *err);
/* {"steps":[{"step","attempt","elapsed_s","rows","bytes"}, ...]}, inside an object: the run's running
 * steps; rows and bytes where the step tells them. */
void agent_write_progress(const struct agent *agent, struct str run, struct json_writer *w);
/* What somebody outside says of an asset: EVENT_ASSET_MATERIALIZATION, _OBSERVATION or
 * _CHECK_EVALUATION. */
struct agent_report {
    enum event_type type;
    struct str asset;
    struct str partition;
    struct str data_version;    /* not of a check */
    struct str metadata;        /* JSON object in the form of events; may be empty */
    struct str check, severity; /* severity: "warn", "error"; empty = error */
    bool passed;
};
/* Durable when it returns true. ERR_NOT_FOUND, ERR_INVALID: of the asset, partition or check. */
MUST_CHECK bool agent_report(struct agent *agent, const struct agent_report *report,
                             struct err *err);
/* Pauses automation, or lets it go on. Durable when it returns true; *ret_changed is false when it
 * was so already. */
MUST_CHECK bool agent_pause_automation(struct agent *agent, bool is_paused, struct str command,
                                       bool *ret_changed, struct err *err);
/* Pauses or resumes schedules or sensors: those that are named, or all, whose names go to `names` in
 * `arena`, as `changed` does. All or none, and durable. ERR_NOT_FOUND: one is not defined. */
MUST_CHECK bool agent_pause(struct agent *agent, struct agent_pausing *pausing, struct arena *arena,
                            struct err *err);
/* {"changed":["a"],"unchanged":["b"]}, inside an object. */
void agent_pausing_write(const struct agent_pausing *pausing, struct json_writer *w);
/* Where a sensor goes on from. Durable. ERR_NOT_FOUND; ERR_INVALID when it makes no sense for it. */
MUST_CHECK bool agent_set_cursor(struct agent *agent, struct str sensor, struct str text,
                                 struct err *err);
/* Reads the definitions again: all of the new ones hold, or, with an error, the old ones go on. What
 * changed is appended to `ret_changes` in words, "nothing" if nothing did. */
enum { AGENT_CHANGES_BYTES_MAX = 16 << 10 };
MUST_CHECK bool agent_reload(struct agent *agent, struct buf *ret_changes, struct err *err);
/* Stops taking in work, lets running steps end (TERM, then KILL after their grace), says goodbye to
 * the hub, flushes; then stops the loop. */
void agent_shut_down(struct agent *agent);
/* Ready: schedules fire, the hub is called, the control socket listens. */
void agent_start(struct agent *agent);
