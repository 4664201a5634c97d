/* dbt_report.h - what becomes of the nodes of a build, told to the agent: assets made or not, checks,
 * lines for people. As a listener of build_run() and dbt_drive(). */
#pragma once
#include "agent/dbt/checks.h"
#include "agent/el/report.h"
#include "agent/transform/listener.h"

struct dbt_report {
    const struct dbt_project *project;
    const struct request *request;
    struct report *report;
    struct arena *arena; /* of the step */
    struct str *keys; /* of each node that is an asset of the request; others as they are asked */
    const bool *is_wanted; /* the same, as bools */
    uint8_t *statuses;     /* enum dbt_status of each node; DBT_NOT_RUN: nothing was said */
    struct dbt_checks checks;
    uint32_t *check_of;  /* of each test, in checks.items; UINT32_MAX */
    struct database *db; /* of a native build, for failing rows that were stored; else NULL */
    int log;             /* takes what each node says; -1 */
    int64_t log_bytes;
    int64_t ended;
    struct err first; /* that went wrong of what is no check of an asset made here */
    int64_t wrong;    /* how many */
};
/* Opens the log. What stands above `statuses` the caller sets. */
MUST_CHECK bool dbt_report_begin(struct dbt_report *r, struct err *err);
struct node_listener dbt_report_listener(struct dbt_report *r);
/* The asset of a node or a source, whether it is made here or not; empty: none, or it cannot be read. */
struct str dbt_report_key(struct dbt_report *r, uint32_t node);
/* Assets of which nothing was said have failed of `why` (may be NULL). False: something went wrong,
 * which err says. */
MUST_CHECK bool dbt_report_end(struct dbt_report *r, const struct err *why, struct err *err);
