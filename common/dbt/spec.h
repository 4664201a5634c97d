/* spec.h - what running one node needs, from its object in the manifest; and whether we may run it.
 * Names, defaults and quirks are dbt's: docs/reference/dbt.md. Texts that are not given are empty.
 *
 * Hooks are the one thing that a manifest holds as Jinja. Of that, we fill in `this`, `this.schema`,
 * `this.name`, `this.identifier`, `this.table`, `target.schema`, `target.type`, texts in quotes, and
 * `A if target.type == 'sqlite' else B` of these. `target.schema` is the node's own schema, without
 * the custom part that dbt's generate_schema_name adds. What the profile's target is called stands
 * in no manifest, so `target.name` is beyond us. */
#pragma once
#include "common/dbt/project.h"

enum dbt_materialization {
    DBT_VIEW,
    DBT_TABLE,
    DBT_INCREMENTAL_TABLE,
    DBT_EPHEMERAL,
    DBT_AS_SEED,
    DBT_AS_SNAPSHOT,
    DBT_AS_TEST,
    DBT_OTHER, /* `materialization_name` says which */
};
enum dbt_strategy { DBT_BY_DEFAULT, DBT_APPEND, DBT_DELETE_INSERT, DBT_MERGE, DBT_OTHER_STRATEGY };
enum dbt_schema_change {
    DBT_IGNORE,
    DBT_APPEND_NEW_COLUMNS,
    DBT_SYNC_ALL_COLUMNS,
    DBT_FAIL_ON_CHANGE
};
enum dbt_refresh { DBT_AS_ASKED, DBT_NEVER_FULL, DBT_ALWAYS_FULL };
enum dbt_hard_deletes { DBT_DELETES_IGNORED, DBT_DELETES_INVALIDATE, DBT_DELETES_NEW_RECORD };
enum dbt_store_as { DBT_STORE_NOT, DBT_STORE_TABLE, DBT_STORE_VIEW };

struct dbt_hook {
    struct str sql;  /* with the whitelisted expressions filled in */
    bool is_outside; /* `transaction: false` */
};
struct dbt_index {
    struct str_list columns;
    struct str type; /* "btree", "hash"; empty = the database's */
    bool is_unique;
};
struct dbt_column {
    struct str name;
    struct str data_type; /* as declared; may be empty */
    struct str description;
    bool is_quoted;
    struct str_list constraints; /* of an enforced contract, as DDL has them: "not null" */
};
struct dbt_grant {
    struct str privilege;
    struct str_list grantees;
};

struct dbt_spec {
    const struct dbt_node *node;
    struct str sql; /* compiled_code of the full variant */
    struct str
        sql_incremental; /* of the other one; the same text where it makes no difference; empty
                                   (and has_incremental false) when it is missing */
    bool has_incremental;
    enum dbt_materialization materialization;
    struct str materialization_name;
    struct str description;
    struct dbt_column *columns; /* declared ones */
    size_t column_count;
    struct dbt_hook *pre_hooks, *post_hooks;
    size_t pre_hook_count, post_hook_count;
    struct dbt_index *indexes;
    size_t index_count;
    struct dbt_grant *grants;
    size_t grant_count;
    bool persists_relation_docs, persists_column_docs;
    bool is_unlogged;
    struct str sql_header;
    bool is_contract_enforced;
    struct str_list constraints; /* of the table, as DDL has them: "primary key (id)" */
    bool has_foreign_key;        /* among all of them */
    /* incremental, snapshots */
    struct str_list unique_key; /* columns or expressions; none = not given */
    enum dbt_strategy strategy;
    struct str strategy_name; /* as written; of a snapshot, too */
    enum dbt_schema_change on_schema_change;
    enum dbt_refresh full_refresh;
    struct str_list merge_update_columns, merge_exclude_columns;
    struct str_list predicates;
    /* snapshots */
    bool is_check_strategy; /* else by timestamp */
    struct str updated_at;
    struct str_list check_columns;
    bool checks_all_columns; /* check_cols: all */
    enum dbt_hard_deletes hard_deletes;
    struct str valid_to_current; /* an expression; empty = null */
    struct str valid_from_column, valid_to_column, scd_id_column, updated_at_column,
        is_deleted_column;
    /* seeds */
    struct str delimiter; /* one character, "," */
    bool quotes_columns;  /* null is true */
    struct str_map column_types;
    struct str seed_path; /* relative to the project: original_file_path */
    struct str seed_root; /* root_path, of the compiling machine */
    struct str seed_text; /* the file's content (`seed_text`), in a bundle; else ptr NULL */
    /* tests */
    bool is_warning;
    struct str error_if, warn_if, fail_calc; /* "!= 0", "!= 0", "count(*)" */
    int64_t limit;                           /* 0 = none */
    enum dbt_store_as store_as;
    /* sources */
    struct str loaded_at_field, loaded_at_query, freshness_filter;
    int64_t warn_after_ns, error_after_ns; /* 0 = not given */
};

/* Everything in `arena`. Errors as of dbt_project_read(); ERR_INVALID for what cannot be meant,
 * ERR_DENIED for a hook with other Jinja than the above, each with the setting's name. */
MUST_CHECK bool dbt_spec_read(const struct dbt_project *project, uint32_t node, struct arena *arena,
                              struct dbt_spec *ret, struct err *err);

enum dbt_admission { DBT_NATIVE, DBT_NEEDS_DBT, DBT_REFUSED };
const char *dbt_admission_name(enum dbt_admission admission); /* "native", "needs dbt", "refused" */

struct dbt_host {
    struct str adapter;  /* of the database that nodes run in: "sqlite", "postgres" */
    struct str database; /* postgres: its name; empty = not known now */
    bool allows_frozen;  /* values of the compiling machine are what is wanted */
};
struct dbt_verdict {
    enum dbt_admission admission;
    struct str reason; /* empty when native without remark */
    struct str change; /* what to change, and in which file; may be empty */
};
/* Silent wrong results are what this is for: what is not understood is never native. Reads the node.
 * What is not run at all (exposures, metrics, analyses) is native, with that as its reason. */
MUST_CHECK bool dbt_admit(const struct dbt_project *project, uint32_t node,
                          const struct dbt_host *host, struct arena *arena, struct dbt_verdict *ret,
                          struct err *err);
/* The same, with the settings that it read; NULL where the node is not native, or there is nothing to
 * run (an ephemeral model). */
MUST_CHECK bool dbt_admit_read(const struct dbt_project *project, uint32_t node,
                               const struct dbt_host *host, struct arena *arena,
                               struct dbt_verdict *ret, const struct dbt_spec **ret_spec,
                               struct err *err);
