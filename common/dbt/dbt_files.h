/* dbt_files.h - the files of a project, open as long as the project is. A packed one is unpacked into a
 * file without a name. Internal to common/dbt. */
#pragma once
#include "common/base/buf.h"
#include "common/dbt/project.h"
#include <sys/stat.h>

struct dbt_file {
    int fd;             /* -1: none */
    struct stat was;    /* when it was opened */
    struct stat source; /* the same, of the packed file where it was one */
};
struct dbt_files {
    struct dbt_file file[2];
};

/* A regular file, of at most LIMIT_DBT_MANIFEST_BYTES when unpacked; errors name the path. */
MUST_CHECK bool dbt_file_open(struct dbt_file *file, const char *path, const char *scratch_dir,
                              struct err *err);
void dbt_file_close(struct dbt_file *file);
/* ERR_CORRUPT when somebody wrote to it since. */
MUST_CHECK bool dbt_file_check(const struct dbt_file *file, struct err *err);
/* Appends the bytes of the place. */
MUST_CHECK bool dbt_file_read(const struct dbt_file *file, struct dbt_place place, struct buf *into,
                              struct err *err);
