#include "hub/backup/backup.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include "hub/backup/archive.h"
#include "hub/store/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 4 * ARCHIVE_BLOCK, SUMS_BYTES_MAX = 4 << 20, DEPTH_MAX = 4 };

/* --- whole files ------------------------------------------------------------------------------ */

/* A file's bytes without reading them all into memory. */
struct mapped {
    struct str bytes;
};

static void mapped_release(struct mapped *m)
{
    if (m->bytes.len > 0) {
        union {
            const char *read;
            void *unmap;
        } at = {.read = m->bytes.ptr};
        (void)munmap(at.unmap, m->bytes.len);
    }
}

static bool map_file(const char *path, struct mapped *ret, struct err *err)
{
    struct stat about;
    AUTO(fd) file = {open(path, O_RDONLY | O_CLOEXEC)};
    if (file.n < 0 || fstat(file.n, &about) != 0) {
        return err_errno(err, errno, "read %s", path);
    }
    if (about.st_size == 0) {
        ret->bytes = STR("");
        return true;
    }
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file.n, 0);
    if (at == MAP_FAILED) {
        return err_errno(err, errno, "read %s", path);
    }
    ret->bytes = (struct str){at, (size_t)about.st_size};
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
    const struct hub_config *config;
    int fd;
    struct wall_time now;
    struct buf sums;
    struct backup_counts counts;
};

static bool write_padding(struct writer *w, size_t len, struct err *err)
{
    static const char zeros[2 * ARCHIVE_BLOCK];
    return files_write_fd(w->fd, (struct str){zeros, len}, err);
}

static bool add_member(struct writer *w, struct str name, struct str bytes, struct err *err)
{
    char memory[HEAD_BYTES_MAX];
    struct buf head = buf_fixed(memory, sizeof(memory));
    archive_add_head(&head, name, (int64_t)bytes.len, w->now);
    w->counts.files++;
    w->counts.bytes += (int64_t)bytes.len;
    return files_write_fd(w->fd, buf_str(&head), err) && files_write_fd(w->fd, bytes, err) &&
           write_padding(w, archive_padding((int64_t)bytes.len), err);
}

static bool add_file(struct writer *w, struct str name, const char *path, struct err *err)
{
    AUTO(mapped) file = {0};
    char hex[FINGERPRINT_TEXT_SIZE];
    if (!archive_name_is_valid(name)) {
        return err_set(err, ERR_INVALID, "back up %s: its name is too long or has odd characters",
                       path);
    }
    if (!map_file(path, &file, err)) {
        return false;
    }
    digest_hex(file.bytes, hex);
    buf_addf(&w->sums, "%s  " STR_FMT "\n", hex, STR_ARG(name));
    return add_member(w, name, file.bytes, err);
}

/* What is made again at a start, and what comes by itself. */
static bool is_left_out(struct str name)
{
    static const char *const names[] = {"broker",     "lock",       "hub.db",
                                        "hub.db-wal", "hub.db-shm", "hub.sock",
                                        "hub.yaml",   "ca.lock",    "delivery"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(name, str_from(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool add_folder(struct writer *w, struct str below, int depth, struct err *err);

static bool add_entry(struct writer *w, struct str below, const char *entry, int depth,
                      struct err *err)
{
    char name[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    struct stat about;
    int len = snprintf(name, sizeof(name), STR_FMT "%s%s", STR_ARG(below), below.len > 0 ? "/" : "",
                       entry);
    if (len < 0 || len > LIMIT_PATH_BYTES || !hub_path(w->config, name, path, err)) {
        return err_set(err, ERR_INVALID, "back up %s: the path is too long", entry);
    }
    if (lstat(path, &about) != 0) {
        return errno == ENOENT || err_errno(err, errno, "look at %s", path);
    }
    if (S_ISDIR(about.st_mode)) {
        return add_folder(w, (struct str){name, (size_t)len}, depth + 1, err);
    }
    return !S_ISREG(about.st_mode) || add_file(w, (struct str){name, (size_t)len}, path, err);
}

static bool add_folder(struct writer *w, struct str below, int depth, struct err *err)
{
    char name[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(below));
    if (depth > DEPTH_MAX) {
        return err_set(err, ERR_INVALID, "back up %s: the state folder is too deep", name);
    }
    if (!hub_path(w->config, name, path, err)) {
        return false;
    }
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return err_errno(err, errno, "look into %s", path);
    }
    bool ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
        bool is_dot = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        bool is_out = is_dot || (depth == 0 && is_left_out(str_from(entry->d_name)));
        ok = is_out || add_entry(w, below, entry->d_name, depth, err);
    }
    (void)closedir(dir);
    return ok;
}

/* A whole, compact copy of one moment, made beside whoever writes. */
static bool copy_database(const struct hub_config *config, const char *path, struct err *err)
{
    char source[LIMIT_PATH_BYTES + 1];
    struct db *db = NULL;
    AUTO(buf) sql = buf_growing(2 * LIMIT_PATH_BYTES + 64);
    if (!hub_path(config, "hub.db", source, err)) {
        return false;
    }
    (void)unlink(path);
    buf_add(&sql, STR("VACUUM INTO "));
    db_add_literal(&sql, str_from(path));
    struct hub_store_options options = {.path = source, .flags = DB_READ_ONLY};
    bool ok = hub_store_open(&db, &options, err) && db_exec(db, buf_cstr(&sql), err);
    db_close(db);
    return ok;
}

static bool add_all(struct writer *w, const char *database, const char *settings, struct err *err)
{
    return add_file(w, STR("hub.db"), database, err) &&
           (!files_exist(settings) || add_file(w, STR("hub.yaml"), settings, err)) &&
           add_folder(w, STR(""), 0, err) &&
           add_member(w, STR(ARCHIVE_SUMS), buf_str(&w->sums), err) &&
           write_padding(w, 2 * ARCHIVE_BLOCK, err);
}

static bool finish(struct writer *w, const char *temporary, const char *path, struct err *err)
{
    if (fsync(w->fd) != 0 || rename(temporary, path) != 0) {
        return err_errno(err, errno, "write %s", path);
    }
    return true;
}

bool backup_write(const struct hub_config *config, const char *settings, const char *path,
                  struct wall_time now, struct backup_counts *ret, struct err *err)
{
    char database[LIMIT_PATH_BYTES + 16];
    char temporary[LIMIT_PATH_BYTES + 16];
    (void)snprintf(database, sizeof(database), "%s.db-part", path);
    (void)snprintf(temporary, sizeof(temporary), "%s.part", path);
    mode_t before = umask(077);
    bool ok = copy_database(config, database, err);
    AUTO(fd) file = {ok ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1};
    if (ok && file.n < 0) {
        ok = err_errno(err, errno, "write %s", temporary);
    }
    struct writer w = {
        .config = config, .fd = file.n, .now = now, .sums = buf_growing(SUMS_BYTES_MAX)};
    ok = ok && add_all(&w, database, settings, err) && finish(&w, temporary, path, err);
    buf_release(&w.sums);
    (void)umask(before);
    (void)unlink(database);
    (void)unlink(temporary); /* there is none when it was renamed */
    *ret = w.counts;
    return ok;
}

/* --- restoring -------------------------------------------------------------------------------- */

static bool restore_member(const struct hub_config *config, const struct archive_member *member,
                           struct err *err)
{
    char name[ARCHIVE_NAME_MAX + 1];
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(member->name));
    if (!hub_path(config, name, path, err)) {
        return false;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    bool ok = files_make_dirs(path, 0700, err);
    *slash = '/';
    return ok && files_write(path, member->bytes, 0600, err);
}

static bool restore_all(const struct hub_config *config, const char *settings, struct str archive,
                        struct backup_counts *counts, bool *ret_kept, struct err *err)
{
    struct archive_member member;
    bool is_end = false;
    for (struct str rest = archive; archive_next(&rest, &member, &is_end, err) && !is_end;) {
        bool is_settings = str_eq(member.name, STR("hub.yaml"));
        if (str_eq(member.name, STR(ARCHIVE_SUMS))) {
            return true;
        }
        *ret_kept = *ret_kept || (is_settings && files_exist(settings));
        bool ok = is_settings
                      ? files_exist(settings) || files_write(settings, member.bytes, 0644, err)
                      : restore_member(config, &member, err);
        if (!ok) {
            return false;
        }
        counts->files++;
        counts->bytes += (int64_t)member.bytes.len;
    }
    return false;
}

/* SQLite looks whether it is whole, and a newer program brings it up to date. */
static bool check_database(const char *path, struct err *err)
{
    struct db *db = NULL;
    bool ok = hub_store_open(&db, &(struct hub_store_options){.path = path}, err);
    db_close(db);
    return ok;
}

bool backup_restore(const struct hub_config *config, const char *settings, const char *path,
                    struct backup_counts *ret, bool *ret_kept_settings, struct err *err)
{
    char database[LIMIT_PATH_BYTES + 1];
    AUTO(mapped) archive = {0};
    *ret = (struct backup_counts){0};
    *ret_kept_settings = false;
    if (!hub_path(config, "hub.db", database, err) || !map_file(path, &archive, err)) {
        return false;
    }
    if (files_exist(database)) {
        (void)err_set(err, ERR_EXISTS, "there is a hub in " STR_FMT " already",
                      STR_ARG(config->state_dir));
        return err_hint(err, "stop it and move its folder away first");
    }
    if (!archive_check(archive.bytes, err)) {
        return err_wrap(err, "%s", path);
    }
    return restore_all(config, settings, archive.bytes, ret, ret_kept_settings, err) &&
           check_database(database, err);
}
