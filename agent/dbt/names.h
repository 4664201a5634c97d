/* names.h - what a node of a dbt project is called as an asset, and what its `meta` says to an
 * orchestrator. Source: dagster-dbt's DagsterDbtTranslator. */
#pragma once
#include "common/dbt/project.h"

/* A member of `config.meta.selvedge`, else of `config.meta.dagster`, else the same of `meta`. NULL:
 * there is none. `node` is the object of dbt_project_read(). */
const struct json *dbt_meta(const struct json *node, const char *key);
/* A text of `config`; empty when there is none. */
struct str dbt_config_text(const struct json *node, const char *key);
struct str dbt_text(const struct json *node, const char *key);

/* Models that are not ephemeral, seeds and snapshots. */
bool dbt_is_asset(const struct dbt_node *node);
/* The key of an asset, a source, an exposure or a metric: `meta.dagster.asset_key`; of a source
 * [source, name]; of a versioned model [alias]; else [config.schema, name] or [name]. `node` is its
 * object. */
MUST_CHECK bool dbt_asset_key(const struct dbt_project *project, uint32_t index,
                              const struct json *node, struct arena *arena, struct str *ret,
                              struct err *err);
/* The same, with the node read again. */
MUST_CHECK bool dbt_read_asset_key(const struct dbt_project *project, uint32_t index,
                                   struct arena *arena, struct str *ret, struct err *err);
