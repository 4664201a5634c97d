/* drive_folder.h - the folder that a dbt which we drive writes into: one for each run, so that two
 * runs do not overwrite each other's results, with the parse cache of the last one in it. Below
 * STATE_DIR/dbt/HASH-OF-PROJECT: partial_parse.msgpack and a folder run-XXXXXX for each that is at
 * work. Those that a killed process left are removed by the next run. */
#pragma once
#include "common/base/limits.h"
#include "common/platform/files.h"

struct drive_folder {
    char base[LIMIT_PATH_BYTES + 1]; /* of the project */
    char path[LIMIT_PATH_BYTES + 1]; /* absolute; empty: there is none */
    struct fd lock;
};
MUST_CHECK bool drive_folder_open(struct drive_folder *ret, struct str state_dir,
                                  struct str project_dir, struct err *err);
/* The parse cache that dbt left there is for the next run. */
void drive_folder_keep_cache(const struct drive_folder *f);
void drive_folder_release(struct drive_folder *f); /* removes the folder; fits AUTO(drive_folder) */
