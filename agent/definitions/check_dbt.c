/* check_dbt.c - nodes of a dbt project: where they run. */
#include "agent/definitions/loader.h"

static void check_paths(const struct subject *s, const struct dbt_run *dbt)
{
    const struct json *node = json_get(s->node, "dbt");
    const struct {
        const char *key;
        struct str text;
    } paths[] = {{"manifest", dbt->manifest},
                 {"incremental", dbt->incremental},
                 {"state", dbt->state},
                 {"project_dir", dbt->project_dir},
                 {"profiles_dir", dbt->profiles_dir}};
    struct item item = item_of_asset(s);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        item_template(&item, place_of(node, paths[i].key), paths[i].key, paths[i].text,
                      SECRETS_REFUSED);
    }
}

/* The database is the one that the SQL was compiled for. */
static void check_adapter(const struct subject *s, const struct json *node,
                          const struct dbt_run *dbt)
{
    const char *type = dbt->resource->connector->type;
    if (dbt->adapter.ptr == NULL || str_eq(dbt->adapter, str_from(type))) {
        return;
    }
    asset_problem(s, place_of(node, "resource"),
                  "compile it for the kind of database that it is to run in",
                  "dbt: it is compiled for " STR_FMT ", and resource " STR_FMT " is of type %s",
                  STR_ARG(str_slice(dbt->adapter, 0, 40)), STR_ARG(dbt->resource_name), type);
}

void check_dbt(const struct subject *s)
{
    const struct json *node = json_get(s->node, "dbt");
    struct dbt_run *dbt = &s->raw->asset.dbt;
    if (!s->raw->has_dbt || node == NULL || node->type != JSON_OBJECT) {
        return;
    }
    check_paths(s, dbt);
    if (dbt->selector.ptr != NULL && dbt->select.count + dbt->exclude.count > 0) {
        asset_problem(s, place_of(node, "selector"), NULL,
                      "dbt: selector goes without select and exclude");
    }
    if (dbt->resource_name.ptr != NULL) {
        dbt->resource = find_database(s, node, dbt->resource_name);
    } else if (dbt->runner != DBT_RUNNER_DBT) {
        asset_problem(s, place_of_node(node), "resource: a database of type sqlite or postgres",
                      "dbt: it needs a resource, where its nodes run");
    }
    if (dbt->asks_freshness && dbt->resource_name.ptr == NULL && dbt->runner == DBT_RUNNER_DBT) {
        asset_problem(s, place_of(node, "source_freshness"),
                      "resource: a database of type sqlite or postgres",
                      "dbt: source_freshness needs a resource, where sources are asked");
    }
    if (dbt->resource != NULL) {
        check_adapter(s, node, dbt);
    }
}

void check_dbt_node(const struct subject *s)
{
    const struct asset *asset = &s->raw->asset;
    if (s->raw->has_dbt && asset->step == NULL) {
        asset_problem(s, place_of(s->node, "dbt"), "assets: [{key: ..., node: ...}]",
                      "dbt: it needs assets, which name its nodes");
    } else if (s->raw->has_dbt && asset->node.len == 0) {
        asset_problem(s, asset->at, "such as node: model.shop.orders",
                      "dbt: nothing says which node it is");
    } else if (!s->raw->has_dbt && asset->node.ptr != NULL) {
        asset_problem(s, asset->at, "take it away", "node goes with dbt only");
    }
}
