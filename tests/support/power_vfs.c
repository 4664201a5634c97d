/* DESIGN: power_disk.c is the disk. Here are the two structs that SQLite sees: a handle per open
 * file and, per database, the shared memory of its WAL. Locks are those of SQLite's file format
 * (NONE < SHARED < RESERVED < PENDING < EXCLUSIVE), found by walking the open handles. */
#include "tests/support/power_vfs.h"

#include "tests/support/power_disk.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES_MAX = 512, SECTOR_BYTES = 4096, SHM_REGIONS_MAX = 64 };

struct power_shm {
    struct power_inode *database;
    void *regions[SHM_REGIONS_MAX];
    int users;
    struct power_shm *next;
};

struct power_handle {
    sqlite3_file base; /* first: SQLite's view of us */
    struct power_vfs *vfs;
    struct power_inode *inode;
    bool syncs_dir; /* with its next sync */
    int lock;
    struct power_shm *shm;
    unsigned shm_shared; /* a bit per lock slot */
    unsigned shm_exclusive;
    struct power_handle *next;
};

struct power_vfs {
    sqlite3_vfs base; /* first */
    struct power_disk disk;
    struct seeded_rng rng;
    struct power_handle *handles;
    struct power_shm *shms;
    int counts[POWER_CALLS];
    enum power_call armed_call;
    enum power_effect effect;
    int nth;
    bool is_armed;
    bool has_fired;
    bool is_dead;
    size_t limit;
    int last_errno;
    sqlite3_int64 clock_ms;
};

static struct power_vfs *vfs_of(sqlite3_vfs *base)
{
    return (struct power_vfs *)base;
}

static struct power_handle *handle_of(sqlite3_file *base)
{
    return (struct power_handle *)base;
}

/* --- faults ----------------------------------------------------------------------------------- */

static int fail(struct power_vfs *v, int errno_value, int rc)
{
    v->last_errno = errno_value;
    return rc;
}

/* Counts a call; true when it is the armed one. */
static bool fires(struct power_vfs *v, enum power_call call)
{
    bool is_it = v->is_armed && !v->has_fired && call == v->armed_call && v->counts[call] == v->nth;
    v->counts[call]++;
    if (is_it) {
        v->has_fired = true;
        v->is_dead = v->effect == POWER_CUT;
    }
    return is_it;
}

/* The result of a fault that has just fired, or of a call after the cut; SQLITE_OK otherwise. */
static int check(struct power_vfs *v, enum power_call call, int rc)
{
    if (v->is_dead) {
        return fail(v, EIO, rc);
    }
    if (!fires(v, call)) {
        return SQLITE_OK;
    }
    return v->effect == POWER_FULL ? fail(v, ENOSPC, SQLITE_FULL) : fail(v, EIO, rc);
}

/* --- files ------------------------------------------------------------------------------------ */

static int file_close(sqlite3_file *base)
{
    struct power_handle *h = handle_of(base);
    struct power_handle **link = &h->vfs->handles;
    while (*link != h) {
        link = &(*link)->next;
    }
    *link = h->next;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int len, sqlite3_int64 offset)
{
    struct power_handle *h = handle_of(base);
    int rc = check(h->vfs, POWER_READ, SQLITE_IOERR_READ);
    if (rc != SQLITE_OK) {
        return rc;
    }
    const struct power_bytes *b = &h->inode->now;
    size_t from = (size_t)offset;
    size_t there = from >= b->len ? 0 : b->len - from;
    if (there >= (size_t)len) {
        memcpy(to, b->ptr + from, (size_t)len);
        return SQLITE_OK;
    }
    memset(to, 0, (size_t)len);
    if (there > 0) {
        memcpy(to, b->ptr + from, there);
    }
    return SQLITE_IOERR_SHORT_READ;
}

static bool has_room(const struct power_vfs *v, const struct power_inode *i, size_t end)
{
    size_t growth = end > i->now.len ? end - i->now.len : 0;
    return v->limit == 0 || growth == 0 || power_disk_used(&v->disk) + growth <= v->limit;
}

static int file_write(sqlite3_file *base, const void *from, int len, sqlite3_int64 offset)
{
    struct power_handle *h = handle_of(base);
    bool was_dead = h->vfs->is_dead;
    int rc = check(h->vfs, POWER_WRITE, SQLITE_IOERR_WRITE);
    bool is_the_cut = h->vfs->is_dead && !was_dead;
    if (rc == SQLITE_OK && !has_room(h->vfs, h->inode, (size_t)offset + (size_t)len)) {
        return fail(h->vfs, ENOSPC, SQLITE_FULL);
    }
    if (rc == SQLITE_OK || is_the_cut) {
        power_inode_write(h->inode, (size_t)offset, from, (size_t)len);
    }
    return rc;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 len)
{
    struct power_handle *h = handle_of(base);
    int rc = check(h->vfs, POWER_TRUNCATE, SQLITE_IOERR_TRUNCATE);
    if (rc == SQLITE_OK) {
        power_inode_truncate(h->inode, (size_t)len);
    }
    return rc;
}

static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct power_handle *h = handle_of(base);
    int rc = check(h->vfs, POWER_SYNC, SQLITE_IOERR_FSYNC);
    if (rc == SQLITE_OK) {
        power_disk_sync(&h->vfs->disk, h->inode);
        if (h->syncs_dir) {
            power_disk_sync_dir(&h->vfs->disk);
            h->syncs_dir = false;
        }
    } else if (!h->vfs->is_dead) {
        power_inode_settle(h->inode, &h->vfs->rng);
    }
    return rc;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    struct power_handle *h = handle_of(base);
    if (h->vfs->is_dead) {
        return fail(h->vfs, EIO, SQLITE_IOERR_FSTAT);
    }
    *ret = (sqlite3_int64)h->inode->now.len;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_BYTES;
}

static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* what SQLite's own VFS claims by default */
}

/* --- locks ------------------------------------------------------------------------------------ */

/* The highest lock that another handle has on the same file. */
static int highest_other_lock(const struct power_handle *h)
{
    int highest = SQLITE_LOCK_NONE;
    for (const struct power_handle *o = h->vfs->handles; o != NULL; o = o->next) {
        if (o != h && o->inode == h->inode && o->lock > highest) {
            highest = o->lock;
        }
    }
    return highest;
}

static int file_lock(sqlite3_file *base, int level)
{
    struct power_handle *h = handle_of(base);
    if (h->vfs->is_dead) {
        return fail(h->vfs, EIO, SQLITE_IOERR_LOCK);
    }
    if (h->lock >= level) {
        return SQLITE_OK;
    }
    int other = highest_other_lock(h);
    if (level == SQLITE_LOCK_SHARED) {
        if (other >= SQLITE_LOCK_PENDING) {
            return SQLITE_BUSY;
        }
    } else if (other >= SQLITE_LOCK_RESERVED) {
        return SQLITE_BUSY;
    } else if (level == SQLITE_LOCK_EXCLUSIVE && other >= SQLITE_LOCK_SHARED) {
        h->lock = SQLITE_LOCK_PENDING; /* lets no new reader in while it waits */
        return SQLITE_BUSY;
    }
    h->lock = level;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int level)
{
    struct power_handle *h = handle_of(base);
    h->lock = h->lock > level ? level : h->lock;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret)
{
    struct power_handle *h = handle_of(base);
    *ret = h->lock >= SQLITE_LOCK_RESERVED || highest_other_lock(h) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

/* --- shared memory of the WAL --------------------------------------------------------------- */

static struct power_shm *shm_join(struct power_handle *h)
{
    struct power_shm *shm = h->vfs->shms;
    while (shm != NULL && shm->database != h->inode) {
        shm = shm->next;
    }
    if (shm == NULL) {
        shm = calloc(1, sizeof(*shm));
        assert(shm != NULL);
        shm->database = h->inode;
        shm->next = h->vfs->shms;
        h->vfs->shms = shm;
    }
    shm->users++;
    return shm;
}

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret)
{
    struct power_handle *h = handle_of(base);
    assert(region < SHM_REGIONS_MAX);
    *ret = NULL;
    if (h->vfs->is_dead) {
        return fail(h->vfs, EIO, SQLITE_IOERR_SHMMAP);
    }
    if (h->shm == NULL) {
        h->shm = shm_join(h);
    }
    if (h->shm->regions[region] == NULL && extend) {
        h->shm->regions[region] = calloc(1, (size_t)size);
        assert(h->shm->regions[region] != NULL);
    }
    *ret = h->shm->regions[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    struct power_handle *h = handle_of(base);
    unsigned mask = ((1U << n) - 1U) << offset;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        h->shm_shared &= ~mask;
        h->shm_exclusive &= ~mask;
        return SQLITE_OK;
    }
    if (h->vfs->is_dead) {
        return fail(h->vfs, EIO, SQLITE_IOERR_SHMLOCK);
    }
    bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (const struct power_handle *o = h->vfs->handles; o != NULL; o = o->next) {
        unsigned in_the_way = o->shm_exclusive | (is_exclusive ? o->shm_shared : 0);
        if (o != h && o->shm == h->shm && (in_the_way & mask) != 0) {
            return SQLITE_BUSY;
        }
    }
    *(is_exclusive ? &h->shm_exclusive : &h->shm_shared) |= mask;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base)
{
    (void)base; /* one thread */
}

static int shm_unmap(sqlite3_file *base, int delete_it)
{
    (void)delete_it; /* it never outlives its last user: nobody could trust what it says */
    struct power_handle *h = handle_of(base);
    struct power_shm *shm = h->shm;
    h->shm = NULL;
    h->shm_shared = 0;
    h->shm_exclusive = 0;
    if (shm == NULL || --shm->users > 0) {
        return SQLITE_OK;
    }
    struct power_shm **link = &h->vfs->shms;
    while (*link != shm) {
        link = &(*link)->next;
    }
    *link = shm->next;
    for (size_t i = 0; i < SHM_REGIONS_MAX; i++) {
        free(shm->regions[i]);
    }
    free(shm);
    return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* --- the file system ------------------------------------------------------------------------ */

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct power_vfs *v = vfs_of(base);
    struct power_handle *h = handle_of(file);
    *h = (struct power_handle){.vfs = v};
    int rc = check(v, POWER_OPEN, SQLITE_CANTOPEN);
    if (rc != SQLITE_OK) {
        return rc;
    }
    h->inode = name == NULL ? NULL : power_disk_find(&v->disk, name);
    if (h->inode == NULL && (flags & SQLITE_OPEN_CREATE) == 0) {
        return fail(v, ENOENT, SQLITE_CANTOPEN);
    }
    if (h->inode == NULL) {
        h->inode = power_disk_create(&v->disk, name);
    }
    /* SQLite's own VFS syncs the folder with the first sync of a journal or WAL that it may have
     * created. It does not after deleting one (but with synchronous=EXTRA), so a deleted journal
     * may be back after a cut. */
    int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    h->syncs_dir = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
    h->base.pMethods = &file_methods;
    h->next = v->handles;
    v->handles = h;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync_dir)
{
    struct power_vfs *v = vfs_of(base);
    int rc = check(v, POWER_DELETE, SQLITE_IOERR_DELETE);
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!power_disk_delete(&v->disk, name, sync_dir != 0)) {
        return fail(v, ENOENT, SQLITE_IOERR_DELETE_NOENT);
    }
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *ret)
{
    struct power_vfs *v = vfs_of(base);
    if (v->is_dead) {
        return fail(v, EIO, SQLITE_IOERR_ACCESS);
    }
    const struct power_inode *i = power_disk_find(&v->disk, name);
    /* An empty file does not "exist": so SQLite's own VFS has it. */
    *ret = i != NULL && (flags != SQLITE_ACCESS_EXISTS || i->now.len > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *name, int size, char *ret)
{
    (void)base;
    int len = snprintf(ret, (size_t)size, "%s", name);
    return len < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *base, int len, char *to)
{
    struct rng port = seeded_rng_port(&vfs_of(base)->rng);
    port.fill(port.ctx, to, (size_t)len);
    return len;
}

static int vfs_sleep(sqlite3_vfs *base, int us)
{
    vfs_of(base)->clock_ms += us / 1000 + 1;
    return us;
}

static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *ret)
{
    *ret = vfs_of(base)->clock_ms;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *text)
{
    (void)size;
    (void)text;
    return vfs_of(base)->last_errno;
}

/* --- for tests ------------------------------------------------------------------------------ */

struct power_vfs *power_vfs_new(const char *name, uint64_t seed)
{
    struct power_vfs *v = calloc(1, sizeof(*v));
    assert(v != NULL);
    v->rng = seeded_rng_new(seed);
    v->clock_ms = INT64_C(212651136000000); /* Julian day in milliseconds: a day of 2026 */
    v->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct power_handle),
        .mxPathname = PATH_BYTES_MAX,
        .zName = name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    int rc = sqlite3_vfs_register(&v->base, 0);
    assert(rc == SQLITE_OK);
    return v;
}

void power_vfs_free(struct power_vfs *v)
{
    if (v == NULL) {
        return;
    }
    assert(v->handles == NULL);
    sqlite3_vfs_unregister(&v->base);
    power_disk_release(&v->disk);
    free(v);
}

void power_vfs_make_default(struct power_vfs *v)
{
    int rc = sqlite3_vfs_register(&v->base, 1);
    assert(rc == SQLITE_OK);
}

void power_vfs_end_default(void)
{
    int rc = sqlite3_vfs_register(sqlite3_vfs_find("unix"), 1);
    assert(rc == SQLITE_OK);
}

static bool copy_file(void *ctx, const char *name, const unsigned char *bytes, size_t len)
{
    struct power_vfs *to = ctx;
    struct power_inode *inode = power_disk_create(&to->disk, name);
    power_inode_write(inode, 0, bytes, len);
    power_disk_sync(&to->disk, inode);
    return true;
}

struct power_vfs *power_vfs_copy(const struct power_vfs *from, const char *name, uint64_t seed)
{
    struct power_vfs *copy = power_vfs_new(name, seed);
    (void)power_vfs_each_file(from, copy_file, copy);
    power_disk_sync_dir(&copy->disk);
    return copy;
}

bool power_vfs_each_file(const struct power_vfs *v,
                         bool (*on_file)(void *ctx, const char *name, const unsigned char *bytes,
                                         size_t len),
                         void *ctx)
{
    bool goes_on = true;
    for (const struct power_entry *e = v->disk.entries; e != NULL && goes_on; e = e->next) {
        if (e->now != NULL && e->name != NULL) {
            goes_on = on_file(ctx, e->name, e->now->now.ptr, e->now->now.len);
        }
    }
    return goes_on;
}

void power_vfs_arm(struct power_vfs *v, enum power_call call, int nth, enum power_effect effect)
{
    memset(v->counts, 0, sizeof(v->counts));
    v->armed_call = call;
    v->nth = nth;
    v->effect = effect;
    v->is_armed = true;
    v->has_fired = false;
}

bool power_vfs_disarm(struct power_vfs *v)
{
    v->is_armed = false;
    return v->has_fired;
}

int power_vfs_count(const struct power_vfs *v, enum power_call call)
{
    return v->counts[call];
}

void power_vfs_limit(struct power_vfs *v, size_t bytes)
{
    v->limit = bytes;
}

void power_vfs_reboot(struct power_vfs *v, uint64_t seed)
{
    assert(v->handles == NULL);
    v->rng = seeded_rng_new(seed);
    power_disk_reboot(&v->disk, &v->rng);
    v->is_armed = false;
    v->is_dead = false;
}
