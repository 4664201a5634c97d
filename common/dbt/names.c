#include "common/dbt/build.h"
#include "common/dbt/select.h"
#include "common/dbt/spec.h"

const char *dbt_type_name(enum dbt_type type)
{
    static const char *const names[] = {
        [DBT_MODEL] = "model",
        [DBT_SEED] = "seed",
        [DBT_SNAPSHOT] = "snapshot",
        [DBT_TEST] = "test",
        [DBT_UNIT_TEST] = "unit_test",
        [DBT_SOURCE] = "source",
        [DBT_EXPOSURE] = "exposure",
        [DBT_METRIC] = "metric",
        [DBT_SEMANTIC_MODEL] = "semantic_model",
        [DBT_SAVED_QUERY] = "saved_query",
        [DBT_ANALYSIS] = "analysis",
        [DBT_OPERATION] = "operation",
        [DBT_FUNCTION] = "function",
    };
    return names[type];
}

static const char *const status_names[] = {
    [DBT_NOT_RUN] = "not run",
    [DBT_SUCCESS] = "success",
    [DBT_ERROR] = "error",
    [DBT_SKIPPED] = "skipped",
    [DBT_PARTIAL] = "partial success",
    [DBT_NO_OP] = "no-op",
    [DBT_PASS] = "pass",
    [DBT_FAIL] = "fail",
    [DBT_WARN] = "warn",
    [DBT_RUNTIME_ERROR] = "runtime error",
};

const char *dbt_status_name(enum dbt_status status)
{
    return status_names[status];
}

bool dbt_status_from(struct str name, enum dbt_status *ret)
{
    for (size_t i = 0; i < COUNT_OF(status_names); i++) {
        if (str_eq(name, str_from(status_names[i]))) {
            *ret = (enum dbt_status)i;
            return true;
        }
    }
    return false;
}

const char *dbt_admission_name(enum dbt_admission admission)
{
    static const char *const names[] = {
        [DBT_NATIVE] = "native", [DBT_NEEDS_DBT] = "needs dbt", [DBT_REFUSED] = "refused"};
    return names[admission];
}

bool dbt_indirect_from(struct str name, enum dbt_indirect *ret)
{
    static const char *const names[] = {[DBT_EAGER] = "eager",
                                        [DBT_CAUTIOUS] = "cautious",
                                        [DBT_BUILDABLE] = "buildable",
                                        [DBT_EMPTY] = "empty"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(name, str_from(names[i]))) {
            *ret = (enum dbt_indirect)i;
            return true;
        }
    }
    return false;
}
