/* dbt_steps.h - the dbt projects of definitions, opened. Internal to agent/cli. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/definitions/definitions.h"
#include "common/dbt/select.h"
#include "common/dbt/spec.h"

struct dbt_opened {
    const struct asset *asset; /* one of its step */
    struct dbt_project *project;
    bool *scope;       /* nodes that the step has, one bool for each */
    const char *state; /* of its entry, resolved; NULL */
};
/* Opens the project of each step of the definitions, one after another, and calls `look`. */
MUST_CHECK bool dbt_each_step(struct settings *settings, const struct definitions *defs,
                              bool (*look)(void *ctx, const struct dbt_opened *opened,
                                           struct err *err),
                              void *ctx, struct err *err);
