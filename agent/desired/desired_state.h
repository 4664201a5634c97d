/* desired_state.h - what this device was told to want, as it stands, and what one more message means
 * to it. Pure.
 *
 * Revisions rise for ever. What is in force gives way to a higher revision only: a broker that brings
 * an old message back, and a hub that was put back to an earlier state, change nothing. */
#pragma once
#include "common/wire/desired.h"

struct desired_state {
    int64_t applied; /* in force; 0 = nothing is */
    char hash[DESIRED_HASH_SIZE];
    enum desired_status status; /* of it: DESIRED_APPLIED or _DEGRADED */
    char reason[DESIRED_REASON_BYTES + 1];
    struct desired_settings settings;
    char bundle[65]; /* empty = the device's own file */
    bool has_bundle; /* else the hub has no wish */
    int64_t refused; /* the newest that was refused, higher than `applied`; 0 = none */
    char refused_hash[DESIRED_HASH_SIZE];
    char refused_reason[DESIRED_REASON_BYTES + 1];
};

enum desired_verdict {
    DESIRED_TRY,   /* it is to be applied, or refused */
    DESIRED_KNOWN, /* it was decided on: answer again */
    DESIRED_STALE, /* older than what was decided on, or another of the same revision */
};
enum desired_verdict desired_weigh(const struct desired_state *state, int64_t revision,
                                   const char *hash);

/* It is for this device. ERR_DENIED: it is another's. */
MUST_CHECK bool desired_check_address(const struct desired *d, struct str fleet, struct str device,
                                      struct err *err);

/* `revision` is in force, whole or in part; one that was refused before it is over. */
void desired_state_apply(struct desired_state *state, int64_t revision, const char *hash,
                         enum desired_status status, struct str reason);
void desired_state_refuse(struct desired_state *state, int64_t revision, const char *hash,
                          struct str reason);
/* What is said to the hub; text is borrowed from the state. */
struct message_reported desired_answer(const struct desired_state *state, struct wall_time now);
