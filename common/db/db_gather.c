/* db_gather.c - gathers what SQLite writes into a write-ahead log, two small pieces for each page, into
 * few large writes: half of what a large commit costs the processor is the kernel's work on the small
 * ones. A "shim" of another VFS (https://www.sqlite.org/vfs.html).
 *
 * Nothing is weaker for it. With synchronous=FULL a commit ends with a sync of the WAL, which writes
 * what is gathered first, and only then other connections are told of the frames. Who lets go of the
 * write lock has committed or rolled back: what is gathered still is then dropped, so that it never
 * comes to lie over what another connection has written meanwhile. A write that fails is reported
 * from then on until that moment, by whatever call it is found out. Where a write may harm what lies
 * beside it (no SQLITE_IOCAP_POWERSAFE_OVERWRITE), SQLite pads a commit after that sync: nothing is
 * gathered there. */
#include "common/db/db_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GATHER_BYTES = 127 << 10, /* SQLite on Unix writes less than 128 KiB at once */
    NAME_BYTES = 80,
    WRITE_LOCK = 0 /* of the locks of a WAL: https://www.sqlite.org/walformat.html#locks */
};

struct gather_vfs {
    sqlite3_vfs base; /* first: SQLite's part */
    sqlite3_vfs *real;
    char name[NAME_BYTES];
};
/* A database, or its WAL; other files are opened by the real VFS in its own memory. */
struct gather_file {
    sqlite3_file base; /* first: SQLite's part */
    sqlite3_file *real;
    struct gather_file *other; /* of a database its WAL, and the other way round; NULL: not open */
    char *bytes;               /* of a WAL; NULL: nothing is gathered, as of a database */
    int len;
    sqlite3_int64 at; /* where in the file they belong */
    int failed;       /* why they could not be written */
};

static struct gather_file *gather_of(sqlite3_file *file)
{
    return (struct gather_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return gather_of(file)->real;
}

/* --- a file ----------------------------------------------------------------------------------- */

static int flush(struct gather_file *f)
{
    if (f->len > 0 && f->failed == SQLITE_OK) {
        f->failed = f->real->pMethods->xWrite(f->real, f->bytes, f->len, f->at);
        f->len = 0;
    }
    return f->failed;
}

static void drop(struct gather_file *f)
{
    f->len = 0;
    f->failed = SQLITE_OK;
}

static int gather_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    struct gather_file *f = gather_of(file);
    bool is_next = f->len > 0 && at == f->at + f->len && f->len + len <= GATHER_BYTES;
    int rc = is_next ? f->failed : flush(f);
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (f->bytes == NULL || len > GATHER_BYTES) {
        return f->real->pMethods->xWrite(f->real, bytes, len, at);
    }
    memcpy(f->bytes + f->len, bytes, (size_t)len);
    f->at = f->len == 0 ? at : f->at;
    f->len += len;
    return SQLITE_OK;
}

static int gather_close(sqlite3_file *file)
{
    struct gather_file *f = gather_of(file);
    if (f->other != NULL) {
        f->other->other = NULL;
    }
    free(f->bytes);
    return f->real->pMethods->xClose(f->real);
}

static int gather_read(sqlite3_file *file, void *into, int len, sqlite3_int64 at)
{
    int rc = flush(gather_of(file));
    return rc == SQLITE_OK ? real_of(file)->pMethods->xRead(real_of(file), into, len, at) : rc;
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = flush(gather_of(file));
    return rc == SQLITE_OK ? real_of(file)->pMethods->xTruncate(real_of(file), size) : rc;
}

static int gather_sync(sqlite3_file *file, int flags)
{
    int rc = flush(gather_of(file));
    return rc == SQLITE_OK ? real_of(file)->pMethods->xSync(real_of(file), flags) : rc;
}

static int gather_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    int rc = flush(gather_of(file));
    return rc == SQLITE_OK ? real_of(file)->pMethods->xFileSize(real_of(file), ret) : rc;
}

/* Of the shared memory only a database is asked. */
static int gather_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret);
}

static int gather_shm_lock(sqlite3_file *file, int from, int count, int flags)
{
    struct gather_file *wal = gather_of(file)->other;
    if (wal != NULL && from == WRITE_LOCK && (flags & SQLITE_SHM_UNLOCK) != 0) {
        drop(wal);
    }
    return real_of(file)->pMethods->xShmLock(real_of(file), from, count, flags);
}

static void gather_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int gather_shm_unmap(sqlite3_file *file, int does_delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), does_delete);
}

static int gather_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int gather_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int gather_reserved(sqlite3_file *file, int *ret)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int gather_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int gather_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int gather_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 2: with shared memory, without mapped pages, which db_open() does not use. */
static const sqlite3_io_methods gather_methods = {
    .iVersion = 2,
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_reserved,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector,
    .xDeviceCharacteristics = gather_device,
    .xShmMap = gather_shm_map,
    .xShmLock = gather_shm_lock,
    .xShmBarrier = gather_shm_barrier,
    .xShmUnmap = gather_shm_unmap,
};

/* --- the VFS ---------------------------------------------------------------------------------- */

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
    return ((struct gather_vfs *)(void *)vfs)->real;
}

static int gather_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                       int *ret_flags)
{
    sqlite3_vfs *real = real_vfs(vfs);
    if ((flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) == 0) {
        return real->xOpen(real, path, file, flags, ret_flags);
    }
    struct gather_file *f = gather_of(file);
    *f = (struct gather_file){.real = (sqlite3_file *)(void *)(f + 1)};
    f->real->pMethods = NULL;
    int rc = real->xOpen(real, path, f->real, flags, ret_flags);
    if (f->real->pMethods == NULL) {
        return rc; /* there is nothing to close */
    }
    f->base.pMethods = &gather_methods;
    assert(f->real->pMethods->iVersion >= 2);
    if ((flags & SQLITE_OPEN_WAL) != 0) {
        int can = f->real->pMethods->xDeviceCharacteristics(f->real);
        f->bytes = (can & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0 ? malloc(GATHER_BYTES) : NULL;
        f->other = gather_of(sqlite3_database_file_object(path));
        f->other->other = f;
    }
    return rc;
}

static int gather_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    return real_vfs(vfs)->xDelete(real_vfs(vfs), path, sync_folder);
}

static int gather_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret)
{
    return real_vfs(vfs)->xAccess(real_vfs(vfs), path, flags, ret);
}

static int gather_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret)
{
    return real_vfs(vfs)->xFullPathname(real_vfs(vfs), path, size, ret);
}

static int gather_random(sqlite3_vfs *vfs, int size, char *ret)
{
    return real_vfs(vfs)->xRandomness(real_vfs(vfs), size, ret);
}

static int gather_sleep(sqlite3_vfs *vfs, int us)
{
    return real_vfs(vfs)->xSleep(real_vfs(vfs), us);
}

static int gather_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
    sqlite3_vfs *real = real_vfs(vfs);
    if (real->iVersion >= 2 && real->xCurrentTimeInt64 != NULL) {
        return real->xCurrentTimeInt64(real, ret);
    }
    double days = 0;
    int rc = real->xCurrentTime(real, &days);
    *ret = (sqlite3_int64)(days * 86400000.0);
    return rc;
}

static int gather_time(sqlite3_vfs *vfs, double *ret)
{
    sqlite3_int64 ms = 0;
    int rc = gather_time_ms(vfs, &ms);
    *ret = (double)ms / 86400000.0;
    return rc;
}

static int gather_last_error(sqlite3_vfs *vfs, int size, char *ret)
{
    return real_vfs(vfs)->xGetLastError(real_vfs(vfs), size, ret);
}

/* One of the same name may take the place of one that is gone (tests). */
static const char *lay_over(sqlite3_vfs *vfs, sqlite3_vfs *real)
{
    ((struct gather_vfs *)(void *)vfs)->real = real;
    vfs->szOsFile = (int)sizeof(struct gather_file) + real->szOsFile;
    vfs->mxPathname = real->mxPathname;
    return vfs->zName;
}

static sqlite3_vfs *make(const char *name)
{
    struct gather_vfs *vfs = calloc(1, sizeof(*vfs));
    if (vfs == NULL) {
        return NULL;
    }
    (void)snprintf(vfs->name, sizeof(vfs->name), "%s", name);
    vfs->base = (sqlite3_vfs){
        .iVersion = 2,
        .zName = vfs->name,
        .xOpen = gather_open,
        .xDelete = gather_delete,
        .xAccess = gather_access,
        .xFullPathname = gather_full_path,
        .xRandomness = gather_random,
        .xSleep = gather_sleep,
        .xCurrentTime = gather_time,
        .xGetLastError = gather_last_error,
        .xCurrentTimeInt64 = gather_time_ms,
    };
    return &vfs->base;
}

const char *db_gather_over(const char *vfs_name)
{
    char name[NAME_BYTES];
    sqlite3_vfs *real = sqlite3_vfs_find(vfs_name);
    if (real == NULL ||
        snprintf(name, sizeof(name), "gather-%s", real->zName) >= (int)sizeof(name)) {
        return vfs_name;
    }
    sqlite3_vfs *vfs = sqlite3_vfs_find(name);
    if (vfs != NULL) {
        return lay_over(vfs, real);
    }
    vfs = make(name);
    if (vfs == NULL) {
        return vfs_name;
    }
    (void)lay_over(vfs, real);
    if (sqlite3_vfs_register(vfs, 0) != SQLITE_OK) {
        free(vfs);
        return vfs_name;
    }
    return vfs->zName;
}
