/* freshness.h - whether an asset was made recently enough, by Dagster's two kinds of policy. Pure.
 *
 * A window: made less than `warn_after` ago passes, less than `fail_after` ago warns, else it
 * fails. A deadline: at each tick of `cron` the asset must have been made no longer than
 * `lower_bound` ago; from a tick at which it was not, it fails until it is made again. Never made
 * is unknown. Observations do not count. Source: dagster 1.13,
 * _core/definitions/freshness_evaluator.py, compared by tests/interop. */
#pragma once
#include "common/base/time.h"
#include "common/model/cron.h"

enum freshness_kind { FRESHNESS_NONE, FRESHNESS_WINDOW, FRESHNESS_DEADLINE };
struct freshness_policy {
    enum freshness_kind kind;
    int64_t warn_after_ns; /* FRESHNESS_WINDOW; 0 = never warns; below fail_after_ns */
    int64_t fail_after_ns; /* FRESHNESS_WINDOW; at least a minute */
    struct cron cron;      /* FRESHNESS_DEADLINE, as all that follow */
    struct str cron_text;
    struct str timezone;
    const struct tz *tz; /* never NULL */
    int64_t lower_bound_ns;
};

/* FRESHNESS_NOT_APPLICABLE: no policy. */
enum freshness_state {
    FRESHNESS_NOT_APPLICABLE,
    FRESHNESS_UNKNOWN,
    FRESHNESS_PASS,
    FRESHNESS_WARN,
    FRESHNESS_FAIL,
    FRESHNESS_STATE_COUNT
};
const char *freshness_state_name(enum freshness_state state); /* "pass" */
enum freshness_state freshness_state_from(struct str name);   /* unknown words: UNKNOWN */

/* `made_at` is the last materialization; 0 = never. *ret_next is the earliest time at which the
 * state may change although nothing happens; INT64_MAX = never. */
enum freshness_state freshness_at(const struct freshness_policy *policy, struct wall_time made_at,
                                  struct wall_time now, struct wall_time *ret_next);
