/* tables.h - the shape of selvedge.yaml as field tables, and the structs that they fill: the public
 * ones, with what only the checks need beside them. Internal to agent/definitions. */
#pragma once
#include "agent/definitions/definitions.h"

enum { JOBS_MAX = 1000, RESOURCES_MAX = 1000, POOLS_MAX = 1000 };

struct raw_resource {
    struct resource resource;
    const struct json *node;
};
struct raw_endpoint {
    struct endpoint endpoint;
    const struct json *node;
    struct object_list streams; /* of struct raw_member; of extract, read by steps.c */
};
struct raw_sql {
    struct sql sql;
    bool has_query;
    bool has_file;
};
struct raw_retry {
    struct retry_policy policy;
    bool has_delay;
};

/* Of one kind of window; which keys there are depends on the kind. */
struct raw_windows {
    struct str schedule;
    struct str start;
    struct str end;
    struct str timezone;
    struct str format;
    int64_t minute, hour, day;
    int64_t end_offset;
};
enum {
    WINDOWS_HOURLY,
    WINDOWS_DAILY,
    WINDOWS_WEEKLY,
    WINDOWS_MONTHLY,
    WINDOWS_CRON,
    WINDOWS_KINDS
};
struct raw_partitions {
    struct raw_windows windows[WINDOWS_KINDS];
    struct str_list keys;
    struct str set;
};
enum backfill_word { BACKFILL_MULTI_RUN, BACKFILL_SINGLE_RUN };
struct raw_backfill {
    int word; /* enum backfill_word */
    int64_t max_per_run;
};
struct raw_freshness {
    struct freshness_policy policy;
};
enum automation_word { AUTOMATION_WORD_EAGER, AUTOMATION_WORD_ON_MISSING };
struct raw_automation {
    int word; /* enum automation_word */
    bool has_word;
    struct str cron;
    struct str timezone;
};

/* An asset among those of a shared step: what is its own. */
struct raw_member {
    struct str stream; /* of extract.streams */
    struct str node;   /* of a dbt project */
    struct str key;
    struct str_list deps;
    struct str description;
    struct str code_version;
    struct str group;
    struct str_list kinds; /* beside those of the step */
    struct str_map tags;
    struct str_list owners;
    struct str_map metadata;
    struct str_list dataset;
    struct raw_freshness freshness;
    struct raw_automation automation;
    struct object_list checks; /* of struct check */
    bool has_freshness, has_automation;
    struct location at;
};

struct raw_asset {
    struct asset asset;
    struct raw_endpoint extract;
    struct raw_endpoint load;
    struct raw_sql sql;
    struct raw_retry retry;
    struct raw_partitions partitions;
    struct raw_backfill backfill;
    struct raw_freshness freshness;
    struct raw_automation automation;
    const struct json *extras;
    struct object_list checks;  /* of struct check */
    struct object_list outputs; /* of struct raw_member */
    /* Of an asset of a shared step, after steps.c has taken its block apart: */
    const struct raw_asset *first;   /* where what they share is checked; NULL = here */
    size_t shared_deps;              /* the first of its deps are those of the block */
    const struct str *kinds_written; /* before those known from how it is made were added */
    bool is_external;
    bool gives_way; /* is_external: to an asset of its key that something else is said of */
    bool has_own_freshness, has_own_automation; /* of an asset of a shared step */
    bool has_extract, has_load, has_sql, has_run, has_meltano, has_dbt;
};
struct raw_missed {
    int word; /* enum missed_policy */
    int64_t all;
    bool has_all;
};
struct raw_schedule {
    struct schedule schedule;
    struct raw_missed missed;
    bool has_cron, has_every, has_timezone;
};
struct raw_sensor {
    struct sensor sensor;
    bool has_min_interval;
};
/* An entry of `dbt`. The rest is read again, as it was written, with the assets that it becomes. */
struct raw_dbt {
    struct dbt_entry entry;
    struct str_map env;
    struct raw_retry retry;
    int64_t timeout_ns;
    struct raw_freshness freshness;
    struct raw_automation automation;
    struct str pool;
};
struct raw_definitions {
    struct str project;
    struct str_list include;
    struct object_list resources; /* of struct raw_resource */
    struct object_list pools;     /* of struct pool */
    struct object_list assets;    /* of struct raw_asset */
    struct object_list jobs;      /* of struct job */
    struct object_list schedules; /* of struct raw_schedule */
    struct object_list sensors;   /* of struct raw_sensor */
    struct object_list meltano;   /* of struct meltano_entry */
    struct object_list dbt;       /* of struct raw_dbt */
};

extern const struct field_table definitions_table; /* of struct raw_definitions, as is the next */
extern const struct field_table included_table;    /* of an included file: has no project */
extern const struct field_table asset_table;       /* of struct raw_asset */
extern const struct field_table schedule_table;    /* of struct raw_schedule */
extern const struct field_table streams_table;     /* of struct raw_endpoint: `streams` alone */
/* What stands in extract: connector_block_table(), and `streams` where a tap has several. */
const struct field_table *extract_block_table(const struct connector *c, struct arena *arena);
extern const struct field_table retry_table;
extern const struct field_table dbt_run_table; /* of struct dbt_run */
extern const struct field_table dbt_table;     /* of struct raw_dbt */
extern const struct field_table partitions_table;
extern const struct field_table backfill_table;
extern const struct field_table freshness_table;
extern const struct field_table automation_table;
