#include "common/dbt/spec.h"

#include "common/dbt/spec_parts.h"

static bool read_choice(const struct json *object, const char *key, const char *const *names,
                        size_t count, int *ret, struct err *err)
{
    struct str text = STR_NONE;
    if (!spec_text(object, key, &text, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (spec_eq_nocase(text, names[i])) {
            *ret = (int)i;
            return true;
        }
    }
    return text.len == 0 || err_set(err, ERR_INVALID, "%s: " STR_FMT " is not known", key,
                                    STR_ARG(str_clip(text, 60)));
}

/* ---- text ---- */

/* Of a model that asks is_incremental(), the second compilation; else there is but one text. */
static bool read_incremental_sql(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    const struct dbt_node *node = spec->node;
    struct json *other = NULL;
    spec->sql_incremental = STR_NONE;
    spec->has_incremental = true;
    if (node->places[DBT_INCREMENTAL].length > 0) {
        return dbt_project_read(r->project, (uint32_t)(node - r->project->nodes), DBT_INCREMENTAL,
                                r->arena, &other, err) &&
               spec_text(other, "compiled_code", &spec->sql_incremental, err);
    }
    if ((node->uses & DBT_USES_IS_INCREMENTAL) != 0 && !node->is_paired &&
        spec->materialization == DBT_INCREMENTAL_TABLE) {
        spec->has_incremental = false;
    } else {
        spec->sql_incremental = spec->sql;
    }
    return true;
}

/* ---- materialization ---- */

static enum dbt_materialization materialization_of(enum dbt_type type, struct str name)
{
    if (type == DBT_SEED && str_eq(name, STR("seed"))) {
        return DBT_AS_SEED;
    }
    if (type == DBT_SNAPSHOT && str_eq(name, STR("snapshot"))) {
        return DBT_AS_SNAPSHOT;
    }
    if (type == DBT_TEST && str_eq(name, STR("test"))) {
        return DBT_AS_TEST;
    }
    static const struct {
        const char *name;
        enum dbt_materialization is;
    } of_models[] = {{"view", DBT_VIEW},
                     {"table", DBT_TABLE},
                     {"incremental", DBT_INCREMENTAL_TABLE},
                     {"ephemeral", DBT_EPHEMERAL}};
    for (size_t i = 0; i < COUNT_OF(of_models) && type == DBT_MODEL; i++) {
        if (str_eq(name, str_from(of_models[i].name))) {
            return of_models[i].is;
        }
    }
    return DBT_OTHER;
}

static bool read_materialization(struct spec_reader *r, struct err *err)
{
    const enum dbt_type type = r->spec->node->type;
    r->spec->materialization_name = type == DBT_MODEL ? STR("view") : str_from(dbt_type_name(type));
    if (!spec_text(r->config, "materialized", &r->spec->materialization_name, err)) {
        return false;
    }
    r->spec->materialization = materialization_of(type, r->spec->materialization_name);
    return true;
}

static enum dbt_strategy strategy_of(struct str name)
{
    static const struct {
        const char *name;
        enum dbt_strategy is;
    } known[] = {{"", DBT_BY_DEFAULT},
                 {"append", DBT_APPEND},
                 {"delete+insert", DBT_DELETE_INSERT},
                 {"merge", DBT_MERGE}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_eq(name, str_from(known[i].name))) {
            return known[i].is;
        }
    }
    return DBT_OTHER_STRATEGY;
}

static bool read_incremental(struct spec_reader *r, struct err *err)
{
    static const char *const changes[] = {[DBT_IGNORE] = "ignore",
                                          [DBT_APPEND_NEW_COLUMNS] = "append_new_columns",
                                          [DBT_SYNC_ALL_COLUMNS] = "sync_all_columns",
                                          [DBT_FAIL_ON_CHANGE] = "fail"};
    struct dbt_spec *spec = r->spec;
    int change = DBT_IGNORE;
    const char *const predicates = spec_member(r->config, "incremental_predicates") != NULL
                                       ? "incremental_predicates"
                                       : "predicates";
    if (!spec_texts(r->config, "unique_key", r->arena, &spec->unique_key, err) ||
        !spec_text(r->config, "incremental_strategy", &spec->strategy_name, err) ||
        !read_choice(r->config, "on_schema_change", changes, COUNT_OF(changes), &change, err) ||
        !spec_texts(r->config, "merge_update_columns", r->arena, &spec->merge_update_columns,
                    err) ||
        !spec_texts(r->config, "merge_exclude_columns", r->arena, &spec->merge_exclude_columns,
                    err) ||
        !spec_texts(r->config, predicates, r->arena, &spec->predicates, err)) {
        return false;
    }
    spec->strategy = strategy_of(spec->strategy_name);
    spec->on_schema_change = (enum dbt_schema_change)change;
    return true;
}

static bool read_full_refresh(struct spec_reader *r, struct err *err)
{
    bool is_always = false;
    if (!spec_bool(r->config, "full_refresh", &is_always, err)) {
        return false;
    }
    if (spec_member(r->config, "full_refresh") != NULL) {
        r->spec->full_refresh = is_always ? DBT_ALWAYS_FULL : DBT_NEVER_FULL;
    }
    return true;
}

static bool read_flags(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    const struct json *docs = NULL;
    const struct json *contract = NULL;
    return spec_object(r->config, "persist_docs", &docs, err) &&
           spec_bool(docs, "relation", &spec->persists_relation_docs, err) &&
           spec_bool(docs, "columns", &spec->persists_column_docs, err) &&
           spec_object(r->config, "contract", &contract, err) &&
           spec_bool(contract, "enforced", &spec->is_contract_enforced, err) &&
           spec_bool(r->config, "unlogged", &spec->is_unlogged, err) &&
           spec_text(r->config, "sql_header", &spec->sql_header, err);
}

static bool read_all(struct spec_reader *r, struct err *err)
{
    switch (r->spec->node->type) {
    case DBT_MODEL:
        return read_incremental(r, err) && read_incremental_sql(r, err);
    case DBT_SNAPSHOT:
        return spec_read_snapshot(r, err);
    case DBT_SEED:
        return spec_read_seed(r, err);
    case DBT_TEST:
        return spec_read_test(r, err);
    case DBT_SOURCE:
        return spec_read_source(r, err);
    case DBT_UNIT_TEST:
    case DBT_EXPOSURE:
    case DBT_METRIC:
    case DBT_SEMANTIC_MODEL:
    case DBT_SAVED_QUERY:
    case DBT_ANALYSIS:
    case DBT_OPERATION:
    case DBT_FUNCTION:
        break;
    }
    return true;
}

static bool read_node(struct spec_reader *r, struct err *err)
{
    return spec_object(r->node, "config", &r->config, err) &&
           spec_text(r->node, "compiled_code", &r->spec->sql, err) &&
           spec_text(r->node, "description", &r->spec->description, err) &&
           read_materialization(r, err) && read_flags(r, err) && read_full_refresh(r, err) &&
           spec_read_columns(r, err) && spec_read_contract(r, err) && spec_read_hooks(r, err) &&
           spec_read_indexes(r, err) && spec_read_grants(r, err) && read_all(r, err);
}

bool spec_from_json(const struct dbt_project *project, uint32_t node, const struct json *json,
                    struct arena *arena, struct dbt_spec *ret, struct err *err)
{
    struct dbt_spec spec = {.node = &project->nodes[node]};
    struct spec_reader r = {.project = project, .node = json, .arena = arena, .spec = &spec};
    if (!read_node(&r, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(spec.node->unique_id));
    }
    *ret = spec;
    return true;
}

bool dbt_spec_read(const struct dbt_project *project, uint32_t node, struct arena *arena,
                   struct dbt_spec *ret, struct err *err)
{
    struct json *json = NULL;
    return dbt_project_read(project, node, DBT_FULL, arena, &json, err) &&
           spec_from_json(project, node, json, arena, ret, err);
}
