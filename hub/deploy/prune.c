#include "hub/deploy/prune.h"

#include "common/base/strmap.h"
#include "common/platform/files.h"
#include "common/wire/signed.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NEEDED_ARENA_BYTES = 256 << 20,
    MANIFEST_ARENA_BYTES = 32 << 20,
    FILES_A_STEP = 100,
    SENT_S = 86400
};

struct prune {
    const struct hub_config *config;
    struct deployments *deployments;
    struct fd lock;
    DIR *manifests; /* NULL: done with them */
    DIR *files;
    struct arena arena;
    struct strmap needed; /* files, by their SHA-256 */
    struct wall_time now;
    struct prune_counts counts;
};

static bool open_folder(const struct hub_config *config, const char *name, DIR **ret,
                        struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!hub_path(config, name, path, err)) {
        return false;
    }
    *ret = opendir(path);
    return *ret != NULL || err_errno(err, errno, "open %s", path);
}

bool prune_open(struct prune **ret, const struct hub_config *config,
                struct deployments *deployments, int64_t kept, struct wall_time now,
                struct err *err)
{
    int64_t ignored = 0;
    struct prune *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "delete old bundles: out of memory");
    }
    *p = (struct prune){.config = config,
                        .deployments = deployments,
                        .lock = {-1},
                        .now = now,
                        .arena = arena_new(NEEDED_ARENA_BYTES)};
    p->needed = strmap_new(&p->arena);
    if (!shelf_hold(config, true, &p->lock, err) ||
        !bundles_let_go(deployments, kept, now, &ignored, err) ||
        !open_folder(config, "bundles", &p->manifests, err) ||
        !open_folder(config, "bundles/files", &p->files, err)) {
        prune_close(p);
        return false;
    }
    *ret = p;
    return true;
}

void prune_close(struct prune *p)
{
    if (p == NULL) {
        return;
    }
    if (p->manifests != NULL) {
        (void)closedir(p->manifests);
    }
    if (p->files != NULL) {
        (void)closedir(p->files);
    }
    fd_release(&p->lock);
    arena_release(&p->arena);
    free(p);
}

struct prune_counts prune_counts(const struct prune *p)
{
    return p->counts;
}

/* The next name that is a hash, or of what has come of a file; NULL: no more. */
static bool next_name(DIR *folder, const char **ret, struct err *err)
{
    const struct dirent *entry = NULL;
    while ((errno = 0, entry = readdir(folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        struct str name = str_from(entry->d_name);
        if (bundle_hash_is_good(name) || str_starts(name, STR(SHELF_PART))) {
            *ret = entry->d_name;
            return true;
        }
    }
    *ret = NULL;
    return errno == 0 || err_errno(err, errno, "read the folder of bundles");
}

static bool delete_file(struct prune *p, const char *folder, const char *name, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    char dir[LIMIT_PATH_BYTES + 1];
    struct stat found;
    if (!hub_path(p->config, folder, dir, err) ||
        !files_join(dir, str_from(name), path, sizeof(path), err)) {
        return false;
    }
    p->counts.bytes += stat(path, &found) == 0 ? found.st_size : 0;
    return unlink(path) == 0 || errno == ENOENT || err_errno(err, errno, "delete %s", path);
}

/* Signed by this hub when it was packed; what it names is all that counts here. */
static bool need_files_of(struct prune *p, const char *hash, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    char dir[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(BUNDLE_SIGNED_BYTES);
    AUTO(arena) arena = arena_new(MANIFEST_ARENA_BYTES);
    struct bundle_manifest manifest;
    struct str head = STR_NONE;
    struct str body = STR_NONE;
    if (!hub_path(p->config, "bundles", dir, err) ||
        !files_join(dir, str_from(hash), path, sizeof(path), err) ||
        !files_read(path, &text, err)) {
        return false;
    }
    if (!str_cut(buf_str(&text), '\n', &head, &body) ||
        !bundle_manifest_decode(body, &arena, &manifest, err)) {
        return err->code == ERR_NONE ? err_set(err, ERR_CORRUPT, "%s is no manifest", path)
                                     : err_wrap(err, "%s", path);
    }
    for (size_t i = 0; i < manifest.count; i++) {
        struct str name = arena_copy(&p->arena, manifest.files[i].sha256);
        uint32_t ignored = 0;
        if (!strmap_get(&p->needed, manifest.files[i].sha256, &ignored) &&
            (name.ptr == NULL || !strmap_put(&p->needed, name, 1))) {
            return err_set(err, ERR_NO_MEMORY, "delete old bundles: out of memory");
        }
    }
    return true;
}

static bool step_manifest(struct prune *p, struct err *err)
{
    const char *hash = NULL;
    bool is_deleted = false;
    if (!next_name(p->manifests, &hash, err)) {
        return false;
    }
    if (hash == NULL) {
        (void)closedir(p->manifests);
        p->manifests = NULL;
        return true;
    }
    if (!bundles_is_deleted(p->deployments, str_from(hash), &is_deleted, err)) {
        return false;
    }
    p->counts.bundles += is_deleted;
    return is_deleted ? delete_file(p, "bundles", hash, err) : need_files_of(p, hash, err);
}

/* It has come in part, and the rest may. */
static bool is_being_sent(const struct prune *p, const char *name)
{
    struct stat found;
    return str_starts(str_from(name), STR(SHELF_PART)) &&
           fstatat(dirfd(p->files), name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           p->now.ns / NS_PER_SEC - found.st_mtim.tv_sec < SENT_S;
}

static bool step_files(struct prune *p, bool *ret_is_over, struct err *err)
{
    for (int i = 0; i < FILES_A_STEP; i++) {
        const char *name = NULL;
        uint32_t ignored = 0;
        if (!next_name(p->files, &name, err)) {
            return false;
        }
        if (name == NULL) {
            *ret_is_over = true;
            return true;
        }
        if (strmap_get(&p->needed, str_from(name), &ignored) || is_being_sent(p, name)) {
            continue;
        }
        if (!delete_file(p, "bundles/files", name, err)) {
            return false;
        }
        p->counts.files++;
    }
    return true;
}

bool prune_step(struct prune *p, bool *ret_is_over, struct err *err)
{
    *ret_is_over = false;
    return p->manifests != NULL ? step_manifest(p, err) : step_files(p, ret_is_over, err);
}
