#include "agent/definitions/secrets.h"

#include "agent/definitions/loader.h"
#include "common/base/limits.h"
#include "common/platform/files.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool secret_name_is_valid(struct str name)
{
    return is_word(name, LIMIT_NAME_BYTES, "_-.");
}

struct secret_file {
    char path[LIMIT_PATH_BYTES + 1];
    bool is_credential;
};

/* A credential that is there comes first. */
static bool find(const struct secret_folders *folders, struct str name, struct secret_file *ret,
                 struct err *err)
{
    struct err ignored = {0};
    if (!secret_name_is_valid(name)) {
        return err_set(err, ERR_INVALID, "it is not a secret's name");
    }
    ret->is_credential =
        folders->credentials != NULL &&
        files_join(folders->credentials, name, ret->path, sizeof(ret->path), &ignored) &&
        files_exist(ret->path);
    return ret->is_credential ||
           files_join(folders->secrets, name, ret->path, sizeof(ret->path), err);
}

bool secret_path(const struct secret_folders *folders, struct str name, struct buf *ret_path,
                 struct err *err)
{
    struct secret_file file = {.is_credential = false};
    if (!find(folders, name, &file, err)) {
        return false;
    }
    buf_add_text(ret_path, file.path);
    return true;
}

/* --- one file --- */

static bool check_rights(const struct secret_file *file, const struct stat *status, struct err *err)
{
    /* systemd gives a service rights to its credentials by an ACL, which shows as the group's. */
    mode_t closed = file->is_credential ? S_IRWXO : S_IRWXG | S_IRWXO;
    bool is_ours = status->st_uid == 0 || status->st_uid == geteuid();
    if (!S_ISREG(status->st_mode)) {
        return err_set(err, ERR_INVALID, "%s is not a file", file->path);
    }
    if ((status->st_mode & closed) != 0) {
        (void)err_set(err, ERR_DENIED, "%s is open to others (mode %04o)", file->path,
                      (unsigned)(status->st_mode & 07777));
        return err_hint(err, "chmod 600 %s", file->path);
    }
    if (!is_ours) {
        (void)err_set(err, ERR_DENIED, "%s belongs to another user (uid %u)", file->path,
                      (unsigned)status->st_uid);
        return err_hint(err, "chown %u %s", (unsigned)geteuid(), file->path);
    }
    return true;
}

static bool open_failed(const struct secret_file *file, int error, struct err *err)
{
    (void)err_errno(err, error, "open %s", file->path);
    if (error == ENOENT) {
        return err_hint(err, "write it there with mode 600, or give it as a systemd credential");
    }
    return error == EACCES ? err_hint(err, "chown %u %s", (unsigned)geteuid(), file->path) : false;
}

/* Appends all that there is; nothing may be left over at `max` bytes. */
static bool read_all(int fd, struct buf *into, size_t max, struct err *err)
{
    char *bytes = buf_reserve(into, max);
    size_t len = 0;
    ssize_t count = 1;
    if (bytes == NULL) {
        return err_set(err, ERR_FULL, "there is no room for it");
    }
    while (count != 0 && len < max) {
        count = read(fd, bytes + len, max - len);
        if (count < 0 && errno != EINTR) {
            return err_errno(err, errno, "read");
        }
        len += count > 0 ? (size_t)count : 0;
    }
    if (len == max) {
        return err_set(err, ERR_FULL, "it is longer than %d bytes", SECRET_BYTES_MAX);
    }
    into->len += len;
    return true;
}

static bool open_file(const struct secret_file *file, struct fd *ret, struct err *err)
{
    struct stat status;
    /* Not to be held up by a pipe of that name. */
    ret->n = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (ret->n < 0) {
        return open_failed(file, errno, err);
    }
    if (fstat(ret->n, &status) < 0) {
        return err_errno(err, errno, "look at %s", file->path);
    }
    return check_rights(file, &status, err);
}

/* Straight into `into`: there is no other copy. */
static bool read_file(const struct secret_file *file, struct buf *into, struct err *err)
{
    AUTO(fd) fd = {-1};
    size_t before = into->len;
    /* One byte for a newline, and one to see that there is more. */
    if (!open_file(file, &fd, err) || !read_all(fd.n, into, SECRET_BYTES_MAX + 2, err)) {
        return false;
    }
    size_t len = into->len - before;
    if (len > 0 && into->ptr[into->len - 1] == '\n') {
        into->len--;
        len--;
    }
    if (len > SECRET_BYTES_MAX) {
        return err_set(err, ERR_FULL, "it is longer than %d bytes", SECRET_BYTES_MAX);
    }
    if (len > 0 && memchr(into->ptr + before, '\0', len) != NULL) {
        return err_set(err, ERR_INVALID, "%s holds a NUL byte", file->path);
    }
    return true;
}

bool secret_check(const struct secret_folders *folders, struct str name, struct err *err)
{
    struct secret_file file = {.is_credential = false};
    AUTO(fd) fd = {-1};
    return find(folders, name, &file, err) && open_file(&file, &fd, err);
}

static bool read_secret(void *ctx, struct str name, struct buf *into, struct err *err)
{
    struct secret_file file = {.is_credential = false};
    return (find(ctx, name, &file, err) && read_file(&file, into, err)) ||
           err_wrap(err, "secret " STR_FMT, STR_ARG(name));
}

struct secret_lookup secret_lookup_files(struct secret_folders *folders)
{
    return (struct secret_lookup){.read = read_secret, .ctx = folders};
}
