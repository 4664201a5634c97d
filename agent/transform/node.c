#include "agent/transform/node.h"

bool node_run(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
              struct node_result *ret, struct err *err)
{
    if (spec->node->type == DBT_SOURCE) {
        return freshness_run(t, spec, arena, ret, err);
    }
    switch (spec->materialization) {
    case DBT_AS_SEED:
        return seed_run(t, spec, arena, ret, err);
    case DBT_AS_SNAPSHOT:
        return snapshot_run(t, spec, arena, ret, err);
    case DBT_AS_TEST:
        return data_test_run(t, spec, arena, ret, err);
    case DBT_VIEW:
    case DBT_TABLE:
    case DBT_INCREMENTAL_TABLE:
    case DBT_EPHEMERAL:
    case DBT_OTHER:
        break;
    }
    return model_run(t, spec, arena, ret, err); /* which refuses what is none of a model's */
}
