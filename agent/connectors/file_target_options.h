/* file_target_options.h - what a step says of the targets jsonl and csv. */
#pragma once
#include "agent/connectors/options.h"

enum file_compress { COMPRESS_NONE, COMPRESS_GZIP };
enum new_columns { NEW_COLUMNS_ERROR, NEW_COLUMNS_NEW_FILE };

struct file_target_options {
    struct load_options load;
    struct str path;      /* with "{stream}" in the file's name: a file for each stream */
    int compress;         /* enum file_compress */
    struct str delimiter; /* csv: one byte */
    int new_columns;      /* csv: enum new_columns */
};
extern const struct field_table target_jsonl_options;
extern const struct field_table target_csv_options;
MUST_CHECK bool csv_target_check(const void *options, enum load_mode mode, struct err *err);
