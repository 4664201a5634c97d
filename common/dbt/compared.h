/* compared.h - what `state:` compares of a project's nodes, as a file of its own: a bundle without SQL,
 * which dbt_project_open() reads. Each node is of the manifest by which it was built last, so that a
 * build of some nodes says nothing of others. */
#pragma once
#include "common/dbt/project.h"

enum { DBT_MADE_OF_SIZE = 80 };

struct dbt_compared {
    const struct dbt_project *now;
    const bool *is_taken;             /* one for each node of `now`: it is taken from there */
    const struct dbt_project *before; /* the file so far, which has the others; NULL: none */
};
/* The packed file behind what is in `out`. Nodes that are neither taken nor in `before` are left out.
 * ERR_FULL over LIMIT_DBT_MANIFEST_BYTES; ERR_INVALID: `now` is a bundle that does not compare; and those of dbt_project_read(). */
MUST_CHECK bool dbt_compared_make(const struct dbt_compared *compared, struct buf *out,
                                  struct err *err);
/* Which file a project was read from: its place, length and time. The same as `made_of` of what was kept
 * when all of that is from the same file. */
void dbt_made_of(const struct dbt_project *project, char ret[DBT_MADE_OF_SIZE]);
