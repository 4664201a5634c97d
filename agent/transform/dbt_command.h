/* dbt_command.h - which dbt, with which arguments and variables: for dbt_drive.c. */
#pragma once
#include "agent/transform/dbt_drive.h"

struct dbt_command {
    const char *const *argv; /* NULL at the end; argv[0] has a '/' */
    const char *const *envp;
};
/* All in `arena`. `target_dir` is where dbt writes. ERR_NOT_FOUND: there is no dbt, or no project;
 * ERR_FULL over DBT_DRIVE_COMMAND_BYTES_MAX. */
MUST_CHECK bool dbt_command_make(const struct dbt_drive *drive, const char *target_dir,
                                 struct arena *arena, struct dbt_command *ret, struct err *err);
