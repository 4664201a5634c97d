/* definitions.h - what a person wrote in selvedge.yaml: loaded, checked as a whole, immutable.
 * docs/reference/definitions.md
 *
 * Everything of one load lives in one arena inside `struct definitions` (at most
 * LIMIT_DEFINITIONS_ARENA); a reload makes a new one, and the old one lives until its last user
 * has closed it. Assets are numbered as written, included files after the one that names them, and
 * equally in `graph` (asset n = node n). Texts marked [resolve] may hold ${VAR}, ${VAR:-default}
 * and $$, those marked [secret] also ${secret:NAME}; they are kept as written and go through
 * definitions_resolve_text()/_path() when a step starts. Any thread may read. */
#pragma once
#include "agent/connectors/connector.h"
#include "common/json/fields.h"
#include "common/json/json_writer.h"
#include "common/model/automation.h"
#include "common/model/backoff.h"
#include "common/model/cron.h"
#include "common/model/freshness.h"
#include "common/model/graph.h"
#include "common/model/partition.h"
#include "common/model/selection.h"

/* A named connection. */
struct resource {
    struct str name;
    const struct connector *connector;
    /* [resolve] JSON object as it was written, with `type`; texts of options marked OPTION_SECRET
     * are [secret], those marked OPTION_PATH paths. */
    struct str written;
    const void *options; /* the same as a struct of the connector's; see connector_resource_table */
    struct location at;
};

/* Where rows come from, or go to. */
struct endpoint {
    const struct connector *connector;
    struct str resource_name;
    const struct resource *resource; /* NULL = the connector needs none */
    /* [resolve] JSON object, as of a resource: what was written but for `resource`; `table` (the
     * key's last part, where there is one stream) and `mode` settled. */
    struct str written;
    enum load_mode
        mode; /* of a load; default: upsert with a primary_key or a tap that names keys of
                            its streams, else append */
    struct location at;
};

enum sql_materialized { SQL_VIEW, SQL_TABLE };
struct sql {
    struct str resource_name;
    const struct resource *resource;
    enum sql_materialized materialized; /* defaults to a view, as dbt's does */
    struct str query; /* one statement, from `file` when that was given; never resolved */
    struct str file;
    struct str name;         /* of the view or table; defaults to the key's last part */
    struct str partition_by; /* column with the partition's key; empty = the asset has none */
    struct location at;
};

enum check_severity { CHECK_WARN, CHECK_ERROR };
struct check {
    struct str name;
    struct str sql; /* one row; fails on a first column of 0, empty or NULL; never resolved */
    struct str resource_name;
    const struct resource *resource; /* defaults to where the asset is written to; of `sql` */
    struct str_list run; /* [resolve] instead of `sql`: passes when the program exits with 0 */
    struct str test;     /* ASSET_DBT: unique id of the test that it is */
    /* None of these: the asset's own program reports it through Dagster Pipes; ASSET_RUN. */
    enum check_severity severity; /* defaults to error */
    bool is_blocking;             /* not passed, with severity error: downstream does not run */
    struct str description;
    struct location at;
};

/* Limits of the kernel on a `run` step and all it starts. 0 = as the agent has it. */
struct step_limits {
    int64_t memory_bytes; /* of the group: cgroup where there is one, else RLIMIT_AS of each */
    int64_t cpu_ns;       /* RLIMIT_CPU of each process, rounded up to seconds */
    int64_t file_bytes;   /* RLIMIT_FSIZE */
    int64_t open_files;   /* RLIMIT_NOFILE */
    int64_t processes;    /* RLIMIT_NPROC, of the user */
    int64_t nice;         /* 0..19 */
};

enum run_retry_strategy { RETRY_FROM_FAILURE, RETRY_FROM_ASSET_FAILURE, RETRY_ALL_STEPS };
/* Of a whole run: a new run, with the failed one as its parent. */
struct run_retry {
    int64_t max; /* 0 = none */
    int64_t delay_ns;
    enum run_retry_strategy strategy; /* defaults to from_failure */
};

/* Makes several assets by one child process. What tells how they are made is equal in all of them
 * (work, extract but for the stream, load, run to extras, retry, timeout, pool, partitions), and a
 * run that selects some of them makes those alone. */
struct shared_step {
    struct str key;         /* of the step; no asset has it, and no other step */
    const uint32_t *assets; /* at least one, in an order in which they can be made */
    size_t asset_count;
    struct location at;
};

/* A block of a Meltano project: docs/reference/meltano.md */
struct meltano_run {
    struct str project;     /* [resolve] as a path: its meltano.yml */
    struct str environment; /* empty = the project's default one */
    struct str_list block;  /* what `meltano run` would be given */
    struct str schedule;    /* the block is that schedule's own; empty = it is no schedule's */
};

enum dbt_runner { DBT_RUNNER_AUTO, DBT_RUNNER_NATIVE, DBT_RUNNER_DBT };
/* Nodes of a dbt project: docs/reference/dbt.md */
struct dbt_run {
    struct str manifest; /* [resolve] as a path, as are the next two: manifest.json or a bundle */
    struct str incremental; /* of the second compilation; may be empty */
    struct str state;       /* what was before, for `state:`; empty: what the device kept */
    struct str project_dir; /* where seeds and the project are; may be empty */
    struct str adapter;     /* that it is compiled for, as dbt calls it */
    struct str resource_name;
    const struct resource *resource; /* where nodes run; NULL with DBT_RUNNER_DBT alone */
    int runner;                      /* enum dbt_runner */
    struct str program;              /* dbt, when it is driven; empty = looked for */
    struct str profiles_dir;         /* [resolve] as a path, of dbt; may be empty */
    struct str target;               /* of its profile; may be empty */
    struct str_list select, exclude; /* which nodes the assets are; dbt's syntax */
    struct str selector;
    bool allows_frozen; /* values of the compiling machine are what is wanted */
    bool is_fail_fast;
    int64_t statement_timeout_ns; /* of each statement; 0 = no limit */
    bool asks_freshness;          /* of sources, before nodes run */
};

enum asset_work {
    ASSET_EXTERNAL,
    ASSET_EXTRACT_LOAD,
    ASSET_SQL,
    ASSET_RUN,
    ASSET_MELTANO,
    ASSET_DBT,
};
struct asset {
    struct str key;
    struct shared_step *step; /* NULL: a step of its own makes it, which has its key */
    struct str stream;        /* of a shared step with ASSET_EXTRACT_LOAD: which one the asset is */
    struct str node;          /* ASSET_DBT: unique id of the node that it is */
    enum asset_work work;
    struct str_list deps;  /* keys; as node numbers in the graph */
    struct str group;      /* "default" when not given */
    struct str_list kinds; /* inferred ones first, then those written */
    struct str_map tags;
    struct str_list owners;
    struct str description;
    struct str code_version; /* may be empty */
    struct retry_policy retry;
    int64_t timeout_ns; /* 0 = none */
    struct check *checks;
    size_t check_count;
    struct endpoint extract;    /* ASSET_EXTRACT_LOAD */
    struct endpoint load;       /* ASSET_EXTRACT_LOAD */
    struct sql sql;             /* ASSET_SQL */
    struct str_list run;        /* [resolve] ASSET_RUN: program and arguments; runs in `dir` */
    struct meltano_run meltano; /* ASSET_MELTANO */
    struct dbt_run dbt;         /* ASSET_DBT */
    struct str_map env;         /* [secret] values; ASSET_RUN, ASSET_MELTANO */
    struct str dir;            /* [resolve] as a path; ASSET_RUN; empty = the definitions' folder */
    struct str user;           /* ASSET_RUN: whose rights it runs with; empty = the agent's */
    struct step_limits limits; /* ASSET_RUN */
    struct str extras;         /* ASSET_RUN: JSON object for Dagster Pipes; empty = none */
    struct str_map metadata;   /* of the definition */
    struct str_list
        dataset; /* [resolve] addresses that a person states: docs/reference/lineage.md */
    struct partitions partitions;
    int64_t partitions_per_run; /* of a backfill: 1 = a run each; 0 = one run for the range */
    struct freshness_policy freshness;
    struct automation automation;
    struct str pool_name;
    const struct pool *pool; /* NULL = none */
    uint64_t digest;         /* of all that was written about it, and of the query's file */
    struct location at;
};

/* Named places: at most `limit` steps that name it run at the same time. */
struct pool {
    struct str name;
    int64_t limit;   /* at least 1; of this device's steps */
    bool is_fleet;   /* places are the hub's, too */
    int64_t wait_ns; /* for a hub that is silent */
    struct location at;
};

enum overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_REPLACE };

struct job {
    struct str name;
    struct str select;
    const uint32_t *assets; /* what it selects, ascending; external ones included; never empty */
    size_t asset_count;
    int64_t max_parallel;    /* steps of one run at the same time; 0 = as many as the device runs */
    enum overlap on_overlap; /* a cause comes while a run of the job is open; defaults to skip */
    int64_t priority;        /* in the queue: higher first; defaults to 0 */
    int64_t timeout_ns;      /* of a run from its start; 0 = none */
    struct run_retry retry;
    struct str_map tags; /* given to each run */
    uint64_t digest;     /* of all that was written about it, as in the next two */
    struct location at;
};

enum missed_policy { MISSED_LATEST, MISSED_SKIP, MISSED_ALL };

struct schedule {
    struct str name;
    struct str job_name;
    const struct job *job;  /* NULL when it has a selection of its own */
    struct str select;      /* empty when it has a job */
    const uint32_t *assets; /* of the job or of the selection */
    size_t asset_count;
    struct str cron_text; /* empty when `every_ns` is used */
    struct cron cron;
    int64_t every_ns; /* 0 when cron is used; else >= 1 s */
    struct str timezone;
    const struct tz *tz;       /* never NULL */
    enum missed_policy missed; /* ticks that came while nobody could fire them */
    int64_t missed_max;        /* MISSED_ALL: the newest of them; at least 1 */
    int64_t splay_ns;   /* each tick fires up to this much later: fixed per device and schedule */
    bool starts_paused; /* until somebody resumes it */
    bool is_hubs;       /* issued by the hub: not in the file, or in place of the file's */
    bool is_held;       /* the hub pauses it, whatever a person here said */
    struct str_map tags;
    uint64_t digest;
    struct location at;
};

enum sensor_type {
    SENSOR_FILES,      /* `watch` */
    SENSOR_MQTT,       /* `mqtt` */
    SENSOR_ASSET,      /* `asset` */
    SENSOR_RUN_STATUS, /* `run_status` */
    SENSOR_COMMAND,    /* `run` */
};
struct sensor {
    struct str name;
    enum sensor_type type;
    struct str job_name;
    const struct job *job; /* NULL when it has a selection of its own */
    struct str select;
    const uint32_t *assets; /* of the job or of the selection */
    size_t asset_count;
    struct str watch;  /* [resolve] SENSOR_FILES: path with wildcards in its last part */
    int64_t stable_ns; /* SENSOR_FILES: unchanged for this long; defaults to 2 s */
    struct str topic;  /* SENSOR_MQTT: with + and # */
    struct str broker_name;
    const struct resource *broker; /* SENSOR_MQTT: of type mqtt */
    struct str asset_key;          /* SENSOR_ASSET */
    uint32_t asset;
    struct str_list statuses; /* SENSOR_RUN_STATUS: of success, failure, canceled */
    struct str_list jobs;     /* SENSOR_RUN_STATUS: of these jobs only; empty = all but its own */
    struct str_list run;      /* [resolve] SENSOR_COMMAND: program and arguments */
    struct str_map env;       /* [secret] values; SENSOR_COMMAND */
    int64_t timeout_ns;       /* SENSOR_COMMAND: defaults to 60 s */
    int64_t min_interval_ns;  /* between two ticks; SENSOR_COMMAND: how often; defaults to 30 s
                                 there, else to 0 */
    bool starts_paused;
    bool is_held; /* the hub pauses it */
    struct str_map tags;
    uint64_t digest;
    struct location at;
};

struct definitions {
    struct arena arena;       /* owns everything below, but for what `base` owns */
    int64_t shares;           /* owners beside the first */
    struct definitions *base; /* what this was laid over, shared; NULL = it is a file's alone */
    bool is_automation_held;  /* the hub pauses it */
    struct str project;
    struct str path;         /* of the file, as given */
    const struct str *files; /* its path, then those of included ones; location.file is an index */
    size_t file_count;
    const char *dir; /* the file's folder: what relative paths are relative to; "." when the path
                        has none */
    char hash[65];   /* of the content, included files and queries too: comments, layout and how it
                        is spread over files do not count. 64 hex digits */
    struct resource *resources;
    size_t resource_count;
    struct asset *assets;
    size_t asset_count;
    struct job *jobs;
    size_t job_count;
    struct schedule *schedules;
    size_t schedule_count;
    struct sensor *sensors;
    size_t sensor_count;
    struct pool *pools;
    size_t pool_count;
    struct graph graph;
    const uint32_t *order; /* all assets: those of a shared step stand together, and behind all that
                              any of them is made from */
    size_t shared_step_count;
};

/* What `meltano:` names. */
enum meltano_word { MELTANO_RUNNING, MELTANO_PAUSED, MELTANO_NO_SCHEDULES };
struct meltano_entry {
    struct str project; /* folder, or file */
    struct str environment;
    struct str_map env; /* [secret] values */
    struct str_list skip;
    int schedules; /* enum meltano_word */
    struct str timezone;
    struct location at;
};

/* What `dbt:` names: how it runs, and what its assets get beside what the project says of them. */
struct dbt_entry {
    struct dbt_run run;      /* paths as written, beside the file that names them */
    struct str name;         /* of the step; empty = "dbt/" and the project's name */
    struct str group;        /* of nodes that have none; empty = the project's name */
    struct str_map tags;     /* of all, beside their own */
    struct str_list owners;  /* of nodes that have none */
    const struct json *node; /* as it was written */
    struct location at;
};

/* How loading reaches the world: paths and zone names are NUL-terminated. Files are included ones
 * and SQL, zones are TZif bytes. list_folder() appends the name of each entry, each with a NUL
 * behind it, in any order. */
struct definitions_files {
    bool (*read_file)(void *ctx, const char *path, struct buf *into, struct err *err);
    bool (*read_zone)(void *ctx, const char *name, struct buf *into, struct err *err);
    bool (*list_folder)(void *ctx, const char *path, struct buf *into, struct err *err);
    /* Appends what a Meltano project comes to, as the text of definitions; `path` is its meltano.yml
     * or its folder, `name` how they are to call it. NULL: there are none here. */
    bool (*read_meltano)(void *ctx, const char *path, struct str name,
                         const struct meltano_entry *entry, struct buf *into, struct err *err);
    /* The same of a dbt project; paths of `entry` are relative to `folder`, which ends in '/' or is
     * empty. NULL: there are none here. */
    bool (*read_dbt)(void *ctx, struct str folder, const struct dbt_entry *entry, struct buf *into,
                     struct err *err);
    void *ctx;
};
/* The real ones, and the system's zoneinfo folder. */
struct definitions_files definitions_system_files(void);

/* Loads definitions from text. `path` is the file's name: for messages and for relative paths. All
 * problems found are added to `problems` (whose `arena` the caller sets and keeps); err is the
 * first of them, or ERR_NO_MEMORY / ERR_FULL. */
MUST_CHECK bool definitions_parse(struct str text, struct str path,
                                  const struct definitions_files *files, struct problems *problems,
                                  struct definitions **ret, struct err *err);
/* The same from a file; a file that cannot be read is the one problem. */
MUST_CHECK bool definitions_load(const char *path, const struct definitions_files *files,
                                 struct problems *problems, struct definitions **ret,
                                 struct err *err);
/* What the hub adds to the definitions of a file: docs/reference/desired-state.md */
struct definitions_overlay {
    const struct json *schedules; /* list of objects with names, no two the same; NULL = none. Each
                                     takes the place of the file's of that name */
    struct str_list paused_schedules; /* "*" = all that there are */
    struct str_list paused_sensors;
    bool is_automation_paused;
};
/* New definitions: those of `base`, which is a file's alone and gets one more owner, with the overlay
 * on top; the hash stays the file's. What does not fit is added to `problems`: with OVERLAY_WHOLE
 * nothing is made then, with OVERLAY_FITTING the rest is, and true returned. False with
 * OVERLAY_FITTING: ERR_NO_MEMORY. */
enum overlay_rule { OVERLAY_WHOLE, OVERLAY_FITTING };
MUST_CHECK bool definitions_overlay(struct definitions *base,
                                    const struct definitions_overlay *overlay,
                                    enum overlay_rule rule, const struct definitions_files *files,
                                    struct problems *problems, struct definitions **ret,
                                    struct err *err);
/* Of the file alone. */
struct definitions *definitions_base(struct definitions *defs);
/* One more owner, who closes them too: runs that are going keep theirs through a reload. */
struct definitions *definitions_share(struct definitions *defs);
void definitions_close(struct definitions *defs); /* of the last owner; NULL is allowed */

/* ERR_NOT_FOUND with the nearest name as hint. */
MUST_CHECK bool definitions_find_asset(const struct definitions *defs, struct str key,
                                       uint32_t *ret_asset, struct err *err);
MUST_CHECK bool definitions_find_job(const struct definitions *defs, struct str name,
                                     const struct job **ret, struct err *err);
MUST_CHECK bool definitions_find_sensor(const struct definitions *defs, struct str name,
                                        const struct sensor **ret, struct err *err);
MUST_CHECK bool definitions_find_schedule(const struct definitions *defs, struct str name,
                                          const struct schedule **ret, struct err *err);

/* Of the step that makes it. */
static inline struct str asset_step_key(const struct asset *asset)
{
    return asset->step == NULL ? asset->key : asset->step->key;
}

/* Evaluates a selection over the assets: one bool for each, in `arena`. */
MUST_CHECK bool definitions_select(const struct definitions *defs, struct str selection,
                                   struct arena *arena, bool **ret_set, struct err *err);
/* The same, and ERR_NOT_FOUND with a hint when it selects none of them. */
MUST_CHECK bool definitions_select_some(const struct definitions *defs, struct str selection,
                                        struct arena *arena, bool **ret_set, struct err *err);
/* The error of a selection that selects nothing. Always false. */
bool definitions_none_selected(const struct definitions *defs, struct str selection,
                               struct err *err);

/* Appends a secret's value to `into`, which has room for what a resolved text may be long, and
 * writes nothing anywhere else. Errors tell the name, never a value. secrets.h has the real one. */
struct secret_lookup {
    bool (*read)(void *ctx, struct str name, struct buf *into, struct err *err);
    void *ctx;
};
/* get(): false when the variable is not set. */
struct env_lookup {
    bool (*get)(void *ctx, struct str name, struct str *ret_value);
    void *ctx;
    const struct secret_lookup *secrets; /* NULL: there are none */
};
/* Replaces ${VAR}, ${VAR:-default} (also when VAR is empty), ${secret:NAME} and $$. ERR_NOT_FOUND
 * names the variable that is not set. An arena that took a secret is wiped when it is reset or
 * released (arena.h), so give secrets an arena that does not live longer than they are needed. */
MUST_CHECK bool definitions_resolve_text(struct str text, const struct env_lookup *env,
                                         struct arena *arena, struct str *ret, struct err *err);
/* The same, and a relative path is put behind the folder of the definitions. At most
 * LIMIT_PATH_BYTES. */
MUST_CHECK bool definitions_resolve_path(const struct definitions *defs, struct str text,
                                         const struct env_lookup *env, struct arena *arena,
                                         const char **ret_path, struct err *err);

/* What a reload changed, for one line of the log: "assets: 1 added (x), 2 changed (y, z), 1 with
 * another code version (z); schedules: 1 removed (night)". False: nothing; comments, layout and a
 * move to another file are no change. At most five names of each kind. */
bool definitions_write_changes(const struct definitions *before, const struct definitions *after,
                               struct buf *out);

/* One asset as the `definitions` event tells it: docs/reference/protocol.md, "Definitions". Empty
 * members are left out, and nothing of how it is made is told: no query, command, variable. With `env`
 * also what the hub alone wants: the digest, the addresses of what it reads and writes, and the keys of
 * static partitions when they are not many. */
void definitions_write_asset(const struct definitions *defs, size_t asset,
                             const struct env_lookup *env, struct json_writer *w);
/* The others that the event tells. */
void definitions_write_job(const struct definitions *defs, size_t job, struct json_writer *w);
void definitions_write_schedule(const struct definitions *defs, size_t schedule,
                                struct json_writer *w);
void definitions_write_sensor(const struct definitions *defs, size_t sensor, struct json_writer *w);
/* Only digest and addresses, as members of the object that is open. */
void definitions_write_datasets(const struct definitions *defs, size_t asset,
                                const struct env_lookup *env, struct json_writer *w);

/* From the same tables as the parser: JSON Schema for editors, and the reference page. */
void definitions_write_schema(struct buf *out);
void definitions_write_reference(struct buf *out);
