#include "agent/transform/node.h"

#include "agent/transform/sql_text.h"

static bool check_model(const struct dbt_spec *spec, struct err *err)
{
    if (spec->materialization != DBT_VIEW && spec->materialization != DBT_TABLE &&
        spec->materialization != DBT_INCREMENTAL_TABLE) {
        return err_set(err, ERR_INVALID,
                       "materialized " STR_FMT " is not a model's that is run here",
                       STR_ARG(spec->materialization_name));
    }
    if (sql_statement(spec->sql).len == 0) {
        err_set(err, ERR_INVALID, "it has no compiled code");
        return err_hint(err, "run dbt compile, and use the manifest that it writes");
    }
    return true;
}

bool model_run(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
               struct node_result *ret, struct err *err)
{
    *ret = (struct node_result){
        .status = DBT_SUCCESS, .rows_written = -1, .row_count = -1, .failures = -1};
    if (!check_model(spec, err) || !t->db->ops->materialize(t, spec, arena, ret, err)) {
        return false;
    }
    if (ret->message.len == 0) {
        ret->message = STR("OK");
    }
    return true;
}
