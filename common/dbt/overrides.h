/* overrides.h - macros of dbt that run when a node runs, and that a project or a package has put its
 * own in the place of: the compiled text tells nothing of them. Those that have their say while a node
 * is compiled (ref, is_incremental, generate_schema_name, ...) are no matter: their effect is in the
 * text. Internal to common/dbt. Source: the macros that dbt-adapters', dbt-postgres' and dbt-sqlite's
 * materializations reach, and those that their adapters call by name. Pure. */
#pragma once
#include "common/dbt/project.h"

/* Of "macro.shop.postgres__create_table_as". false: it takes the place of none that runs.
 * ret->macro and ->adapter borrow from the id; ->file is left alone. */
bool override_from(struct str unique_id, struct dbt_override *ret);
/* The first that has its say in how the node is run on the adapter; NULL: none has. */
const struct dbt_override *override_find(const struct dbt_project *project,
                                         const struct dbt_node *node, struct str adapter);
