/* sensors.h - starts runs because something happened: files that came, messages, assets that were
 * made, runs that ended, what a program says. The shell around agent/sense.
 *
 * Every tick that was decided on is an event, durable together with the run that it started, with
 * its run key and with how far the sensor has come: a run key starts one run, for ever, and what a
 * crash interrupts is decided on again. A cause whose job may not start now waits; nothing is given
 * up but for something newer where only the newest counts. docs/reference/sensors.md
 * One thread, one loop. */
#pragma once
#include "agent/daemon/pausing.h"
#include "agent/run/runner.h"
#include "common/json/json_writer.h"

struct sensors;
struct sensors_options {
    struct loop *loop;
    const struct rng *rng;
    struct store *store;
    struct runner *runner;
    struct definitions *defs; /* shared */
    const struct env_lookup *env;
    const char *state_dir;     /* for in-process sockets: a short path */
    const char *state_dir_abs; /* ${STATE_DIR} */
    struct str store_id;       /* of the token in a program's environment; empty = no token */
};
/* Reads what is remembered; nothing is watched yet. */
MUST_CHECK bool sensors_open(struct sensors **ret, const struct sensors_options *options,
                             struct err *err);
void sensors_close(struct sensors *all); /* programs are killed; NULL is allowed */
void sensors_start(struct sensors *all);
/* No tick follows; programs are ended and what they would have said is asked again next time. */
void sensors_stop(struct sensors *all);
/* Other definitions, together with the runner's: what can fail is done before. A sensor keeps by its
 * name what it remembers, and its connection or watch when nothing was changed about it. */
MUST_CHECK bool sensors_prepare(struct sensors *all, const struct definitions *defs,
                                struct err *err);
void sensors_use_definitions(struct sensors *all, struct definitions *defs); /* the same ones */

/* Both may be called at any time; what they lead to happens in a later turn. */
void sensors_run_ended(struct sensors *all);
void sensors_materialized(struct sensors *all, struct str asset);

/* Pauses or resumes, durably, across restarts. All or none: ERR_NOT_FOUND when one is not defined. */
MUST_CHECK bool sensors_set_paused(struct sensors *all, const struct agent_pausing *pausing,
                                   struct err *err);
/* What a person wants it to go on from. ERR_INVALID when it makes no sense for this sensor. */
MUST_CHECK bool sensors_set_cursor(struct sensors *all, struct str name, struct str text,
                                   struct err *err);
/* What each is doing now, as members of an object: {"files":{"state":"watching",...}}. */
void sensors_write(const struct sensors *all, struct json_writer *w);
