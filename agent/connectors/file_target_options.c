#include "agent/connectors/file_target_options.h"

#include "common/base/limits.h"

static const char *const compress_names[] = {"none", "gzip", NULL};
static const char *const new_columns_names[] = {"error", "new_file", NULL};

/* NOLINTBEGIN(bugprone-macro-parentheses): a list of initializers */
#define FILE_FIELDS                                                                                \
    LOAD_OPTION_FIELDS(file_target_options, load),                                                 \
        {.key = "path",                                                                            \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct file_target_options, path),                                     \
         .required = true,                                                                         \
         .marks = OPTION_PATH,                                                                     \
         .help = "The file; it is made when it is not there, its folder is not. With `{stream}` "  \
                 "in its name each stream has a file."},                                           \
    {                                                                                              \
        .key = "compress", .type = FIELD_ENUM,                                                     \
        .offset = offsetof(struct file_target_options, compress), .names = compress_names,         \
        .fallback = "none", .help = "How the file is packed."                                      \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct file_target_options defaults = {.load = LOAD_OPTION_DEFAULTS,
                                                    .delimiter = STR_INIT(",")};

static const struct field jsonl_fields[] = {FILE_FIELDS};
const struct field_table target_jsonl_options = {
    .name = "target",
    .size = sizeof(struct file_target_options),
    .fields = jsonl_fields,
    .count = COUNT_OF(jsonl_fields),
    .defaults = &defaults,
};

static const struct field csv_fields[] = {
    FILE_FIELDS,
    {.key = "delimiter",
     .type = FIELD_STR,
     .offset = offsetof(struct file_target_options, delimiter),
     .fallback = ",",
     .help = "What parts the fields: one byte."},
    {.key = "new_columns",
     .type = FIELD_ENUM,
     .offset = offsetof(struct file_target_options, new_columns),
     .names = new_columns_names,
     .fallback = "error",
     .help = "What becomes of columns that the file does not have: an error, or a new file, the "
             "old one being kept as `<path>.1`."},
};
const struct field_table target_csv_options = {
    .name = "target",
    .size = sizeof(struct file_target_options),
    .fields = csv_fields,
    .count = COUNT_OF(csv_fields),
    .defaults = &defaults,
};

bool csv_target_check(const void *options, enum load_mode mode, struct err *err)
{
    (void)mode;
    return csv_check_delimiter(((const struct file_target_options *)options)->delimiter, err);
}
