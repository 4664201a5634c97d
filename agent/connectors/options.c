#include "agent/connectors/options.h"

#include "common/base/limits.h"

#include <string.h>

/* As many as an agent may pass on. */
enum { COMMAND_WORDS_MAX = LIMIT_STEP_ARGS, SELECT_RULES_MAX = 1000 };
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
     .required = true,
     .marks = OPTION_CONNECTION | OPTION_PATH,
     .help = "The database file."},
    {.key = "table",
     .type = FIELD_STR,
     AT(tap_options, table),
     .help = "The table or view. When not given: in definitions the last part of the asset's key, "
             "as a Singer program all of them."},
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
        .key = "path", .type = FIELD_STR, AT(tap_options, path), .marks = OPTION_PATH,             \
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
        .key = "stream", .type = FIELD_STR, AT(tap_options, stream), .marks = OPTION_HIDDEN,       \
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

#define ONE_STREAM_FIELD                                                                           \
    {                                                                                              \
        .key = "stream", .type = FIELD_STR, AT(tap_options, stream),                               \
        .help = "The stream to load; all when not given."                                          \
    }

/* Definitions have a list of their own, whose streams are assets: the agent fills this one in. */
#define SOME_STREAMS_FIELD                                                                         \
    {                                                                                              \
        .key = "streams", .type = FIELD_STR_LIST, AT(tap_options, streams), .max = LIMIT_STREAMS,  \
        .marks = OPTION_HIDDEN                                                                     \
    }

static const struct field singer_fields[] = {
    TYPE_FIELD,
    {.key = "path",
     .type = FIELD_STR,
     AT(tap_options, path),
     .marks = OPTION_PATH,
     .help = "Files of Singer messages: one, or a pattern with shell wildcards."},
    ONE_STREAM_FIELD,
    SOME_STREAMS_FIELD,
    FLATTEN_FIELDS(tap_options, flatten),
};
const struct field_table tap_singer_options = TAP_TABLE(singer_fields);

static const struct field program_fields[] = {
    TYPE_FIELD,
    {.key = "command",
     .type = FIELD_STR_LIST,
     AT(tap_options, command),
     .min = 1,
     .max = COMMAND_WORDS_MAX,
     .help = "A Singer tap: program and arguments, without `--config` and the like. It runs in the "
             "folder of the definitions."},
    {.key = "config",
     .type = FIELD_JSON_TEXT,
     AT(tap_options, config),
     .marks = OPTION_SECRET,
     .help = "The tap's configuration. It reaches the tap in memory, not by a file on a disk."},
    ONE_STREAM_FIELD,
    SOME_STREAMS_FIELD,
    {.key = "dir", .type = FIELD_STR, AT(tap_options, dir), .marks = OPTION_HIDDEN | OPTION_PATH},
    {.key = "catalog", .type = FIELD_JSON_TEXT, AT(tap_options, catalog), .marks = OPTION_HIDDEN},
    FLATTEN_FIELDS(tap_options, flatten),
    {.key = "select",
     .type = FIELD_STR_LIST,
     AT(tap_options, select),
     .min = 1,
     .max = SELECT_RULES_MAX,
     .help =
         "What to load, as Meltano's rules say it: `stream.*`, `stream.property`, `!stream`, with "
         "`*`, `?` and `[a-z]`. The tap is asked for its catalog before each load."},
};
const struct field_table tap_program_options = TAP_TABLE(program_fields);

static const struct target_options target_defaults = {.load = LOAD_OPTION_DEFAULTS};
static const struct field sqlite_target_fields[] = {
    LOAD_OPTION_FIELDS(target_options, load),
    {.key = "path",
     .type = FIELD_STR,
     AT(target_options, path),
     .required = true,
     .marks = OPTION_CONNECTION | OPTION_PATH,
     .help = "The database file; it is made when it is not there, its folder is not."},
};
const struct field_table target_sqlite_options = {
    .name = "target",
    .size = sizeof(struct target_options),
    .fields = sqlite_target_fields,
    .count = COUNT_OF(sqlite_target_fields),
    .defaults = &target_defaults,
};

static const struct field program_target_fields[] = {
    LOAD_OPTION_FIELDS(program_target_options, load),
    {.key = "command",
     .type = FIELD_STR_LIST,
     AT(program_target_options, command),
     .required = true,
     .min = 1,
     .max = COMMAND_WORDS_MAX,
     .help = "A Singer target: program and arguments, without `--config`."},
    {.key = "config",
     .type = FIELD_JSON_TEXT,
     AT(program_target_options, config),
     .marks = OPTION_SECRET,
     .help = "The target's configuration. It reaches the target in memory, not by a file on a "
             "disk."},
};
static const struct program_target_options program_target_defaults = {.load = LOAD_OPTION_DEFAULTS};
const struct field_table target_program_options = {
    .name = "target",
    .size = sizeof(struct program_target_options),
    .fields = program_target_fields,
    .count = COUNT_OF(program_target_fields),
    .defaults = &program_target_defaults,
};

bool csv_check_delimiter(struct str delimiter, struct err *err)
{
    if (delimiter.len == 1 && memchr("\"\r\n", delimiter.ptr[0], 4) == NULL) {
        return true;
    }
    err_set(err, ERR_INVALID, "\"delimiter\" must be one character, not a quote or a line end");
    return err_hint(err, "use \",\", \";\", \"|\" or \"\\t\"");
}

/* Of files, followed or not. */
bool jsonl_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct tap_options *o = options;
    if (o->lasts > 0 && !o->follow) {
        err_set(err, ERR_INVALID, "\"for\" is of files that are followed");
        return err_hint(err, "add \"follow: true\", or leave it out");
    }
    if (o->follow && mode == MODE_OVERWRITE) {
        err_set(err, ERR_INVALID, "\"follow\" reads what is new, but \"overwrite\" needs all");
        return err_hint(err, "use mode append, or upsert with a primary_key");
    }
    return true;
}

bool csv_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct tap_options *o = options;
    if (!jsonl_check(options, mode, err) || !csv_check_delimiter(o->delimiter, err)) {
        return false;
    }
    if (o->header && o->columns.count > 0) {
        err_set(err, ERR_INVALID, "\"columns\" names the fields of files without a header");
        return err_hint(err, "add \"header: false\", or remove \"columns\"");
    }
    return true;
}

static bool is_program(const struct str_list *command, struct err *err)
{
    return (command->count > 0 && command->items[0].len > 0) ||
           err_set(err, ERR_INVALID, "\"command\" is empty: there is no program to start");
}

bool program_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct tap_options *o = options;
    (void)mode;
    if (o->stream.ptr != NULL && o->stream.len == 0) {
        return err_set(err, ERR_INVALID, "\"stream\" is empty");
    }
    return is_program(&o->command, err) && flatten_check(&o->flatten, err);
}

bool program_target_check(const void *options, enum load_mode mode, struct err *err)
{
    (void)mode;
    return is_program(&((const struct program_target_options *)options)->command, err);
}

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
