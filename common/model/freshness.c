#include "common/model/freshness.h"

#define NEVER ((struct wall_time){INT64_MAX})

static const struct str state_names[FRESHNESS_STATE_COUNT] = {
    [FRESHNESS_NOT_APPLICABLE] = STR_INIT("not_applicable"),
    [FRESHNESS_UNKNOWN] = STR_INIT("unknown"),
    [FRESHNESS_PASS] = STR_INIT("pass"),
    [FRESHNESS_WARN] = STR_INIT("warn"),
    [FRESHNESS_FAIL] = STR_INIT("fail"),
};

const char *freshness_state_name(enum freshness_state state)
{
    return state < FRESHNESS_STATE_COUNT ? state_names[state].ptr : "unknown";
}

enum freshness_state freshness_state_from(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(state_names); i++) {
        if (str_eq(name, state_names[i])) {
            return (enum freshness_state)i;
        }
    }
    return FRESHNESS_UNKNOWN;
}

/* Held at the end of time, so that no policy overflows. */
static struct wall_time later(struct wall_time t, int64_t ns)
{
    struct wall_time sum;
    return __builtin_add_overflow(t.ns, ns, &sum.ns) ? NEVER : sum;
}

static enum freshness_state in_window(const struct freshness_policy *policy,
                                      struct wall_time made_at, struct wall_time now,
                                      struct wall_time *ret_next)
{
    struct wall_time fails_at = later(made_at, policy->fail_after_ns);
    struct wall_time warns_at = later(made_at, policy->warn_after_ns);
    if (now.ns >= fails_at.ns) {
        *ret_next = NEVER;
        return FRESHNESS_FAIL;
    }
    if (policy->warn_after_ns == 0 || now.ns >= warns_at.ns) {
        *ret_next = fails_at;
        return policy->warn_after_ns == 0 ? FRESHNESS_PASS : FRESHNESS_WARN;
    }
    *ret_next = warns_at;
    return FRESHNESS_PASS;
}

/* The last deadline that is over decides: it was kept by anything made since `lower_bound` before
 * it, also by what came late. */
static enum freshness_state by_deadline(const struct freshness_policy *policy,
                                        struct wall_time made_at, struct wall_time now,
                                        struct wall_time *ret_next)
{
    struct wall_time kept_until = later(made_at, policy->lower_bound_ns);
    struct wall_time last;
    *ret_next = NEVER;
    if (cron_last(&policy->cron, policy->tz, now, &last) && last.ns > kept_until.ns) {
        return FRESHNESS_FAIL;
    }
    struct wall_time after = kept_until.ns > now.ns ? kept_until : now;
    struct wall_time next;
    if (cron_next(&policy->cron, policy->tz, after, &next)) {
        *ret_next = next;
    }
    return FRESHNESS_PASS;
}

enum freshness_state freshness_at(const struct freshness_policy *policy, struct wall_time made_at,
                                  struct wall_time now, struct wall_time *ret_next)
{
    *ret_next = NEVER;
    if (policy->kind == FRESHNESS_NONE) {
        return FRESHNESS_NOT_APPLICABLE;
    }
    if (made_at.ns == 0) {
        return FRESHNESS_UNKNOWN;
    }
    return policy->kind == FRESHNESS_WINDOW ? in_window(policy, made_at, now, ret_next)
                                            : by_deadline(policy, made_at, now, ret_next);
}
