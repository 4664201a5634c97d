/* system_files.c - the files of this machine. */
#include "agent/definitions/definitions.h"

#include "common/platform/files.h"
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

struct definitions_files definitions_system_files(void)
{
    return (struct definitions_files){.read_file = read_file, .read_zone = read_zone};
}
