/* spec_hook.h - the Jinja of hooks, as far as spec.h says that we know it. Internal to common/dbt. */
#pragma once
#include "common/dbt/project.h"

struct hook_names {
    const struct dbt_node *node;
    struct str adapter_type;
    struct str target_schema; /* ptr NULL: it cannot be told */
};
/* `custom_schema`: config.schema of the node. */
struct hook_names hook_names(const struct dbt_project *project, const struct dbt_node *node,
                             struct str custom_schema);
/* The hook's text with its expressions filled in, without white space around it. ERR_DENIED with
 * the expression that is not known. */
MUST_CHECK bool hook_fill(const struct hook_names *names, struct str sql, struct arena *arena,
                          struct str *ret, struct err *err);
