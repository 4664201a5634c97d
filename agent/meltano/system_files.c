/* system_files.c - the files of this machine. */
#include "agent/meltano/meltano.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    return files_read(path, into, err);
}

static char kind_of(int folder, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type == DT_REG) {
        return 'f';
    }
    if (entry->d_type == DT_DIR) {
        return 'd';
    }
    if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(st.st_mode)) {
        return 'f';
    }
    if (S_ISDIR(st.st_mode)) {
        return 'd';
    }
    return fstatat(folder, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode) ? 'l' : 'f';
}

static bool add_entries(DIR *folder, struct buf *into, struct err *err)
{
    const struct dirent *entry = NULL;
    do {
        errno = 0;
        entry = readdir(folder); /* NOLINT(concurrency-mt-unsafe): the folder is ours alone */
        if (entry != NULL) {
            buf_add_char(into, kind_of(dirfd(folder), entry));
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

bool meltano_root_of(const char *path, char ret_root[MELTANO_ROOT_SIZE], struct err *err)
{
    char folder[MELTANO_ROOT_SIZE];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    if (length >= sizeof(folder)) {
        return err_set(err, ERR_INVALID, "%s: the path is too long", path);
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
    char *root = realpath(length > 0 ? folder : slash == NULL ? "." : "/", NULL);
    if (root == NULL) {
        return err_errno(err, errno, "open %s", path);
    }
    size_t size = strlen(root) + 1;
    bool fits = size <= MELTANO_ROOT_SIZE;
    if (fits) {
        memcpy(ret_root, root, size);
    }
    free(root);
    return fits || err_set(err, ERR_INVALID, "%s: the path is too long", path);
}

struct meltano_files meltano_system_files(void)
{
    return (struct meltano_files){.read_file = read_file, .list_folder = list_folder};
}
