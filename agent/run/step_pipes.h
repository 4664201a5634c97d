/* step_pipes.h - what the Dagster Pipes messages of one step attempt come to: records as they
 * arrive, and what can only be said when the step has ended. Pure. docs/reference/pipes.md
 *
 * DESIGN: the exit code alone decides whether the step succeeded. So logs, checks and what the
 * program tells of itself are recorded at once, and a materialization only when that is known: of a
 * step that failed it is marked as partial. Until then it is in the file of messages, which outlives
 * the agent; reading that again from its beginning, with `recorded` as the place up to which records
 * were made, gives the same state and no record twice. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/pipes/pipes_message.h"
#include "agent/store/record.h"

/* What the program is asked to make, and what it said of it. */
struct step_pipes_asset {
    struct str key;
    const struct asset *asset; /* NULL: not defined any more */
    bool has_materialized;
    struct wall_time materialized_at;
    struct buf metadata; /* in the form of events; may be empty */
    struct buf data_version;
    bool *reported;               /* for each check of the asset */
    const struct check *blocking; /* a blocking check did not pass, with severity error */
};

struct step_pipes_options {
    struct record
        base; /* run, step, attempt, and the asset where there is one: texts are borrowed */
    const struct step_pipes_asset *assets; /* key and asset; copied */
    size_t asset_count;                    /* at least 1 */
    int64_t recorded; /* bytes of the stream whose messages are in the store already */
    /* False: not now. */
    bool (*record)(void *ctx, const struct record *record);
    /* Text for the captured output; NULL = is not kept. */
    void (*output)(void *ctx, bool is_stderr, struct str text);
    void *ctx;
};

/* What was passed over, and how often. */
enum step_pipes_oddity {
    PIPES_ODD_LINE,
    PIPES_ODD_METHOD,
    PIPES_ODD_ASSET,
    PIPES_ODD_SECOND,       /* materialization of the same asset: the last one counts */
    PIPES_ODD_AFTER_CLOSED, /* heeded all the same */
    PIPES_ODDITIES
};

struct step_pipes {
    struct step_pipes_options options;
    bool was_opened;
    bool was_closed;
    struct step_pipes_asset *assets; /* as in the options */
    int64_t reports;                 /* materializations that were told, of all of them */
    struct buf exception;            /* one line; empty = none was told */
    int64_t odd[PIPES_ODDITIES];
    struct arena arena;
};

MUST_CHECK bool step_pipes_init(struct step_pipes *pipes, const struct step_pipes_options *options,
                                struct err *err);
void step_pipes_release(struct step_pipes *pipes); /* a zeroed one is allowed */

/* False: the record could not be taken now; nothing has changed, the message is to come again. */
bool step_pipes_take(struct step_pipes *pipes, const struct pipes_message *message,
                     struct wall_time now);
/* After the last message: tells what was odd. What is not taken now is lost. */
void step_pipes_end(struct step_pipes *pipes, struct wall_time now);

/* A check that only the program can report (it has neither SQL nor a command) and did not, or NULL:
 * as in Dagster, a step that succeeds must have reported what was declared. */
const struct check *step_pipes_missing_check(const struct step_pipes_asset *of);
