/* options.h - what a step says of its tap and its target. Each connector has a table of its own
 * (connector.h); here is what several share, and those of SQLite, files and Singer programs. */
#pragma once
#include "agent/connectors/flatten_options.h"
#include "common/base/time.h"
#include "common/json/fields.h"

/* Marks of a field (fields.h): what definitions make of it. */
enum option_mark {
    OPTION_CONNECTION = 1, /* stands in a resource, not in extract and load */
    OPTION_SECRET = 2,     /* texts in it may hold ${secret:NAME}; no message of ours shows them */
    OPTION_PRIVATE = 16,   /* the same, and what was written plainly is not shown either */
    OPTION_PATH = 4,       /* a file, relative to the folder of the definitions */
    OPTION_HIDDEN = 8,     /* is not written by people: the agent fills it in, or nobody */
};

enum load_mode { MODE_APPEND, MODE_UPSERT, MODE_OVERWRITE };
/* What becomes of a column of numbers whose stream has text there now. */
enum schema_policy { SCHEMA_ERROR, SCHEMA_WIDEN, SCHEMA_JSON, SCHEMA_QUARANTINE };

/* Of the taps that read SQLite, files and Singer messages. */
struct tap_options {
    struct str type;            /* a name of connectors.h */
    struct str path;            /* csv, jsonl, singer: may hold wildcards; singer_input: "-" is
                                   standard input */
    struct str table;           /* sqlite */
    struct str replication_key; /* sqlite; empty = whole table each time */
    struct str_list columns;    /* sqlite: which (empty = all); csv without header: their names */
    struct str delimiter;       /* csv: one byte */
    bool header;                /* csv */
    bool follow;                /* csv, jsonl: the files grow and are rotated */
    int64_t lasts;              /* ns: so long a run follows them; 0 = it ends when all is read */
    struct str stream;          /* singer...: which; empty = the only one, or all; csv, jsonl: its
                                   name as a Singer program */
    struct str_list streams;    /* singer...: which, when several but not all; `stream` is empty */
    struct str_list command;    /* singer_program: its argv, without --config and the like */
    struct str dir;             /* singer_program: the folder it runs in; empty = ours */
    struct str config;          /* singer_program: JSON text; empty = none */
    struct str catalog;         /* the same */
    struct str_list select;     /* singer_program: rules for the catalog that it discovers */
    struct flatten flatten;     /* singer... */
};
extern const struct field_table tap_sqlite_options;
extern const struct field_table tap_csv_options;
extern const struct field_table tap_jsonl_options;
extern const struct field_table tap_singer_options; /* of files and standard input */
extern const struct field_table tap_program_options;
/* ERR_INVALID: not one byte, or one that means something else. */
MUST_CHECK bool csv_check_delimiter(struct str delimiter, struct err *err);
MUST_CHECK bool csv_check(const void *options, enum load_mode mode, struct err *err);
MUST_CHECK bool jsonl_check(const void *options, enum load_mode mode, struct err *err);
MUST_CHECK bool program_check(const void *options, enum load_mode mode, struct err *err);

/* Of every target: the first member of a connector's own struct, whose table begins with
 * LOAD_OPTION_FIELDS and starts from LOAD_OPTION_DEFAULTS. */
struct load_options {
    struct str type;
    struct str table; /* targets that have tables; empty = one for each stream, by its name */
    int mode;         /* enum load_mode */
    struct str_list primary_key;
    int64_t flush_every;      /* ns: a slow source is committed as often, so that what it gave is
                                kept when the step dies */
    bool append_without_key;  /* mode upsert: a stream that has no key is appended */
    bool add_record_metadata; /* columns of record_metadata.h */
    bool hard_delete;         /* rows that their source deleted are deleted, not marked */
    bool activate_versions;   /* of Singer's ACTIVATE_VERSION: rows of older versions go */
    int64_t slice_rows;       /* a commit after as many; 0 = SLICE_ROWS of extract_load.h */
    int on_schema_change;     /* enum schema_policy */
    const struct json *reject_limit; /* a number or text, rejects.h; NULL = 0 */
    int64_t reject_keep;             /* rejected records that the quarantine keeps */
    bool validate_records;           /* Singer: by all that the stream's schema says of types */
};
enum { REJECT_KEEP_DEFAULT = 1000, REJECT_KEEP_MAX = 100000 }; /* rows of a quarantine */
extern const char *const load_mode_names[];
extern const char *const schema_policy_names[];
#define FLUSH_EVERY_DEFAULT (30 * NS_PER_SEC)
enum { LOAD_SLICE_ROWS_MAX = 10000000 };
#define LOAD_OPTION_DEFAULTS                                                                       \
    {                                                                                              \
        .flush_every = FLUSH_EVERY_DEFAULT, .activate_versions = true,                             \
        .reject_keep = REJECT_KEEP_DEFAULT                                                         \
    }
/* NOLINTBEGIN(bugprone-macro-parentheses): names of a type and a member */
#define LOAD_OPTION_FIELDS(struct_, member_)                                                       \
    {.key = "type",                                                                                \
     .type = FIELD_STR,                                                                            \
     .offset = offsetof(struct struct_, member_.type),                                             \
     .required = true},                                                                            \
        {.key = "table",                                                                           \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct struct_, member_.table),                                        \
         .help =                                                                                   \
             "The table. In definitions the last part of the asset's key when not given, or a "    \
             "table for each stream, by its name, where a tap has several."},                      \
        {.key = "mode",                                                                            \
         .type = FIELD_ENUM,                                                                       \
         .offset = offsetof(struct struct_, member_.mode),                                         \
         .required = true,                                                                         \
         .names = load_mode_names,                                                                 \
         .help = "`append` adds rows, `upsert` replaces rows with the same primary key, "          \
                 "`overwrite` replaces everything. In definitions, when not given: `upsert` with " \
                 "a `primary_key` or a tap that names its streams' keys, else `append`; a stream " \
                 "without a key is appended."},                                                    \
        {.key = "primary_key",                                                                     \
         .type = FIELD_STR_LIST,                                                                   \
         .offset = offsetof(struct struct_, member_.primary_key),                                  \
         .max = LIMIT_COLUMNS,                                                                     \
         .help = "The columns that identify a row."},                                              \
        {.key = "flush_every",                                                                     \
         .type = FIELD_DURATION,                                                                   \
         .offset = offsetof(struct struct_, member_.flush_every),                                  \
         .min = NS_PER_MS,                                                                         \
         .max = 3600 * NS_PER_SEC,                                                                 \
         .fallback = "30s",                                                                        \
         .help = "How long rows of a slow source may wait to be committed."},                      \
        {.key = "reject_limit",                                                                    \
         .type = FIELD_JSON,                                                                       \
         .offset = offsetof(struct struct_, member_.reject_limit),                                 \
         .fallback = "0",                                                                          \
         .help = "How many bad records go to the quarantine before the load fails: a number, or "  \
                 "a share of the records read, such as `1%`."},                                    \
        {.key = "reject_keep",                                                                     \
         .type = FIELD_I64,                                                                        \
         .offset = offsetof(struct struct_, member_.reject_keep),                                  \
         .min = 1,                                                                                 \
         .max = REJECT_KEEP_MAX,                                                                   \
         .fallback = "1000",                                                                       \
         .help = "How many rejected records the quarantine keeps, the newest."},                   \
        {.key = "on_schema_change",                                                                \
         .type = FIELD_ENUM,                                                                       \
         .offset = offsetof(struct struct_, member_.on_schema_change),                             \
         .names = schema_policy_names,                                                             \
         .fallback = "error",                                                                      \
         .help =                                                                                   \
             "What becomes of a column of numbers when its stream has text or JSON there now."},   \
        {.key = "validate_records",                                                                \
         .type = FIELD_BOOL,                                                                       \
         .offset = offsetof(struct struct_, member_.validate_records),                             \
         .fallback = "false",                                                                      \
         .help = "Whether records of Singer are held to all that the schema says of types and "    \
                 "formats, and not only to what the columns can hold."},                           \
        {.key = "add_record_metadata",                                                             \
         .type = FIELD_BOOL,                                                                       \
         .offset = offsetof(struct struct_, member_.add_record_metadata),                          \
         .help = "Whether each row tells where it came from, in columns `_sdc_…`."},               \
        {.key = "hard_delete",                                                                     \
         .type = FIELD_BOOL,                                                                       \
         .offset = offsetof(struct struct_, member_.hard_delete),                                  \
         .help = "Whether rows that a Singer tap says are gone are deleted; else they get a time " \
                 "in `_sdc_deleted_at`."},                                                         \
        {.key = "process_activate_version_messages",                                               \
         .type = FIELD_BOOL,                                                                       \
         .offset = offsetof(struct struct_, member_.activate_versions),                            \
         .fallback = "true",                                                                       \
         .help = "Whether rows of older versions go when a Singer tap activates a new one."},      \
        {.key = "batch_size_rows",                                                                 \
         .type = FIELD_I64,                                                                        \
         .offset = offsetof(struct struct_, member_.slice_rows),                                   \
         .min = 1,                                                                                 \
         .max = LOAD_SLICE_ROWS_MAX,                                                               \
         .fallback = "100000",                                                                     \
         .help = "How many rows at most are committed together."},                                 \
    {                                                                                              \
        .key = "append_without_key", .type = FIELD_BOOL,                                           \
        .offset = offsetof(struct struct_, member_.append_without_key), .marks = OPTION_HIDDEN,    \
        .help = "Whether `upsert` appends rows of a stream without a key, which is an error "      \
                "otherwise."                                                                       \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* Of the target sqlite. */
struct target_options {
    struct load_options load;
    struct str path;
};
extern const struct field_table target_sqlite_options;

struct program_target_options {
    struct load_options load;
    struct str_list command; /* argv, without --config */
    struct str config;       /* JSON text; empty = none */
};
extern const struct field_table target_program_options;
MUST_CHECK bool program_target_check(const void *options, enum load_mode mode, struct err *err);

/* A NUL-terminated path in the arena; ERR_INVALID when empty, too long or with a NUL inside. */
MUST_CHECK bool options_path(struct str path, struct arena *arena, const char **ret,
                             struct err *err);
