/* dbt_sources.h - how fresh the sources of a project are, asked in its database: for a selection by
 * it, and told, of those that a step's nodes are made from, as the check `freshness` of the source's
 * asset. As in dbt it blocks nothing. */
#pragma once
#include "agent/dbt/loaded.h"
#include "agent/transform/dbt_report.h"

struct sources_asked {
    const struct dbt_project *project;
    const bool *which;   /* one for each node; NULL: all sources */
    struct arena *arena; /* of what is found */
    struct database *db; /* NULL: it could not be opened; `no_database` says why */
    const struct err *no_database;
    struct dbt_host host;
    struct clock clock;
};
struct source_found {
    uint32_t node;
    struct str unique_id;
    int64_t warn_after_ns, error_after_ns;
    struct node_result result;
    struct str error; /* of DBT_RUNTIME_ERROR */
};
struct sources_found {
    struct source_found *items;
    size_t count;
};
/* Sources without warn_after and error_after are passed over, as dbt does. False: it was cancelled, or
 * there is no memory; what is wrong with one source is told of it. */
MUST_CHECK bool dbt_sources_ask(const struct sources_asked *asked, struct sources_found *ret,
                                struct err *err);
/* Those that the wanted nodes are made from, through ephemeral models: one bool for each node. */
MUST_CHECK bool dbt_sources_read_by(const struct dbt_project *project, const bool *wanted,
                                    struct arena *arena, bool **ret, struct err *err);
void dbt_sources_tell(struct dbt_report *report, const struct sources_found *found,
                      const bool *which);
MUST_CHECK bool dbt_sources_loaded(const struct sources_found *found, struct arena *arena,
                                   struct dbt_loaded *ret, struct err *err);
