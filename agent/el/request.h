/* request.h - what the agent asks of one step: the JSON object on standard input, checked. */
#pragma once
#include "agent/connectors/options.h"

struct tap_ops;    /* tap.h */
struct target_ops; /* target.h */

enum step_kind { STEP_EXTRACT_LOAD, STEP_SQL, STEP_CHECKS, STEP_MELTANO, STEP_DBT };
enum materialized { MATERIALIZED_TABLE, MATERIALIZED_VIEW };

enum check_severity { CHECK_ERROR, CHECK_WARN };
struct check_options {
    struct str asset; /* of a step that makes several; else empty */
    struct str name;
    struct str sql;
    const struct json *database_node; /* as it came; NULL = the database just written */
    const struct target_ops *database;
    const void *database_options; /* of the struct that database->options describes */
    int severity;
};
/* Of a table: only the rows whose column holds one of the keys are replaced. */
struct partition_options {
    struct str column;
    struct str_list keys;
};
/* A block of a Meltano project. */
struct meltano_options {
    struct str project;      /* path of meltano.yml */
    struct str environment;  /* empty = the project's default */
    struct str_list block;   /* what `meltano run` would be given */
    struct str schedule;     /* that it runs for: its variables count; empty = none */
    bool is_elt;             /* the block is the schedule's own, whose name is the state id */
    struct str_list streams; /* only these of its tap; empty = all that are selected */
};
/* What a run was asked for, in dbt's words: which tests run is by these. */
struct dbt_asked {
    struct str select, exclude, selector;
    struct str indirect; /* selection of tests; empty = eager */
    struct str state;    /* what was before, as of dbt_past_of; empty = what this device kept */
};
/* Nodes of a dbt project; which ones the assets say. */
enum dbt_runner { DBT_RUNNER_AUTO, DBT_RUNNER_NATIVE, DBT_RUNNER_DBT };
struct dbt_options {
    struct str manifest;
    struct str incremental; /* of the second compilation; may be empty */
    struct str project_dir; /* empty = the one above target/, else the manifest's */
    struct str profiles_dir, target, program; /* of an installed dbt; may be empty */
    int runner;                               /* enum dbt_runner */
    bool allows_frozen, is_fail_fast, is_full_refresh;
    int64_t statement_timeout_ns;    /* 0 = no limit */
    bool asks_freshness;             /* of sources */
    bool is_retry;                   /* tests above what is made now that failed last run again */
    struct str_list select, exclude; /* which nodes the project's step has; none = all */
    struct str selector;
    struct dbt_asked asked;
    struct str log_file;         /* takes what each node says; empty = none */
    const struct json *database; /* where nodes run; NULL = only an installed dbt runs them */
};
/* Of a step that makes several: the stream, or node, that is the asset. */
struct asset_stream {
    struct str asset;
    struct str stream;
    struct str node;
};
struct request {
    struct str asset;          /* empty: several are made, or the step is no asset's */
    struct object_list assets; /* of struct asset_stream; of a tap, which has the same streams */
    struct str run;
    struct str step;
    int64_t attempt;
    int kind;
    struct str state_id; /* empty = the asset */
    struct str state_dir;
    const struct json *state; /* of state_command.h; NULL = not given */
    /* kind extract_load */
    const struct json *tap_node; /* as they came; NULL = they did not */
    const struct json *target_node;
    const struct tap_ops *tap;
    const void *tap_options; /* of the struct that tap->options describes */
    const struct target_ops *target;
    const struct load_options *load; /* first member of what target->options describes */
    bool has_row_limit;              /* read no more than row_limit rows; never in a step */
    int64_t row_limit;
    /* kind meltano */
    struct meltano_options meltano;
    bool has_meltano;
    /* kind dbt */
    struct dbt_options dbt;
    bool has_dbt;
    /* kind sql */
    struct str path;
    struct str name;
    int materialized;
    struct str sql;
    struct partition_options partition;
    bool has_partition;
    struct object_list checks; /* of struct check_options */
};

/* `text` is one JSON object; everything lives in `arena`. */
MUST_CHECK bool request_parse(struct str text, struct arena *arena, struct request *ret,
                              struct err *err);
