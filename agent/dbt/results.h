/* results.h - how each node of a project ended when it ran last: for `result:` of dbt's selection. Kept
 * beside the agent's database, a line for each node; evidence only, nothing is decided on it by itself. */
#pragma once
#include "common/base/arena.h"
#include "common/base/strmap.h"
#include "common/dbt/build.h"

struct dbt_results {
    struct strmap by_id; /* unique id to enum dbt_status */
    struct arena *arena;
    struct str text;
};
/* The file of a step in the folder `state_dir`; of results ".results". ERR_INVALID: the path is too long. */
MUST_CHECK bool dbt_step_file(struct str state_dir, struct str step, const char *ending, char *ret,
                              size_t size, struct err *err);
MUST_CHECK bool dbt_results_path(struct str state_dir, struct str step, char *ret, size_t size,
                                 struct err *err);
/* A file that is not there is empty; lines that are none are passed over. */
MUST_CHECK bool dbt_results_read(const char *path, struct arena *arena, struct dbt_results *ret,
                                 struct err *err);
/* As run_results.json names it; empty: none is known. */
struct str dbt_results_status(const struct dbt_results *results, struct str unique_id);
/* `statuses`, one for each node of the project, put over what is there but for those not run; what the
 * project no longer has is dropped. The file is replaced whole. */
MUST_CHECK bool dbt_results_write(const char *path, const struct dbt_project *project,
                                  const uint8_t *statuses, struct err *err);
