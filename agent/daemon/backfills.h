/* backfills.h - carries out backfills: asks the runner for their runs, a few at a time, and follows
 * how they end. The shell around agent/backfill. What a backfill is and how far it has come is in
 * the database; here are only the open ones' names and policies, so a restart goes on where the
 * last agent was. One thread, the runner's loop. */
#pragma once
#include "agent/backfill/backfill_plan.h"
#include "agent/run/runner.h"

struct backfills;
struct backfills_options {
    struct loop *loop;
    const struct rng *rng;
    struct store *store;
    struct runner *runner;
    struct definitions *defs; /* shared, see definitions_share() */
    int64_t runs_max;         /* of one backfill that are open, when it does not say */
};
MUST_CHECK bool backfills_open(struct backfills **ret, const struct backfills_options *options,
                               struct err *err);
void backfills_close(struct backfills *backfills); /* NULL is allowed */
/* Goes on with what is open. */
void backfills_start(struct backfills *backfills);
void backfills_stop(struct backfills *backfills); /* asks for no more runs */
void backfills_use_definitions(struct backfills *backfills, struct definitions *defs);
/* The runner's on_run_ended; runs of no backfill are passed over. */
void backfills_run_ended(struct backfills *backfills, const struct run_end *end);

enum { BACKFILL_PER_RUN_AS_DEFINED = -1 };
struct backfill_request {
    struct str selection;
    struct backfill_order order;
    int64_t per_run;     /* partitions in one run; 0 = all; BACKFILL_PER_RUN_AS_DEFINED */
    int64_t runs_max;    /* 0 = as the device sees fit */
    struct str_map tags; /* of each run */
};
/* What came of it. */
struct backfill_started {
    char id[UUID_TEXT_SIZE]; /* of the first leg */
    size_t legs;             /* backfills, one after the other */
    int64_t partitions;      /* of all legs */
};
/* Records one backfill for each leg of the selection and begins. ERR_NOT_FOUND, ERR_INVALID: of the
 * selection or the partitions; ERR_FULL: too many are open; ERR_BUSY: the agent is stopping, or the
 * database cannot be written. */
MUST_CHECK bool backfills_request(struct backfills *backfills,
                                  const struct backfill_request *request,
                                  struct backfill_started *ret, struct err *err);
/* Asks for no more runs of it, and cancels those that are open. ERR_NOT_FOUND; ERR_INVALID: it has
 * ended. */
MUST_CHECK bool backfills_cancel(struct backfills *backfills, struct str id, struct err *err);
/* A new backfill of the partitions that did not succeed in an ended one. `command` of the hub asks
 * for it; empty: a person here. */
MUST_CHECK bool backfills_retry(struct backfills *backfills, struct str id, struct str command,
                                struct backfill_started *ret, struct err *err);
