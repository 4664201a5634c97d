#include "agent/el/options.h"

#include "common/base/limits.h"

#include <string.h>

enum { COMMAND_WORDS_MAX = 256 };

const char *const load_mode_names[] = {"append", "upsert", "overwrite", NULL};

#define AT(type_, member_) .offset = offsetof(struct type_, member_)

static const struct field tap_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(tap_options, type), .required = true},
    {.key = "path", .type = FIELD_STR, AT(tap_options, path)},
    {.key = "table", .type = FIELD_STR, AT(tap_options, table)},
    {.key = "replication_key", .type = FIELD_STR, AT(tap_options, replication_key)},
    {.key = "columns", .type = FIELD_STR_LIST, AT(tap_options, columns), .max = LIMIT_COLUMNS},
    {.key = "delimiter", .type = FIELD_STR, AT(tap_options, delimiter)},
    {.key = "header", .type = FIELD_BOOL, AT(tap_options, header)},
    {.key = "stream", .type = FIELD_STR, AT(tap_options, stream)},
    {.key = "command", .type = FIELD_STR_LIST, AT(tap_options, command), .max = COMMAND_WORDS_MAX},
    {.key = "config", .type = FIELD_STR, AT(tap_options, config)},
    {.key = "catalog", .type = FIELD_STR, AT(tap_options, catalog)},
};
static const struct tap_options tap_defaults = {.delimiter = STR_INIT(","), .header = true};
const struct field_table tap_options_table = {
    .name = "tap",
    .size = sizeof(struct tap_options),
    .fields = tap_fields,
    .count = COUNT_OF(tap_fields),
    .defaults = &tap_defaults,
};

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
