#include "common/platform/files.h"

#include "common/base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK = 16 << 10, TREE_DEPTH_MAX = 64 };

struct path {
    char text[LIMIT_PATH_BYTES + 1];
};

void fd_release(struct fd *f)
{
    if (f->n >= 0) {
        (void)close(f->n);
    }
    f->n = -1;
}

int fd_take(struct fd *f)
{
    int n = f->n;
    f->n = -1;
    return n;
}

/* -- reading -- */

/* One read; *ret_end says whether the file ended. At the buffer's maximum only the end may follow.
 */
static bool read_some(int fd, struct buf *into, bool *ret_end, struct err *err)
{
    size_t left = into->max - into->len;
    size_t want = left < READ_CHUNK ? left : READ_CHUNK;
    char probe = 0;
    char *to = want == 0 ? &probe : buf_reserve(into, want);
    if (to == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    ssize_t got = read(fd, to, want == 0 ? 1 : want);
    if (got < 0 && errno != EINTR) {
        return err_errno(err, errno, "read");
    }
    if (got > 0 && want == 0) {
        return err_set(err, ERR_FULL, "larger than %zu bytes", into->max);
    }
    into->len += got > 0 ? (size_t)got : 0;
    *ret_end = got == 0;
    return true;
}

bool files_read(const char *path, struct buf *into, struct err *err)
{
    AUTO(fd) file = {open(path, O_RDONLY | O_CLOEXEC)};
    if (file.n < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    size_t before = into->len;
    bool is_end = false;
    while (!is_end) {
        if (!read_some(file.n, into, &is_end, err)) {
            into->len = before;
            return err_wrap(err, "%s", path);
        }
    }
    return true;
}

/* -- writing -- */

static bool write_all(int fd, struct str content)
{
    while (content.len > 0) {
        ssize_t done = write(fd, content.ptr, content.len);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        content = str_slice(content, done < 0 ? 0 : (size_t)done, content.len);
    }
    return true;
}

bool files_write_fd(int fd, struct str content, struct err *err)
{
    return write_all(fd, content) || err_errno(err, errno, "write");
}

/* The folder's entry for a renamed file is durable only after this. */
static bool sync_parent(const char *path, struct err *err)
{
    struct str folder;
    struct str name;
    bool has_folder = str_cut_last(str_from(path), '/', &folder, &name);
    struct path parent = {"."};
    if (has_folder) {
        (void)snprintf(parent.text, sizeof(parent.text), STR_FMT,
                       STR_ARG(folder.len == 0 ? STR("/") : folder));
    }
    AUTO(fd) dir = {open(parent.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (dir.n < 0 || fsync(dir.n) != 0) {
        return err_errno(err, errno, "sync folder %s", parent.text);
    }
    return true;
}

/* A new file with the content, on the disk when this returns. */
static bool write_new(const char *path, struct str content, mode_t mode, struct err *err)
{
    AUTO(fd) file = {open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (file.n < 0) {
        return err_errno(err, errno, "create %s", path);
    }
    /* fchmod: the mode is meant as given, whatever the umask. */
    if (fchmod(file.n, mode) != 0 || !write_all(file.n, content) || fsync(file.n) != 0) {
        return err_errno(err, errno, "write %s", path);
    }
    if (close(fd_take(&file)) != 0) {
        return err_errno(err, errno, "write %s", path);
    }
    return true;
}

bool files_write(const char *path, struct str content, mode_t mode, struct err *err)
{
    struct path temporary;
    int len = snprintf(temporary.text, sizeof(temporary.text), "%s.tmp", path);
    if (len < 0 || (size_t)len >= sizeof(temporary.text)) {
        return err_set(err, ERR_INVALID, "write %.40s...: the path is too long", path);
    }
    /* A fixed name, so that a power cut leaves at most one; made anew, so that it has our mode. */
    if (unlink(temporary.text) != 0 && errno != ENOENT) {
        return err_errno(err, errno, "replace %s", temporary.text);
    }
    if (!write_new(temporary.text, content, mode, err)) {
        (void)unlink(temporary.text);
        return false;
    }
    if (rename(temporary.text, path) != 0) {
        int reason = errno;
        (void)unlink(temporary.text);
        return err_errno(err, reason, "replace %s", path);
    }
    return sync_parent(path, err);
}

/* -- folders -- */

bool files_make_dirs(const char *path, mode_t mode, struct err *err)
{
    struct path part;
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part.text)) {
        return err_set(err, ERR_INVALID, "make folder %.40s: the path is empty or too long", path);
    }
    memcpy(part.text, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        part.text[i] = '\0';
        if (mkdir(part.text, mode) != 0 && errno != EEXIST) {
            return err_errno(err, errno, "make folder %s", part.text);
        }
        part.text[i] = path[i];
    }
    struct stat st;
    if (stat(path, &st) != 0) {
        return err_errno(err, errno, "make folder %s", path);
    }
    if (!S_ISDIR(st.st_mode)) {
        return err_set(err, ERR_EXISTS, "make folder %s: there is a file of this name", path);
    }
    return true;
}

bool files_exist(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool remove_at(int parent, const char *name, int depth, struct err *err);

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is limited */
static bool remove_children(int folder, int depth, struct err *err)
{
    DIR *dir = fdopendir(folder);
    if (dir == NULL) {
        int reason = errno;
        (void)close(folder);
        return err_errno(err, reason, "list folder");
    }
    bool is_ok = true;
    struct dirent *entry = NULL;
    do {
        errno = 0;
        entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
        if (entry != NULL && !is_dots(entry->d_name)) {
            is_ok = remove_at(dirfd(dir), entry->d_name, depth, err);
        } else if (entry == NULL && errno != 0) {
            is_ok = err_errno(err, errno, "list folder");
        }
    } while (is_ok && entry != NULL);
    (void)closedir(dir);
    return is_ok;
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is limited */
static bool remove_at(int parent, const char *name, int depth, struct err *err)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR) {
        return err_errno(err, errno, "remove %s", name);
    }
    if (depth == TREE_DEPTH_MAX) {
        return err_set(err, ERR_FULL, "remove %s: nested deeper than %d folders", name,
                       TREE_DEPTH_MAX);
    }
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return err_errno(err, errno, "remove %s", name);
    }
    if (!remove_children(folder, depth + 1, err)) {
        return err_wrap(err, "%s", name);
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return err_errno(err, errno, "remove %s", name);
    }
    return true;
}

bool files_remove_tree(const char *path, struct err *err)
{
    return remove_at(AT_FDCWD, path, 0, err);
}

bool files_join(const char *dir, struct str name, char *ret_path, size_t size, struct err *err)
{
    bool is_absolute = str_starts(name, STR("/"));
    struct str head = is_absolute ? STR_NONE : str_from(dir);
    struct str sep = head.len == 0 || str_ends(head, STR("/")) ? STR("") : STR("/");
    size_t len = head.len + sep.len + name.len;
    if (len > LIMIT_PATH_BYTES || len >= size) {
        return err_set(err, ERR_INVALID, "path " STR_FMT "...: longer than %zu bytes",
                       STR_ARG(str_slice(name, 0, 40)),
                       size <= LIMIT_PATH_BYTES ? size - 1 : (size_t)LIMIT_PATH_BYTES);
    }
    if (str_contains(name, (struct str){"", 1})) {
        return err_set(err, ERR_INVALID, "path " STR_FMT ": a NUL byte in it", STR_ARG(name));
    }
    struct buf path = buf_fixed(ret_path, size);
    buf_add(&path, head);
    buf_add(&path, sep);
    buf_add(&path, name);
    buf_add_char(&path, '\0');
    return true;
}

/* -- locks -- */

static bool refuse_lock(int fd, const char *path, struct err *err)
{
    char text[24];
    ssize_t len = pread(fd, text, sizeof(text), 0);
    int64_t pid = 0;
    struct str holder = {text, len < 0 ? 0 : (size_t)len};
    if (!str_to_i64(str_trim(holder), 1, INT32_MAX, &pid)) {
        return err_set(err, ERR_BUSY, "lock %s: another process holds it", path);
    }
    return err_set(err, ERR_BUSY, "lock %s: process %" PRId64 " holds it", path, pid);
}

bool files_lock(const char *path, struct fd *ret_lock, struct err *err)
{
    AUTO(fd) file = {open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.n < 0) {
        return err_errno(err, errno, "open lock %s", path);
    }
    if (flock(file.n, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? refuse_lock(file.n, path, err)
                                    : err_errno(err, errno, "lock %s", path);
    }
    char text[24];
    struct buf pid = buf_fixed(text, sizeof(text));
    buf_addf(&pid, "%d\n", (int)getpid());
    if (ftruncate(file.n, 0) != 0 || !write_all(file.n, buf_str(&pid))) {
        return err_errno(err, errno, "write lock %s", path);
    }
    ret_lock->n = fd_take(&file);
    return true;
}

bool files_lock_wait(const char *path, void (*on_wait)(const struct err *why), struct fd *ret_lock,
                     struct err *err)
{
    enum { LOOK_MS = 20 };
    for (int waited_ms = 0; !files_lock(path, ret_lock, err); waited_ms += LOOK_MS) {
        if (err->code != ERR_BUSY || waited_ms >= FILES_LOCK_WAIT_MS) {
            return false;
        }
        if (waited_ms == 0) {
            on_wait(err);
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
    return true;
}
