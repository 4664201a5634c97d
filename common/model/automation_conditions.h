/* automation_conditions.h - eager, on_missing and on_cron as constant trees, composed as Dagster
 * composes them. Known to the evaluator only. */
#pragma once
#include "common/model/automation.h"

enum operation {
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_NEWLY_TRUE,
    OP_SINCE, /* the first child triggers, the second resets */
    OP_ANY_DEPS,
    OP_ALL_DEPS,
    FACT_MISSING,
    FACT_RUN_IN_PROGRESS,
    FACT_BACKFILL_IN_PROGRESS,
    FACT_LATEST_WINDOW,
    FACT_NEWLY_UPDATED,
    FACT_NEWLY_REQUESTED,
    FACT_INITIAL,
    FACT_WILL_BE_REQUESTED,
    FACT_EXECUTED_WITH_ROOT,
    FACT_CRON_PASSED,
};

enum { CHILDREN_MAX = 5 };
struct condition {
    enum operation op;
    bool is_told_cron; /* the label, or else the name, goes on with cron and time zone */
    const char *name;
    const char *label;
    const struct condition *children[CHILDREN_MAX];
};

/* `kind` is not AUTOMATION_NONE. */
const struct condition *automation_condition(enum automation_kind kind);
