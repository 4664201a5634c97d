/* system_files.c - the files of this machine. */
#include "agent/definitions/definitions.h"
#include "agent/meltano/as_definitions.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

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

enum { MELTANO_REPORT_BYTES = 16 << 20 };

/* "meltano" and "meltano/meltano.yml" are one. */
static bool project_file(const char *path, char *ret, size_t size, struct err *err)
{
    struct stat found;
    bool is_folder = stat(path, &found) == 0 && S_ISDIR(found.st_mode);
    return is_folder ? files_join(path, STR("meltano.yml"), ret, size, err)
                     : files_join(".", str_from(path), ret, size, err);
}

static bool read_meltano(void *ctx, const char *path, struct str name,
                         const struct meltano_entry *entry, struct buf *into, struct err *err)
{
    static const enum meltano_schedules words[] = {
        [MELTANO_RUNNING] = MELTANO_SCHEDULES_RUNNING,
        [MELTANO_PAUSED] = MELTANO_SCHEDULES_PAUSED,
        [MELTANO_NO_SCHEDULES] = MELTANO_SCHEDULES_NONE,
    };
    const struct meltano_files files = meltano_system_files();
    AUTO(arena) arena = arena_new(MELTANO_REPORT_BYTES);
    struct meltano_report report = {.errors = {.arena = &arena}, .warnings = {.arena = &arena}};
    struct meltano_project *project = NULL;
    char file[LIMIT_PATH_BYTES + 1];
    char root[MELTANO_ROOT_SIZE];
    (void)ctx;
    struct meltano_import import = {.path = name,
                                    .environment = entry->environment,
                                    .env = &entry->env,
                                    .skip = entry->skip,
                                    .schedules = words[entry->schedules],
                                    .timezone = entry->timezone,
                                    .files = &files};
    if (!project_file(path, file, sizeof(file), err)) {
        return false;
    }
    if (!str_ends(name, STR(".yml")) && !str_ends(name, STR(".yaml"))) {
        import.path = arena_printf(&arena, STR_FMT "/meltano.yml", STR_ARG(name));
    }
    bool ok = meltano_root_of(file, root, err) &&
              meltano_load(file, str_from(root), &files, &report, &project, err) &&
              meltano_write_definitions(project, &import, into, err);
    meltano_close(project);
    return ok || err_wrap(err, "%s", path);
}

struct definitions_files definitions_system_files(void)
{
    return (struct definitions_files){
        .read_file = read_file,
        .read_zone = read_zone,
        .list_folder = list_folder,
        .read_meltano = read_meltano,
    };
}
