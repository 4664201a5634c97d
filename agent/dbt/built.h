/* built.h - what each node of a project was like when this device built it last and it ended well: for
 * `state:` of dbt's selection. Kept beside the agent's database, in the shape of a bundle
 * (common/dbt/compared.h); evidence only: without it nothing else is hindered. */
#pragma once
#include "common/dbt/build.h"

struct dbt_built {
    const struct dbt_project *project;
    const bool *scope;       /* nodes that the step has, one bool for each */
    const uint8_t *statuses; /* how each ended in the build that is over; DBT_NOT_RUN */
};
/* The file of a step. ERR_INVALID: the path is too long. */
MUST_CHECK bool dbt_built_path(struct str state_dir, struct str step, char *ret, size_t size,
                               struct err *err);
/* Which nodes have had their build: one bool for each. What the step makes and was built well; and what
 * it does not make (sources, ephemeral models, nodes of other steps) when all that it makes from it
 * was: directly, or `however_far` (then of what it makes too). */
MUST_CHECK bool dbt_built_taken(const struct dbt_built *built, bool however_far,
                                struct arena *arena, bool **ret, struct err *err);
/* Puts what was built well over what is there, and what else has had its build: so
 * `state:modified+` goes on choosing what has not seen the change. A file that is damaged counts as
 * none. The file is replaced whole, and left alone when it would be the same. */
MUST_CHECK bool dbt_built_keep(const char *path, const struct dbt_built *built, struct err *err);
