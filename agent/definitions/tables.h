/* tables.h - the shape of selvedge.yaml as field tables, and the structs that they fill: the public
 * ones, with what only the checks need beside them. Internal to agent/definitions. */
#pragma once
#include "agent/definitions/definitions.h"

struct raw_extract {
    struct extract extract;
    bool has_header;
    bool has_delimiter;
};
struct raw_load {
    struct load load;
    bool has_mode;
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
struct raw_asset {
    struct asset asset;
    struct raw_extract extract;
    struct raw_load load;
    struct raw_sql sql;
    struct raw_retry retry;
    struct object_list checks; /* of struct check */
    bool is_external;
    bool has_extract, has_load, has_sql, has_run, has_env, has_retry, has_timeout;
};
struct raw_schedule {
    struct schedule schedule;
    bool has_job, has_select, has_cron, has_every, has_timezone;
};
struct raw_definitions {
    struct str project;
    struct object_list resources; /* of struct resource */
    struct object_list assets;    /* of struct raw_asset */
    struct object_list jobs;      /* of struct job */
    struct object_list schedules; /* of struct raw_schedule */
};

extern const struct field_table definitions_table;
