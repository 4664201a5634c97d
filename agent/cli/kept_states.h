/* kept_states.h - the states of an asset's load, which its target keeps: asked of the worker, as
 * for a step of the asset (docs/reference/worker.md). */
#pragma once
#include "agent/cli/worker_ask.h"
#include "common/base/uuid.h"

struct kept_states {
    struct str state_id;
    const struct json *present; /* NULL: none, the next load begins from the start */
    const struct json *states;  /* {"at", "value"} each, newest first */
    size_t count;
};

bool kept_states_has(const struct asset *asset); /* whether it has any at all */
/* `change`: the JSON that becomes the present state first, "null": none; empty: nothing changes.
 * ERR_BUSY: the asset is being loaded. */
MUST_CHECK bool kept_states_ask(const struct worker_asker *asker, const struct asset *asset,
                                struct str change, struct kept_states *ret, struct err *err);
/* The state before `age` others; 0: the present one. ERR_NOT_FOUND. */
MUST_CHECK bool kept_states_find(const struct kept_states *kept, int64_t age,
                                 const struct json **ret_at, const struct json **ret_value,
                                 struct err *err);
