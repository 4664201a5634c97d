/* bundles_internal.h - what the files that answer for bundles share. */
#pragma once
#include "agent/bundle/fetch.h"
#include "agent/bundle/folder.h"
#include "agent/bundle/trial.h"
#include "agent/daemon/agent_internal.h"
#include "common/base/strmap.h"

struct bundles {
    struct agent *agent;
    char wish[BUNDLE_HASH_SIZE]; /* the last of desired state, as the next one kept over restarts */
    char wanted[BUNDLE_HASH_SIZE]; /* what to have: the wish, or what a person said since */
    bool is_new;                   /* `wanted` is, and the hub waits for an answer */
    struct loop_task task;
    /* coming in */
    struct incoming *incoming; /* NULL: nothing is */
    struct fetch fetch;
    int64_t wait_ns; /* for the piece that is asked for */
    struct loop_timer fetch_timer;
    struct buf payload;
    /* in force */
    struct trial trial;
    struct loop_timer trial_timer;
    struct arena failing_arena;
    struct strmap failing; /* assets that failed before the bundle on trial came */
};

/* A `bundle` event about `hash`; the place stays as it is. */
MUST_CHECK bool bundles_record(struct agent *agent, struct str hash, const char *status,
                               struct str reason, struct err *err);
/* Puts a whole bundle in force, and on trial; or says why not, with what was in force going on. */
MUST_CHECK bool bundles_apply(struct bundles *b, struct str hash, struct err *err);
/* Back to the hub's wish that none is in force. */
MUST_CHECK bool bundles_leave(struct bundles *b, struct err *err);
void bundles_begin_trial(struct bundles *b);
void bundles_on_trial_due(void *ctx);
/* Deletes what nobody needs any more, while no run goes on. */
void bundles_tidy(struct bundles *b);
