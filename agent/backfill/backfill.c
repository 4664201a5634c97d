#include "agent/backfill/backfill.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_finished;
} statuses[BACKFILL_STATUS_COUNT] = {
    [BACKFILL_REQUESTED] = {"requested", false},
    [BACKFILL_CANCELING] = {"canceling", false},
    [BACKFILL_COMPLETED_SUCCESS] = {"completed_success", true},
    [BACKFILL_COMPLETED_FAILED] = {"completed_failed", true},
    [BACKFILL_CANCELED] = {"canceled", true},
};

const char *backfill_status_name(enum backfill_status status)
{
    return statuses[status].name;
}

enum backfill_status backfill_status_from(struct str name)
{
    for (int i = 0; i < BACKFILL_STATUS_COUNT; i++) {
        if (str_eq(name, str_from(statuses[i].name))) {
            return (enum backfill_status)i;
        }
    }
    return BACKFILL_CANCELED;
}

bool backfill_is_finished(enum backfill_status status)
{
    return statuses[status].is_finished;
}

static struct backfill_decision end_as(enum backfill_status status)
{
    return (struct backfill_decision){.action = BACKFILL_END, .status = status};
}

static struct backfill_decision go_on(const struct backfill_policy *policy,
                                      const struct backfill_facts *facts)
{
    bool may_request = facts->has_waiting && !facts->is_refused;
    int64_t room = policy->runs_max - facts->open_runs;
    if (may_request && room > 0) {
        return (struct backfill_decision){.action = BACKFILL_REQUEST_RUNS, .runs = room};
    }
    if (may_request || facts->open_runs > 0) {
        return (struct backfill_decision){.action = BACKFILL_WAIT};
    }
    return end_as(facts->has_failed || facts->is_refused ? BACKFILL_COMPLETED_FAILED
                                                         : BACKFILL_COMPLETED_SUCCESS);
}

struct backfill_decision backfill_decide(const struct backfill_policy *policy,
                                         const struct backfill_facts *facts)
{
    if (backfill_is_finished(facts->status)) {
        return (struct backfill_decision){.action = BACKFILL_WAIT};
    }
    if (facts->status == BACKFILL_CANCELING) {
        return facts->open_runs > 0 ? (struct backfill_decision){.action = BACKFILL_CANCEL_RUNS}
                                    : end_as(BACKFILL_CANCELED);
    }
    switch (facts->before) {
    case BACKFILL_BEFORE_OPEN:
        return (struct backfill_decision){.action = BACKFILL_WAIT};
    case BACKFILL_BEFORE_FAILED:
        return end_as(BACKFILL_CANCELED);
    case BACKFILL_BEFORE_NONE:
        break;
    }
    return go_on(policy, facts);
}

static void keep(char into[PARTITION_KEY_BYTES_MAX + 1], struct str key)
{
    (void)snprintf(into, PARTITION_KEY_BYTES_MAX + 1, STR_FMT, STR_ARG(key));
}

bool backfill_chunk_add(struct backfill_chunk *chunk, const struct backfill_policy *policy,
                        int64_t number, struct str key)
{
    bool is_first = chunk->count == 0;
    bool is_full = (policy->per_run > 0 && chunk->count >= policy->per_run) ||
                   chunk->count >= LIMIT_RUN_PARTITIONS ||
                   chunk->key_bytes + key.len > LIMIT_RUN_PARTITION_BYTES;
    if (!is_first && (is_full || number != chunk->last_number + 1)) {
        return false;
    }
    if (is_first || policy->newest_first) {
        keep(chunk->first, key);
    }
    if (is_first || !policy->newest_first) {
        keep(chunk->last, key);
    }
    chunk->last_number = number;
    chunk->key_bytes += key.len;
    chunk->count++;
    return true;
}
