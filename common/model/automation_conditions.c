#include "common/model/automation_conditions.h"

#define FACT(variable, type)                                                                       \
    static const struct condition variable = {.op = (type), .name = #variable}
FACT(missing, FACT_MISSING);
FACT(run_in_progress, FACT_RUN_IN_PROGRESS);
FACT(backfill_in_progress, FACT_BACKFILL_IN_PROGRESS);
FACT(in_latest_time_window, FACT_LATEST_WINDOW);
FACT(newly_updated, FACT_NEWLY_UPDATED);
FACT(newly_requested, FACT_NEWLY_REQUESTED);
FACT(initial_evaluation, FACT_INITIAL);
FACT(will_be_requested, FACT_WILL_BE_REQUESTED);
FACT(executed_with_root_target, FACT_EXECUTED_WITH_ROOT);
static const struct condition cron_tick_passed = {
    .op = FACT_CRON_PASSED, .is_told_cron = true, .name = "cron_tick_passed"};

/* A condition with children. */
#define NODE(variable, type, text, its_label, ...)                                                 \
    static const struct condition variable = {                                                     \
        .op = (type), .name = (text), .label = (its_label), .children = {__VA_ARGS__}}
#define AND(variable, label, ...) NODE(variable, OP_AND, "AND", label, __VA_ARGS__)
#define OR(variable, label, ...)  NODE(variable, OP_OR, "OR", label, __VA_ARGS__)
#define NOT(variable, child)      NODE(variable, OP_NOT, "NOT", NULL, child)

OR(in_progress, "in_progress", &run_in_progress, &backfill_in_progress);
NODE(newly_missing, OP_NEWLY_TRUE, "NEWLY_TRUE", "newly_missing", &missing);
OR(handled, "handled", &newly_requested, &newly_updated, &initial_evaluation);

NOT(not_with_root, &executed_with_root_target);
AND(newly_updated_without_root, "newly_updated_without_root", &newly_updated, &not_with_root);
OR(updates, NULL, &newly_updated_without_root, &will_be_requested);
NODE(any_deps_updated, OP_ANY_DEPS, "ANY_DEPS_MATCH", "any_deps_updated", &updates);

NOT(not_requested, &will_be_requested);
AND(stays_missing, NULL, &missing, &not_requested);
NODE(any_deps_missing, OP_ANY_DEPS, "ANY_DEPS_MATCH", "any_deps_missing", &stays_missing);
NODE(any_deps_in_progress, OP_ANY_DEPS, "ANY_DEPS_MATCH", "any_deps_in_progress", &in_progress);
NOT(no_deps_missing, &any_deps_missing);
NOT(no_deps_in_progress, &any_deps_in_progress);
NOT(not_in_progress, &in_progress);

OR(eager_trigger, NULL, &newly_missing, &any_deps_updated);
NODE(eager_since_handled, OP_SINCE, "SINCE", NULL, &eager_trigger, &handled);
AND(eager, "eager", &in_latest_time_window, &eager_since_handled, &no_deps_missing,
    &no_deps_in_progress, &not_in_progress);

NODE(newly_true_missing, OP_NEWLY_TRUE, "NEWLY_TRUE", NULL, &missing);
NODE(missing_since_handled, OP_SINCE, "SINCE", "missing_since_last_handled", &newly_true_missing,
     &handled);
AND(on_missing, "on_missing", &in_latest_time_window, &missing_since_handled, &no_deps_missing);

NODE(cron_since_handled, OP_SINCE, "SINCE", NULL, &cron_tick_passed, &handled);
NODE(updated_since_cron, OP_SINCE, "SINCE", NULL, &newly_updated, &cron_tick_passed);
OR(updated_or_requested, NULL, &updated_since_cron, &will_be_requested);
static const struct condition all_deps_updated_since_cron = {.op = OP_ALL_DEPS,
                                                             .is_told_cron = true,
                                                             .name = "ALL_DEPS_MATCH",
                                                             .label = "all_deps_updated_since_cron",
                                                             .children = {&updated_or_requested}};
static const struct condition on_cron = {
    .op = OP_AND,
    .is_told_cron = true,
    .name = "AND",
    .label = "on_cron",
    .children = {&in_latest_time_window, &cron_since_handled, &all_deps_updated_since_cron}};

const struct condition *automation_condition(enum automation_kind kind)
{
    switch (kind) {
    case AUTOMATION_EAGER:
        return &eager;
    case AUTOMATION_ON_MISSING:
        return &on_missing;
    case AUTOMATION_ON_CRON:
    case AUTOMATION_NONE:
        break;
    }
    return &on_cron;
}
