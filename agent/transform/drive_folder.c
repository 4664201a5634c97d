#include "agent/transform/drive_folder.h"

#include "agent/el/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE STR("partial_parse.msgpack")

static bool make_base(struct drive_folder *f, struct str state_dir, struct str project_dir,
                      struct err *err)
{
    char dir[LIMIT_PATH_BYTES + 1];
    char project[LIMIT_PATH_BYTES + 1];
    if (!files_join("", state_dir, dir, sizeof(dir), err) ||
        !files_join("", project_dir, project, sizeof(project), err) ||
        !files_make_dirs(dir, 0755, err)) {
        return false;
    }
    char *state = realpath(dir, NULL);
    char *real_project = realpath(project, NULL);
    int length = state == NULL || real_project == NULL
                     ? -1
                     : snprintf(f->base, sizeof(f->base), "%s/dbt/%016llx", state,
                                (unsigned long long)hash64_of(str_from(real_project)));
    int reason = errno;
    const char *missing = state == NULL ? dir : project;
    free(state);
    free(real_project);
    if (length < 0) {
        return err_errno(err, reason, "open %s", missing);
    }
    return (size_t)length < sizeof(f->base)
               ? files_make_dirs(f->base, 0755, err)
               : err_set(err, ERR_INVALID, "the path of the state folder is too long");
}

/* Whose lock nobody holds is of a process that was killed. */
static void remove_left(const struct drive_folder *f)
{
    DIR *dir = opendir(f->base);
    const struct dirent *entry = NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[LIMIT_PATH_BYTES + 1];
        char lock_path[LIMIT_PATH_BYTES + 1];
        struct err ignored;
        AUTO(fd) lock = {-1};
        if (str_starts(str_from(entry->d_name), STR("run-")) &&
            files_join(f->base, str_from(entry->d_name), path, sizeof(path), &ignored) &&
            files_join(path, STR("lock"), lock_path, sizeof(lock_path), &ignored) &&
            files_lock(lock_path, &lock, &ignored)) {
            (void)!files_remove_tree(path, &ignored);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* Without it dbt parses everything: slower, and no more than that. */
static void copy_cache(const struct drive_folder *f)
{
    char from_path[LIMIT_PATH_BYTES + 1];
    char to_path[LIMIT_PATH_BYTES + 1];
    struct err ignored;
    if (!files_join(f->base, CACHE, from_path, sizeof(from_path), &ignored) ||
        !files_join(f->path, CACHE, to_path, sizeof(to_path), &ignored)) {
        return;
    }
    AUTO(fd) from = {open(from_path, O_RDONLY | O_CLOEXEC)};
    AUTO(fd) to = {from.n < 0 ? -1 : open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
    struct stat st;
    if (to.n < 0 || fstat(from.n, &st) != 0) {
        return;
    }
    while (st.st_size > 0) {
        ssize_t done = sendfile(to.n, from.n, NULL, (size_t)st.st_size);
        if (done <= 0) {
            (void)unlink(to_path);
            return;
        }
        st.st_size -= done;
    }
}

static void say_nothing(const struct err *why)
{
    (void)why;
}

static bool make_folder(struct drive_folder *f, struct err *err)
{
    char lock_path[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    /* Until the new folder's own lock is taken nobody else may look for left ones. */
    AUTO(fd) all = {-1};
    if (!files_join(f->base, STR("lock"), lock_path, sizeof(lock_path), err) ||
        !files_lock_wait(lock_path, say_nothing, &all, err) ||
        !files_join(f->base, STR("run-XXXXXX"), path, sizeof(path), err)) {
        return false;
    }
    remove_left(f);
    if (mkdtemp(path) == NULL) {
        return err_errno(err, errno, "make a folder in %s", f->base);
    }
    (void)snprintf(f->path, sizeof(f->path), "%s", path);
    return files_join(f->path, STR("lock"), lock_path, sizeof(lock_path), err) &&
           files_lock(lock_path, &f->lock, err);
}

bool drive_folder_open(struct drive_folder *ret, struct str state_dir, struct str project_dir,
                       struct err *err)
{
    *ret = (struct drive_folder){.lock = {-1}};
    if (!make_base(ret, state_dir, project_dir, err) || !make_folder(ret, err)) {
        drive_folder_release(ret);
        return err_wrap(err, "a folder for dbt");
    }
    copy_cache(ret);
    return true;
}

void drive_folder_keep_cache(const struct drive_folder *f)
{
    char from[LIMIT_PATH_BYTES + 1];
    char to[LIMIT_PATH_BYTES + 1];
    struct err ignored;
    if (files_join(f->path, CACHE, from, sizeof(from), &ignored) &&
        files_join(f->base, CACHE, to, sizeof(to), &ignored)) {
        (void)rename(from, to);
    }
}

void drive_folder_release(struct drive_folder *f)
{
    struct err ignored;
    if (f->path[0] != '\0') {
        (void)!files_remove_tree(f->path, &ignored);
    }
    fd_release(&f->lock);
    f->path[0] = '\0';
}
