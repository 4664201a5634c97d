/* bundle_node.h - what a bundle keeps of a node, and its hash. Internal to common/dbt. */
#pragma once
#include "common/dbt/dbt_files.h"

/* Of a tree from dbt_project_read(), which is changed. New members live in `arena`; so do the texts given,
 * or longer. `incremental` and `seed_text` may have ptr NULL. */
MUST_CHECK bool bundle_trim(const struct dbt_node *node, struct json *tree, struct str incremental,
                            struct str seed_text, struct arena *arena, struct err *err);

/* ERR_CORRUPT when the file does not end with the hash of what it has. */
MUST_CHECK bool bundle_check_hash(const struct dbt_file *file, struct err *err);
