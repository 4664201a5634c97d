/* dbt_sources.h - how fresh the sources are that a step's nodes are made from, asked before these
 * run: each is told as the check `freshness` of the source's asset. As in dbt it blocks nothing. */
#pragma once
#include "agent/transform/dbt_report.h"

struct sources_asked {
    struct dbt_report *report; /* has the project, and which nodes are wanted */
    struct database *db;       /* NULL: it could not be opened; `no_database` says why */
    const struct err *no_database;
    struct dbt_host host;
    struct clock clock;
};
/* Sources without warn_after and error_after are passed over, as dbt does. False: it was cancelled, or
 * there is no memory; what is wrong with one source is told of it. */
MUST_CHECK bool dbt_sources_ask(const struct sources_asked *asked, struct err *err);
