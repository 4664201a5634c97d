/* request.h - what the agent asks of one step: the JSON object on standard input, checked. */
#pragma once
#include "common/base/time.h"
#include "common/json/fields.h"

/* Of target_options.flush_every. */
#define FLUSH_EVERY_DEFAULT (30 * NS_PER_SEC)

enum step_kind { STEP_EXTRACT_LOAD, STEP_SQL, STEP_CHECKS };
enum load_mode { MODE_APPEND, MODE_UPSERT, MODE_OVERWRITE };
enum materialized { MATERIALIZED_TABLE, MATERIALIZED_VIEW };

struct tap_options {
    struct str type;            /* a name of connectors.h */
    struct str path;            /* csv, jsonl, singer: may hold wildcards; singer_input: "-" is
                                   standard input */
    struct str table;           /* sqlite */
    struct str replication_key; /* sqlite; empty = whole table each time */
    struct str_list columns;    /* sqlite: which (empty = all); csv without header: their names */
    struct str delimiter;       /* csv: one byte */
    bool header;                /* csv */
    struct str stream;          /* singer...: which; empty = the only one, or all */
    struct str_list command;    /* singer_program: its argv, without --config and the like */
    struct str config;          /* singer_program: JSON text; empty = none */
    struct str catalog;         /* the same */
};
struct target_options {
    struct str type;
    struct str path;
    struct str table; /* sqlite; empty = one for each stream, by its name */
    int mode;         /* enum load_mode */
    struct str_list primary_key;
    int64_t flush_every;     /* ns: a slow source is committed as often, so that what it gave is
                                kept when the step dies */
    bool append_without_key; /* mode upsert: a stream that has no key is appended */
};
enum check_severity { CHECK_ERROR, CHECK_WARN };
struct check_options {
    struct str name;
    struct str sql;
    struct str path; /* empty = the database just written */
    int severity;
};
/* Of a table: only the rows whose column holds one of the keys are replaced. */
struct partition_options {
    struct str column;
    struct str_list keys;
};
struct request {
    struct str asset;
    struct str run;
    struct str step;
    int64_t attempt;
    int kind;
    struct str state_id; /* empty = the asset */
    struct tap_options tap;
    bool has_tap;
    struct target_options target;
    bool has_target;
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
/* A NUL-terminated path in the arena; ERR_INVALID when empty, too long or with a NUL inside. */
MUST_CHECK bool request_path(struct str path, struct arena *arena, const char **ret,
                             struct err *err);
