/* DESIGN
 * A row of checks, the first that has something to say decides. Refused: the manifest, as it is, would
 * make a wrong table, and it is in its making that this is put right. Needs dbt: it is right, but what
 * it asks for is done by dbt alone. What we have never heard of is of the second kind, never native. */
#include "common/dbt/build.h"
#include "common/dbt/overrides.h"
#include "common/dbt/spec_parts.h"

#include <string.h>

struct admission {
    const struct dbt_project *project;
    const struct dbt_node *node;
    const struct dbt_host *host;
    const struct json *json, *config;
    struct dbt_spec *spec; /* once it is read */
    struct arena *arena;
    struct dbt_verdict *verdict;
    bool is_out_of_memory;
};

/* `change` goes behind the node's file. Always true: decided. */
static bool decide(struct admission *a, enum dbt_admission admission, struct str reason,
                   const char *change)
{
    const struct str change_text =
        change == NULL || a->node->file_path.len == 0
            ? str_from(change)
            : arena_printf(a->arena, STR_FMT ": %s", STR_ARG(a->node->file_path), change);
    a->is_out_of_memory = reason.ptr == NULL || (change != NULL && change_text.ptr == NULL);
    *a->verdict =
        (struct dbt_verdict){.admission = admission, .reason = reason, .change = change_text};
    return true;
}

static bool is_on(const struct admission *a, const char *adapter)
{
    return str_eq(a->host->adapter, str_from(adapter));
}

/* ---- before the node is read ---- */

/* What is not a table, a view or a question about one. */
static bool by_type(struct admission *a)
{
    switch (a->node->type) {
    case DBT_EXPOSURE:
    case DBT_METRIC:
    case DBT_SEMANTIC_MODEL:
    case DBT_SAVED_QUERY:
    case DBT_ANALYSIS:
        return decide(a, DBT_NATIVE, STR("not run: it is there for lineage"), NULL);
    case DBT_UNIT_TEST:
        return decide(a, DBT_NEEDS_DBT, STR("not run: dbt renders unit tests when it runs them"),
                      NULL);
    case DBT_OPERATION:
        return decide(a, DBT_NEEDS_DBT,
                      STR("not run: on-run hooks hold values of the run that compiled them"),
                      "make it a pre-hook or post-hook of a model");
    case DBT_FUNCTION:
        return decide(a, DBT_NEEDS_DBT, STR("functions are made by dbt"), NULL);
    case DBT_MODEL:
    case DBT_SEED:
    case DBT_SNAPSHOT:
    case DBT_TEST:
    case DBT_SOURCE:
        break;
    }
    return false;
}

static bool by_dialect(struct admission *a)
{
    const struct str compiled_for = a->project->adapter_type;
    if (!str_eq(compiled_for, a->host->adapter)) {
        return decide(a, DBT_REFUSED,
                      arena_printf(a->arena,
                                   "compiled for " STR_FMT ", and the database is " STR_FMT,
                                   STR_ARG(compiled_for), STR_ARG(a->host->adapter)),
                      "compile it with a profile of the database's own type");
    }
    if (!is_on(a, "sqlite") && !is_on(a, "postgres")) {
        return decide(
            a, DBT_NEEDS_DBT,
            arena_printf(a->arena, "SQL for " STR_FMT " is run by dbt", STR_ARG(compiled_for)),
            NULL);
    }
    return false;
}

static bool has_relation(const struct dbt_node *node)
{
    return node->type == DBT_SOURCE || node->type == DBT_SEED || node->type == DBT_SNAPSHOT ||
           (node->type == DBT_MODEL && !str_eq(node->materialized, STR("ephemeral")));
}

/* SQLite knows other schemas only as other files, attached by name: none is. PostgreSQL reaches but its
 * own database. */
static bool by_place_of(struct admission *a, const struct dbt_node *other)
{
    const bool is_self = other == a->node;
    const char *verb = is_self ? "stands in" : "reads";
    if (is_on(a, "sqlite") && other->schema.len > 0 && !str_eq(other->schema, STR("main"))) {
        return decide(a, DBT_REFUSED,
                      arena_printf(a->arena,
                                   "%s " STR_FMT "%s" STR_FMT
                                   ", and only the schema main is in the database's file",
                                   verb, STR_ARG(other->schema), is_self ? "" : ".",
                                   STR_ARG(is_self ? STR("") : other->alias)),
                      "have all in the schema main, and compile again");
    }
    if (is_on(a, "postgres") && a->host->database.len > 0 && other->database.len > 0 &&
        !str_eq(other->database, a->host->database)) {
        return decide(a, DBT_REFUSED,
                      arena_printf(a->arena,
                                   "%s the database " STR_FMT ", and the connection is to " STR_FMT,
                                   verb, STR_ARG(other->database), STR_ARG(a->host->database)),
                      "compile it with the profile's dbname as it is on the device");
    }
    return false;
}

static bool by_place(struct admission *a)
{
    if (has_relation(a->node) && by_place_of(a, a->node)) {
        return true;
    }
    for (size_t i = 0; i < a->node->parent_count; i++) {
        const struct dbt_node *parent = &a->project->nodes[a->node->parents[i]];
        if (has_relation(parent) && by_place_of(a, parent)) {
            return true;
        }
    }
    return false;
}

static bool by_compilation(struct admission *a)
{
    const enum dbt_type type = a->node->type;
    if (type == DBT_SEED || type == DBT_SOURCE || a->node->is_compiled) {
        return false;
    }
    return decide(
        a, DBT_REFUSED, STR("not compiled"),
        "run dbt compile, and take the manifest before dbt ls or dbt parse writes it again");
}

/* ---- what it was compiled from ---- */

/* An ephemeral model's text is a part of its children's, and so is what it depends on. */
static uint8_t uses_of(const struct dbt_project *project, const struct dbt_node *node,
                       uint32_t *stack, bool *seen)
{
    uint8_t uses = node->uses;
    size_t depth = 0;
    stack[depth++] = (uint32_t)(node - project->nodes);
    while (depth > 0) {
        const struct dbt_node *at = &project->nodes[stack[--depth]];
        for (size_t i = 0; i < at->parent_count; i++) {
            const uint32_t parent = at->parents[i];
            if (!seen[parent] && dbt_is_ephemeral(&project->nodes[parent])) {
                seen[parent] = true;
                stack[depth++] = parent;
                uses |= project->nodes[parent].uses & (uint8_t)~DBT_USES_IS_INCREMENTAL;
            }
        }
    }
    return uses;
}

static bool has_ephemeral_parent(const struct dbt_project *project, const struct dbt_node *node)
{
    for (size_t i = 0; i < node->parent_count; i++) {
        if (dbt_is_ephemeral(&project->nodes[node->parents[i]])) {
            return true;
        }
    }
    return false;
}

static bool find_uses(struct admission *a, uint8_t *ret)
{
    if (!has_ephemeral_parent(a->project, a->node)) {
        *ret = a->node->uses;
        return true;
    }
    uint32_t *stack = arena_array(a->arena, a->project->count + 1, sizeof *stack);
    bool *seen = arena_array(a->arena, a->project->count + 1, sizeof *seen);
    if (stack == NULL || seen == NULL) {
        return false;
    }
    *ret = uses_of(a->project, a->node, stack, seen);
    return true;
}

static bool by_frozen_values(struct admission *a)
{
    uint8_t uses = 0;
    if (!find_uses(a, &uses)) {
        a->is_out_of_memory = true;
        return true;
    }
    if (!a->host->allows_frozen && (uses & DBT_USES_DATABASE) != 0) {
        return decide(a, DBT_REFUSED,
                      STR("asks the database while it is compiled: the answer is frozen in it"),
                      "write the answer down, or allow frozen values where it is the same here");
    }
    if (!a->host->allows_frozen && (uses & DBT_USES_RUN) != 0) {
        return decide(a, DBT_REFUSED,
                      STR("has the time or the id of the run that compiled it frozen in it"),
                      "ask the database for the time, or allow frozen values");
    }
    if ((uses & (DBT_USES_DATABASE | DBT_USES_RUN)) != 0) {
        return decide(a, DBT_NATIVE, STR("has values frozen in it, which is allowed"), NULL);
    }
    if ((uses & DBT_USES_ENVIRONMENT) != 0) {
        return decide(a, DBT_NATIVE,
                      STR("has variables of the machine that compiled it frozen in it"), NULL);
    }
    return false;
}

/* ---- what it asks for ---- */

static bool by_language(struct admission *a)
{
    const struct json *language = spec_member(a->json, "language");
    if (language == NULL || language->type != JSON_STRING ||
        str_eq(language->as.string, STR("sql"))) {
        return false;
    }
    return decide(a, DBT_NEEDS_DBT,
                  arena_printf(a->arena, "a " STR_FMT " model", STR_ARG(language->as.string)),
                  NULL);
}

/* Before the settings are read, which of another kind may mean anything. */
static bool by_materialization(struct admission *a)
{
    static const char *const known[] = {"view", "table", "incremental", "ephemeral"};
    const enum dbt_type type = a->node->type;
    const struct str name = a->node->materialized;
    bool is_known = type == DBT_SOURCE || name.len == 0 ||
                    (type != DBT_MODEL && str_eq(name, str_from(dbt_type_name(type))));
    for (size_t i = 0; i < COUNT_OF(known) && type == DBT_MODEL; i++) {
        is_known = is_known || str_eq(name, str_from(known[i]));
    }
    return !is_known &&
           decide(a, DBT_NEEDS_DBT, arena_printf(a->arena, "materialized " STR_FMT, STR_ARG(name)),
                  "materialize it as view, table or incremental");
}

/* How it is run is not dbt's way, and the text says nothing of it. */
static bool by_override(struct admission *a)
{
    const struct dbt_override *o = override_find(a->project, a->node, a->host->adapter);
    if (o == NULL) {
        return false;
    }
    (void)decide(a, DBT_NEEDS_DBT,
                 arena_printf(a->arena,
                              "the macro " STR_FMT
                              " takes the place of dbt's own when it is run, and only dbt runs it",
                              STR_ARG(str_clip(o->macro, 200))),
                 NULL);
    a->verdict->change =
        arena_printf(a->arena, STR_FMT ": without the macro it is run as dbt's own code would",
                     STR_ARG(o->file));
    a->is_out_of_memory = a->is_out_of_memory || a->verdict->change.ptr == NULL;
    return true;
}

static bool by_injection(struct admission *a)
{
    const struct json *ctes = spec_member(a->json, "extra_ctes");
    const struct json *is_injected = spec_member(a->json, "extra_ctes_injected");
    if (ctes == NULL || ctes->count == 0 ||
        (is_injected != NULL && is_injected->type == JSON_BOOL && is_injected->as.boolean)) {
        return false;
    }
    return decide(a, DBT_REFUSED, STR("ephemeral models are not injected into it"),
                  "compile it without --no-inject-ephemeral-ctes");
}

static bool by_strategy(struct admission *a)
{
    const struct dbt_spec *spec = a->spec;
    const bool is_unknown =
        (spec->materialization == DBT_INCREMENTAL_TABLE && spec->strategy == DBT_OTHER_STRATEGY) ||
        (spec->materialization == DBT_AS_SNAPSHOT && !spec->is_check_strategy &&
         !str_eq(spec->strategy_name, STR("timestamp")));
    if (!is_unknown) {
        return false;
    }
    return decide(a, DBT_NEEDS_DBT,
                  arena_printf(a->arena, "strategy \"" STR_FMT "\"", STR_ARG(spec->strategy_name)),
                  spec->materialization == DBT_AS_SNAPSHOT ? "use timestamp or check"
                                                           : "use append, delete+insert or merge");
}

/* A foreign key would keep the table that it refers to from being made anew; dbt drops it then. */
static bool by_contract(struct admission *a)
{
    bool is_ours = is_on(a, "postgres") && a->node->type == DBT_MODEL && !a->spec->has_foreign_key;
    return a->spec->is_contract_enforced && !is_ours &&
           decide(a, DBT_NEEDS_DBT, STR("its contract is enforced, which dbt does"),
                  "contract: {enforced: false}, with tests in its place");
}

static bool has_jinja(struct str text)
{
    return str_contains(text, STR("{{")) || str_contains(text, STR("{%"));
}

static bool by_jinja(struct admission *a)
{
    const struct dbt_spec *spec = a->spec;
    bool has = has_jinja(spec->sql_header) || has_jinja(spec->loaded_at_query);
    for (size_t i = 0; i < spec->predicates.count; i++) {
        has = has || has_jinja(spec->predicates.items[i]);
    }
    return has && decide(a, DBT_NEEDS_DBT, STR("a setting holds Jinja, which dbt renders"), NULL);
}

/* dbt-sqlite passes it over; dbt-postgres puts it before the statement, and so do we for models and
 * tests. Rendered when the project was read, as in dbt. */
static bool by_header(struct admission *a)
{
    return a->spec->sql_header.len > 0 && a->node->type != DBT_TEST && a->node->type != DBT_MODEL &&
           is_on(a, "postgres") &&
           decide(a, DBT_NEEDS_DBT, STR("sql_header"),
                  "take the settings into the SQL, or leave them");
}

/* ---- two compilations ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Its relation's name as dbt writes it, which need not be in quotes. */
static bool reads(struct str sql, struct str relation)
{
    while (relation.len > 0 && sql.len >= relation.len) {
        const char *at = memmem(sql.ptr, sql.len, relation.ptr, relation.len);
        if (at == NULL) {
            return false;
        }
        sql = str_slice(sql, (size_t)(at - sql.ptr) + relation.len, sql.len);
        if (sql.len == 0 || !is_word(sql.ptr[0])) {
            return true;
        }
    }
    return false;
}

static bool by_variants(struct admission *a)
{
    const struct dbt_spec *spec = a->spec;
    if (spec->materialization != DBT_INCREMENTAL_TABLE) {
        return false;
    }
    const bool reads_itself = reads(spec->sql, a->node->relation_name);
    if (reads_itself && spec->has_incremental && spec->sql_incremental.ptr != spec->sql.ptr &&
        !reads(spec->sql_incremental, a->node->relation_name)) {
        return decide(
            a, DBT_REFUSED,
            STR("the text of its first build reads its own table, that of later ones does "
                "not: the two manifests are the wrong way round"),
            "give the one compiled against an empty database first");
    }
    /* Of one that is always made anew it is never true. */
    if ((a->node->uses & DBT_USES_IS_INCREMENTAL) == 0 || spec->full_refresh == DBT_ALWAYS_FULL) {
        return false;
    }
    if (!spec->has_incremental) {
        return decide(
            a, DBT_REFUSED,
            STR("asks is_incremental(), and there is no compilation in which it was true, or it "
                "is the same as the other"),
            "compile once against an empty database, once where the tables are, and give both");
    }
    if (reads_itself) {
        return decide(a, DBT_REFUSED, STR("the text of its first build reads its own table"),
                      "compile the first of the two against an empty database");
    }
    return false;
}

/* ---- settings that we have not heard of ---- */

/* Those that spec.h has, and those without a say in how a node is run. */
static const char *const known_settings[] = {
    "access",
    "alias",
    "batch_size",
    "begin",
    "check_cols",
    "column_types",
    "concurrent_batches",
    "contract",
    "database",
    "dbt_valid_to_current",
    "delimiter",
    "description",
    "docs",
    "enabled",
    "error_if",
    "event_time",
    "fail_calc",
    "freshness",
    "full_refresh",
    "grants",
    "group",
    "hard_deletes",
    "incremental_predicates",
    "incremental_strategy",
    "indexes",
    "invalidate_hard_deletes",
    "latest_version_pointer",
    "limit",
    "loaded_at_field",
    "loaded_at_query",
    "lookback",
    "materialized",
    "merge_exclude_columns",
    "merge_update_columns",
    "meta",
    "name",
    "on_configuration_change",
    "on_error",
    "on_schema_change",
    "packages",
    "persist_docs",
    "post-hook",
    "post_hook",
    "pre-hook",
    "pre_hook",
    "predicates",
    "quote_columns",
    "quoting",
    "schema",
    "severity",
    "snapshot_meta_column_names",
    "sql_header",
    "static_analysis",
    "store_failures",
    "store_failures_as",
    "strategy",
    "tags",
    "target_database",
    "target_schema",
    "unique_key",
    "unlogged",
    "unrendered_config",
    "updated_at",
    "warn_if",
    "where",
    /* Other adapters'; dbt-sqlite and dbt-postgres pass them over. */
    "auto_refresh",
    "automatic_clustering",
    "backup",
    "bind",
    "buckets",
    "cluster_by",
    "clustered_by",
    "copy_grants",
    "copy_partitions",
    "databricks_compute",
    "databricks_tags",
    "dist",
    "engine",
    "external_volume",
    "file_format",
    "grant_access_to",
    "hours_to_expiration",
    "kms_key_name",
    "labels",
    "liquid_clustered_by",
    "location_root",
    "on_table_exists",
    "order_by",
    "partition_by",
    "partition_expiration_days",
    "partitions",
    "primary_key",
    "query_tag",
    "refresh_mode",
    "require_partition_filter",
    "secure",
    "snowflake_warehouse",
    "sort",
    "sort_type",
    "table_format",
    "table_type",
    "target_lag",
    "tblproperties",
    "tmp_relation_type",
    "transient",
};

static bool is_known_setting(struct str key)
{
    for (size_t i = 0; i < COUNT_OF(known_settings); i++) {
        if (str_eq(key, str_from(known_settings[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_set(const struct json *value)
{
    return value->type != JSON_NULL &&
           !((value->type == JSON_ARRAY || value->type == JSON_OBJECT) && value->count == 0);
}

static bool by_settings(struct admission *a)
{
    for (const struct json *one = a->config == NULL ? NULL : a->config->child; one != NULL;
         one = one->next) {
        if (!is_known_setting(one->key) && is_set(one)) {
            return decide(a, DBT_NEEDS_DBT,
                          arena_printf(a->arena, "the setting \"" STR_FMT "\" is not known here",
                                       STR_ARG(str_clip(one->key, 60))),
                          "put it under meta, where it only informs");
        }
    }
    return false;
}

/* ---- all together ---- */

static bool run_checks(struct admission *a, bool (*const *checks)(struct admission *), size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (checks[i](a)) {
            return true;
        }
    }
    return false;
}

/* What reading the settings says: nonsense is put right in the project, foreign Jinja is dbt's. */
static bool by_error(struct admission *a, const struct err *why)
{
    const struct str reason = arena_copy(a->arena, str_from(why->msg));
    const char *hint = arena_cstr(a->arena, str_from(why->hint));
    return decide(a, why->code == ERR_DENIED ? DBT_NEEDS_DBT : DBT_REFUSED, reason,
                  hint == NULL || hint[0] == '\0' ? "put it right, and compile again" : hint);
}

static bool check_read(struct admission *a, struct err *err)
{
    static bool (*const before[])(struct admission *) = {by_language, by_injection, by_settings};
    static bool (*const after[])(struct admission *) = {by_contract, by_strategy, by_jinja,
                                                        by_header,   by_variants, by_frozen_values};
    struct json *json = NULL;
    struct dbt_spec *spec = arena_alloc(a->arena, sizeof *spec);
    struct err why = {0};
    const uint32_t node = (uint32_t)(a->node - a->project->nodes);
    if (spec == NULL) {
        return spec_no_memory(err);
    }
    if (!dbt_project_read(a->project, node, DBT_FULL, a->arena, &json, err)) {
        return false;
    }
    a->json = json;
    a->config = spec_member(json, "config");
    if (run_checks(a, before, COUNT_OF(before))) {
        return true;
    }
    if (spec_from_json(a->project, node, json, a->arena, spec, &why)) {
        a->spec = spec;
        (void)run_checks(a, after, COUNT_OF(after));
        return true;
    }
    if (why.code != ERR_INVALID && why.code != ERR_DENIED) {
        *err = why;
        return false;
    }
    return by_error(a, &why);
}

bool dbt_admit_read(const struct dbt_project *project, uint32_t node, const struct dbt_host *host,
                    struct arena *arena, struct dbt_verdict *ret, const struct dbt_spec **ret_spec,
                    struct err *err)
{
    static bool (*const by_node[])(struct admission *) = {by_type, by_dialect, by_materialization,
                                                          by_override};
    static bool (*const by_graph[])(struct admission *) = {by_place, by_compilation};
    struct dbt_verdict verdict = {.admission = DBT_NATIVE};
    struct admission a = {.project = project,
                          .node = &project->nodes[node],
                          .host = host,
                          .arena = arena,
                          .verdict = &verdict};
    const bool is_decided = run_checks(&a, by_node, COUNT_OF(by_node)) ||
                            dbt_is_ephemeral(a.node) ||
                            run_checks(&a, by_graph, COUNT_OF(by_graph));
    if (!is_decided && !check_read(&a, err)) {
        return false;
    }
    if (a.is_out_of_memory) {
        return spec_no_memory(err);
    }
    *ret = verdict;
    *ret_spec = verdict.admission == DBT_NATIVE ? a.spec : NULL;
    return true;
}

bool dbt_admit(const struct dbt_project *project, uint32_t node, const struct dbt_host *host,
               struct arena *arena, struct dbt_verdict *ret, struct err *err)
{
    const struct dbt_spec *spec = NULL;
    return dbt_admit_read(project, node, host, arena, ret, &spec, err);
}
