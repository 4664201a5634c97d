#include "tests/support/temp_dir.h"

#include "common/platform/files.h"

#include <stdio.h>
#include <stdlib.h>

struct temp_dir temp_dir_new(void)
{
    struct temp_dir dir = {.arena = arena_new(64 << 10)};
    const char *parent =
        getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): tests have one thread */
    int len = snprintf(dir.path, sizeof(dir.path), "%s/selvedge-test-XXXXXX",
                       parent == NULL ? "/tmp" : parent);
    if (len < 0 || (size_t)len >= sizeof(dir.path) || mkdtemp(dir.path) == NULL) {
        perror("temp_dir_new");
        abort();
    }
    return dir;
}

const char *temp_dir_path(struct temp_dir *dir, const char *name)
{
    struct str path = arena_printf(&dir->arena, "%s/%s", dir->path, name);
    if (path.ptr == NULL) {
        abort();
    }
    return path.ptr;
}

void temp_dir_release(struct temp_dir *dir)
{
    struct err err = {0};
    if (!files_remove_tree(dir->path, &err)) {
        (void)fprintf(stderr, "temp_dir_release: %s\n", err.msg);
    }
    arena_release(&dir->arena);
}
