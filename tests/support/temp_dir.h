/* temp_dir.h - a folder for one test's files, removed with everything in it. */
#pragma once
#include "common/base/arena.h"

struct temp_dir {
    char path[64];
    struct arena arena;
};

/* Under TMPDIR or /tmp; a failure ends the program. */
struct temp_dir temp_dir_new(void);
/* The folder's path with "/name"; valid as long as the folder. */
const char *temp_dir_path(struct temp_dir *dir, const char *name);
void temp_dir_release(struct temp_dir *dir); /* fits AUTO(temp_dir) */
