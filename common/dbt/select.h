/* select.h - dbt's node selection, whole: `--select`, `--exclude`, `--selector` and indirect
 * selection of tests, over a project. Pure but for reading nodes again (config:, state:).
 *
 * Every node of the graph takes part, whatever its type, as in `dbt ls --resource-type all`; only
 * operations (hooks) are left out of the result, which no selection of dbt ever runs.
 * Source: dbt's own core/dbt/graph/{selector,selector_methods,selector_spec,cli}.py; docs:
 * https://docs.getdbt.com/reference/node-selection/syntax. Where we differ on purpose:
 * docs/reference/dbt.md */
#pragma once
#include "common/dbt/project.h"

enum dbt_indirect { DBT_EAGER, DBT_CAUTIOUS, DBT_BUILDABLE, DBT_EMPTY };

/* What was before, for `state:`, `result:` and `source_status:`; asked only when one of them stands in
 * the selection. Each may be NULL: the method is then refused. False: it cannot be had, which err says. */
struct dbt_before {
    /* state: */
    bool (*open)(void *ctx, const struct dbt_project **ret, struct err *err);
    /* result:, as run_results.json names statuses; empty: no result is known. */
    bool (*status)(void *ctx, struct str unique_id, struct str *ret_status, struct err *err);
    /* source_status:fresher */
    bool (*is_fresher)(void *ctx, struct str unique_id, bool *ret, struct err *err);
    /* source_status: and another word, as sources.json names statuses; empty: none is known. NULL:
     * no other word selects anything, as in dbt. */
    bool (*freshness)(void *ctx, struct str unique_id, struct str *ret_status, struct err *err);
    void *ctx;
};

struct dbt_selection {
    struct str_list select; /* as on the command line: blanks within one are a union; none: all */
    struct str_list exclude;
    struct str selector;          /* a name in selectors.yml; instead of select and exclude */
    const struct json *selectors; /* the object of selectors.yml; NULL: the manifest's */
    enum dbt_indirect indirect;
    struct dbt_before before;
};

/* The project's default selector takes the place of an empty selection, as in dbt. One bool for each
 * node in *ret_set, in `arena`. `warnings`, one text each: a part of a selection that selects
 * nothing, seeds that cannot be compared.
 * ERR_INVALID: what is not understood, with the place in the text and the nearest word as hint;
 * ERR_NOT_FOUND: no such selector; ERR_FULL: a limit of docs/limits.md; ERR_NO_MEMORY; and what
 * dbt_project_read() gives. */
MUST_CHECK bool dbt_select(const struct dbt_project *project, const struct dbt_selection *selection,
                           struct arena *arena, bool **ret_set, struct str_list *ret_warnings,
                           struct err *err);
/* "eager", "cautious", "buildable", "empty". */
MUST_CHECK bool dbt_indirect_from(struct str name, enum dbt_indirect *ret);
