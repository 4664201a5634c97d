/* worker_ask.h - asks the worker something about a step, without a run: the step goes in, one JSON
 * object comes out. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/run/step_spec.h"
#include "common/json/json.h"

struct worker_asker {
    const struct settings *settings;
    const struct definitions *defs;
    struct arena *arena; /* for the answer */
};
/* The step of an asset, or of several that one step makes, as the daemon would give it to a worker. */
MUST_CHECK bool worker_step(const struct worker_asker *asker, const struct asset *asset,
                            const struct asset *const *assets, size_t asset_count,
                            struct step_spec *ret, struct err *err);
/* Starts `spec`'s program with `command` instead, and with `input`; what it writes is added to `reply`.
 * Waits a minute for each piece of it. */
MUST_CHECK bool worker_ask(const struct step_spec *spec, const char *command, struct str input,
                           struct buf *reply, struct err *err);
/* What the worker says is wrong, of an answer that is none. Always false. */
bool worker_refused(const struct json *reply, struct err *err);
