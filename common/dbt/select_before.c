/* result: and source_status: against an earlier run. */
#include "common/dbt/select_run.h"

bool select_search_result(struct select_run *run, const struct criterion *c, bool *set)
{
    const struct dbt_before *before = run->before;
    if (before->status == NULL) {
        (void)err_set(run->err, ERR_INVALID, "result: no earlier run of this project is known");
        return err_hint(run->err, "run it once; result: selects by how nodes ended then");
    }
    for (size_t i = 0; i < run->project->count; i++) {
        struct str status = STR_NONE;
        if (!before->status(before->ctx, run->project->nodes[i].unique_id, &status, run->err)) {
            return err_wrap(run->err, "result");
        }
        set[i] = set[i] || (status.len > 0 && str_eq(status, c->value));
    }
    return true;
}

/* Whether one node's source was found so. */
static bool is_found(struct select_run *run, const struct criterion *c, struct str unique_id,
                     bool *ret)
{
    const struct dbt_before *before = run->before;
    struct str status = STR_NONE;
    *ret = false;
    if (str_eq(c->value, STR("fresher"))) {
        return before->is_fresher(before->ctx, unique_id, ret, run->err);
    }
    if (before->freshness == NULL) {
        return true;
    }
    if (!before->freshness(before->ctx, unique_id, &status, run->err)) {
        return false;
    }
    *ret = status.len > 0 && str_eq(status, c->value);
    return true;
}

bool select_search_source_status(struct select_run *run, const struct criterion *c, bool *set)
{
    if (run->before->is_fresher == NULL) {
        (void)err_set(run->err, ERR_INVALID,
                      "source_status: no earlier freshness of the sources is known");
        return err_hint(run->err, "select by name instead: source:NAME+");
    }
    for (size_t i = 0; i < run->project->count; i++) {
        bool is_one = false;
        if (!is_found(run, c, run->project->nodes[i].unique_id, &is_one)) {
            return err_wrap(run->err, "source_status");
        }
        set[i] = set[i] || is_one;
    }
    return true;
}
