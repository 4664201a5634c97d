#include "common/dbt/overrides.h"

enum {
    VIEW = 1,
    TABLE = 2,
    INCREMENTAL = 4,
    SEED = 8,
    SNAPSHOT = 16,
    TEST = 32,
    STORED = 64, /* a test that keeps the rows it finds */
    SOURCE = 128,
    MADE = VIEW | TABLE | INCREMENTAL | SEED | SNAPSHOT,
    FILLED = TABLE | INCREMENTAL | SNAPSHOT | STORED,
};

static const struct {
    uint8_t kinds;
    const char *names; /* with a space between two */
} overridable[] = {
    {MADE | TEST | STORED | SOURCE, "statement"},
    {MADE | STORED, "run_query check_schema_exists create_schema list_relations_without_caching "
                    "get_columns_in_relation sql_convert_columns_in_relation drop_relation "
                    "drop_table drop_view drop_materialized_view drop_relation_if_exists "
                    "get_drop_sql rename_relation get_rename_sql get_rename_table_sql "
                    "get_rename_view_sql truncate_relation load_cached_relation load_relation"},
    {MADE, "run_hooks make_hook_config before_begin in_transaction after_commit apply_grants "
           "call_dcl_statements copy_grants get_dcl_statement_list get_grant_sql get_revoke_sql "
           "get_show_grant_sql should_revoke support_multiple_grantees_per_dcl_statement "
           "persist_docs alter_column_comment alter_relation_comment postgres_escape_comment "
           "validate_doc_columns"},
    {VIEW | TABLE | INCREMENTAL | SNAPSHOT,
     "make_relation_with_suffix make_temp_relation make_backup_relation "
     "make_intermediate_relation assert_columns_equivalent get_assert_columns_equivalent "
     "format_column format_columns get_column_schema_from_query get_empty_schema_sql "
     "get_empty_subquery_sql cast"},
    {FILLED, "create_table_as get_create_table_as_sql get_select_subquery get_column_names "
             "get_table_columns_and_constraints table_columns_and_constraints get_create_sql"},
    {VIEW | STORED, "create_view_as get_create_view_as_sql get_create_sql"},
    {TABLE | INCREMENTAL | SEED | SNAPSHOT, "create_indexes get_create_index_sql"},
    {INCREMENTAL | SEED, "should_full_refresh"},
    {INCREMENTAL | SNAPSHOT, "equals alter_column_type"},
    {INCREMENTAL,
     "alter_relation_add_remove_columns check_for_schema_changes diff_columns "
     "diff_column_data_types get_incremental_append_sql get_incremental_default_sql "
     "get_incremental_delete_insert_sql get_incremental_merge_sql get_delete_insert_merge_sql "
     "get_insert_into_sql get_merge_sql get_merge_update_columns get_merge_unique_key_match "
     "get_quoted_csv incremental_validate_on_schema_change process_schema_changes "
     "sync_column_schemas sqlite_incremental_upsert"},
    {SEED, "create_csv_table reset_csv_table load_csv_rows get_csv_sql get_batch_size "
           "get_binding_char get_seed_column_quoted_csv noop_statement"},
    {SNAPSHOT,
     "build_snapshot_table build_snapshot_staging_table check_time_data_types create_columns "
     "get_columns_in_query get_dbt_valid_to_current get_list_of_column_names "
     "get_or_create_relation get_snapshot_get_time_data_type get_snapshot_table_column_names "
     "get_true_sql get_updated_at_column_data_type post_snapshot safe_cast "
     "snapshot_check_all_get_existing_columns snapshot_check_strategy "
     "snapshot_timestamp_strategy snapshot_get_time snapshot_hash_arguments snapshot_merge_sql "
     "snapshot_staging_table snapshot_string_as_time strategy_dispatch unique_key_fields "
     "unique_key_is_null unique_key_is_not_null unique_key_join_on"},
    {SNAPSHOT | SOURCE, "current_timestamp"},
    {TEST | STORED, "get_test_sql get_limit_sql get_limit_subquery_sql should_store_failures"},
    {SOURCE, "collect_freshness"},
};

static const struct {
    const char *name;
    uint8_t kinds;
} materializations[] = {
    {"view", VIEW}, {"table", TABLE},       {"incremental", INCREMENTAL},
    {"seed", SEED}, {"snapshot", SNAPSHOT}, {"test", TEST | STORED},
};

/* "default" is every adapter, as is no name at all. false: one that we run nothing for. */
static bool adapter_from(struct str name, struct str *ret)
{
    *ret = str_eq(name, STR("default")) ? STR("") : name;
    return ret->len == 0 || str_eq(name, STR("sqlite")) || str_eq(name, STR("postgres"));
}

static bool is_listed(const char *names, struct str name)
{
    struct str rest = str_from(names);
    struct str one = STR_NONE;
    while (rest.len > 0) {
        (void)str_cut(rest, ' ', &one, &rest);
        if (str_eq(one, name)) {
            return true;
        }
    }
    return false;
}

/* "table_default", of a macro materialization_table_default. */
static uint8_t materialization_kinds(struct str rest, struct str *ret_adapter)
{
    struct str name = STR_NONE;
    struct str adapter = STR_NONE;
    if (!str_cut_last(rest, '_', &name, &adapter) || !adapter_from(adapter, ret_adapter)) {
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(materializations); i++) {
        if (str_eq(name, str_from(materializations[i].name))) {
            return materializations[i].kinds;
        }
    }
    return 0;
}

static uint8_t kinds_of(struct str name, struct str *ret_adapter)
{
    const struct str prefix = STR("materialization_");
    static const char *const adapters[] = {"default", "sqlite", "postgres"};
    uint8_t kinds = 0;
    if (str_starts(name, prefix)) {
        return materialization_kinds(str_slice(name, prefix.len, name.len), ret_adapter);
    }
    *ret_adapter = STR("");
    for (size_t i = 0; i < COUNT_OF(adapters); i++) {
        const struct str adapter = str_from(adapters[i]);
        const struct str rest = str_slice(name, adapter.len, name.len);
        if (str_starts(name, adapter) && str_starts(rest, STR("__"))) {
            (void)adapter_from(adapter, ret_adapter);
            name = str_slice(rest, 2, rest.len);
            break;
        }
    }
    for (size_t i = 0; i < COUNT_OF(overridable); i++) {
        kinds |= is_listed(overridable[i].names, name) ? overridable[i].kinds : 0;
    }
    return kinds;
}

static bool is_of_dbt(struct str package)
{
    return str_eq(package, STR("dbt")) || str_eq(package, STR("dbt_sqlite")) ||
           str_eq(package, STR("dbt_postgres"));
}

bool override_from(struct str unique_id, struct dbt_override *ret)
{
    struct str head = STR_NONE;
    struct str package = STR_NONE;
    struct str name = STR_NONE;
    if (!str_cut(unique_id, '.', &head, &ret->macro) || !str_eq(head, STR("macro")) ||
        !str_cut(ret->macro, '.', &package, &name) || is_of_dbt(package)) {
        return false;
    }
    ret->kinds = kinds_of(name, &ret->adapter);
    return ret->kinds != 0;
}

static uint8_t kind_of(const struct dbt_node *node)
{
    switch (node->type) {
    case DBT_MODEL:
        return str_eq(node->materialized, STR("view"))          ? VIEW
               : str_eq(node->materialized, STR("table"))       ? TABLE
               : str_eq(node->materialized, STR("incremental")) ? INCREMENTAL
                                                                : 0;
    case DBT_SEED:
        return SEED;
    case DBT_SNAPSHOT:
        return SNAPSHOT;
    case DBT_TEST:
        return node->relation_name.len > 0 ? STORED : TEST;
    case DBT_SOURCE:
        return SOURCE;
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
    return 0;
}

const struct dbt_override *override_find(const struct dbt_project *project,
                                         const struct dbt_node *node, struct str adapter)
{
    const uint8_t kind = kind_of(node);
    for (size_t i = 0; i < project->override_count; i++) {
        const struct dbt_override *o = &project->overrides[i];
        if ((o->kinds & kind) != 0 && (o->adapter.len == 0 || str_eq(o->adapter, adapter))) {
            return o;
        }
    }
    return NULL;
}
