/* system_files.c - the files of this machine. */
#include "agent/definitions/definitions.h"

#include "common/platform/files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    return files_read(path, into, err);
}

static bool read_zone(void *ctx, const char *name, struct buf *into, struct err *err)
{
    (void)ctx;
    char path[TZ_NAME_MAX + 64];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    if (files_read(path, into, err)) {
        return true;
    }
    if (err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "this machine does not know it");
        return err_hint(err, "check the spelling, or install the package tzdata");
    }
    return false;
}

static bool add_entries(DIR *folder, struct buf *into, struct err *err)
{
    const struct dirent *entry = NULL;
    do {
        errno = 0;
        entry = readdir(folder); /* NOLINT(concurrency-mt-unsafe): the folder is ours alone */
        if (entry != NULL) {
            buf_add_text(into, entry->d_name);
            buf_add_char(into, '\0');
        }
    } while (entry != NULL);
    if (errno != 0) {
        return err_errno(err, errno, "read the folder");
    }
    return !into->overflow || err_set(err, ERR_FULL, "it has too many files");
}

static bool list_folder(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return err_errno(err, errno, "open %s", path);
    }
    bool ok = add_entries(folder, into, err);
    (void)closedir(folder);
    return ok || err_wrap(err, "%s", path);
}

struct definitions_files definitions_system_files(void)
{
    return (struct definitions_files){
        .read_file = read_file, .read_zone = read_zone, .list_folder = list_folder};
}
