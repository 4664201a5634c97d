#include "agent/el/options.h"

#include "common/base/limits.h"

#include <string.h>

/* As many as an agent may pass on. */
enum { COMMAND_WORDS_MAX = LIMIT_STEP_ARGS };
#define FOLLOW_LASTS_MAX (31 * 86400 * NS_PER_SEC)

const char *const load_mode_names[] = {"append", "upsert", "overwrite", NULL};
const char *const schema_policy_names[] = {[SCHEMA_ERROR] = "error",
                                           [SCHEMA_WIDEN] = "widen",
                                           [SCHEMA_JSON] = "json",
                                           [SCHEMA_QUARANTINE] = "quarantine",
                                           NULL};

#define AT(type_, member_) .offset = offsetof(struct type_, member_)

static const struct tap_options tap_defaults = {
    .delimiter = STR_INIT(","), .header = true, .flatten = FLATTEN_DEFAULTS};

#define TYPE_FIELD                                                                                 \
    {                                                                                              \
        .key = "type", .type = FIELD_STR, AT(tap_options, type), .required = true                  \
    }
#define TAP_TABLE(fields_)                                                                         \
    {                                                                                              \
        .name = "tap", .size = sizeof(struct tap_options), .fields = (fields_),                    \
        .count = COUNT_OF(fields_), .defaults = &tap_defaults                                      \
    }

static const struct field sqlite_fields[] = {
    TYPE_FIELD,
    {.key = "path",
     .type = FIELD_STR,
     AT(tap_options, path),
     .help = "The database file; it is only read."},
    {.key = "table",
     .type = FIELD_STR,
     AT(tap_options, table),
     .help = "The table or view; as a Singer program all are streams when not given."},
    {.key = "replication_key",
     .type = FIELD_STR,
     AT(tap_options, replication_key),
     .help = "A column of `table` that only grows: rows are read from the last value on."},
    {.key = "columns",
     .type = FIELD_STR_LIST,
     AT(tap_options, columns),
     .max = LIMIT_COLUMNS,
     .help = "Which columns of `table`; all when not given."},
};
const struct field_table tap_sqlite_options = TAP_TABLE(sqlite_fields);

#define FILES_FIELD                                                                                \
    {                                                                                              \
        .key = "path", .type = FIELD_STR, AT(tap_options, path),                                   \
        .help = "The files: one, or a pattern with shell wildcards."                               \
    }
#define FOLLOW_FIELDS                                                                              \
    {.key = "follow",                                                                              \
     .type = FIELD_BOOL,                                                                           \
     AT(tap_options, follow),                                                                      \
     .fallback = "false",                                                                          \
     .help = "Whether the files grow and are rotated: each run reads what came since the last."},  \
    {                                                                                              \
        .key = "for", .type = FIELD_DURATION, AT(tap_options, lasts), .min = NS_PER_SEC,           \
        .max = FOLLOW_LASTS_MAX,                                                                   \
        .help = "With `follow`: how long a run reads what comes; until all is read when not "      \
                "given."                                                                           \
    }
#define STREAM_FIELD                                                                               \
    {                                                                                              \
        .key = "stream", .type = FIELD_STR, AT(tap_options, stream),                               \
        .help = "The stream's name as a Singer program; the file's, without its ending, when not " \
                "given."                                                                           \
    }

static const struct field csv_fields[] = {
    TYPE_FIELD,
    FILES_FIELD,
    {.key = "delimiter",
     .type = FIELD_STR,
     AT(tap_options, delimiter),
     .fallback = ",",
     .help = "What parts the fields: one byte."},
    {.key = "header",
     .type = FIELD_BOOL,
     AT(tap_options, header),
     .fallback = "true",
     .help = "Whether the first line names the columns."},
    {.key = "columns",
     .type = FIELD_STR_LIST,
     AT(tap_options, columns),
     .max = LIMIT_COLUMNS,
     .help = "The names of the fields where there is no header."},
    STREAM_FIELD,
    FOLLOW_FIELDS,
};
const struct field_table tap_csv_options = TAP_TABLE(csv_fields);

static const struct field jsonl_fields[] = {TYPE_FIELD, FILES_FIELD, STREAM_FIELD, FOLLOW_FIELDS};
const struct field_table tap_jsonl_options = TAP_TABLE(jsonl_fields);

static const struct field singer_fields[] = {
    TYPE_FIELD,
    {.key = "path", .type = FIELD_STR, AT(tap_options, path)},
    {.key = "stream", .type = FIELD_STR, AT(tap_options, stream)},
    {.key = "command", .type = FIELD_STR_LIST, AT(tap_options, command), .max = COMMAND_WORDS_MAX},
    {.key = "dir", .type = FIELD_STR, AT(tap_options, dir)},
    {.key = "config", .type = FIELD_STR, AT(tap_options, config)},
    {.key = "catalog", .type = FIELD_STR, AT(tap_options, catalog)},
    FLATTEN_FIELDS(tap_options, flatten),
};
const struct field_table tap_options_table = TAP_TABLE(singer_fields);

static const struct field target_fields[] = {
    LOAD_OPTION_FIELDS(target_options, load),
    {.key = "path",
     .type = FIELD_STR,
     AT(target_options, path),
     .required = true,
     .help = "The file; it is made when it is not there, its folder is not."},
};
static const struct target_options target_defaults = {.load = LOAD_OPTION_DEFAULTS};
const struct field_table target_options_table = {
    .name = "target",
    .size = sizeof(struct target_options),
    .fields = target_fields,
    .count = COUNT_OF(target_fields),
    .defaults = &target_defaults,
};

bool options_path(struct str path, struct arena *arena, const char **ret, struct err *err)
{
    if (path.len == 0) {
        return err_set(err, ERR_INVALID, "\"path\" is missing");
    }
    if (path.len > LIMIT_PATH_BYTES || memchr(path.ptr, '\0', path.len) != NULL) {
        return err_set(err, ERR_INVALID, "\"path\" is longer than %d bytes", LIMIT_PATH_BYTES);
    }
    const char *text = arena_cstr(arena, path);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    *ret = text;
    return true;
}
