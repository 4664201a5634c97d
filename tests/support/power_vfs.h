/* power_vfs.h - an SQLite VFS over a disk in memory whose power can be cut, and whose n-th read,
 * write, sync ... can fail. Give its name to db_options.vfs; paths are any names ("agent.db").
 *
 *     struct power_vfs *v = power_vfs_new("power", seed);
 *     power_vfs_arm(v, POWER_SYNC, n, POWER_CUT);
 *     ... open, work, close: from the n-th sync on every call fails ...
 *     power_vfs_reboot(v, seed);
 *     ... open: what db_tx_commit() confirmed is there ...
 *     power_vfs_free(v);
 *
 * What is lost follows power_disk.h. Any number of connections, with WAL and its shared memory, but
 * all in one thread. As on a real disk by default, bytes beside a torn write are not damaged.
 * SQLite's xRandomness and clock are seeded too, so a seed repeats a run exactly. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct power_vfs;

enum power_call {
    POWER_READ,
    POWER_WRITE,
    POWER_SYNC,
    POWER_TRUNCATE,
    POWER_DELETE,
    POWER_OPEN,
    POWER_CALLS
};
enum power_effect {
    POWER_FAIL, /* once, with EIO and nothing done; a failed sync leaves what fsync() leaves */
    POWER_FULL, /* once, as ENOSPC; for writes */
    POWER_CUT, /* that write is torn or that sync has not happened; all later calls fail with EIO */
};

/* Registers the VFS under `name` (borrowed until power_vfs_free). */
struct power_vfs *power_vfs_new(const char *name, uint64_t seed);
void power_vfs_free(struct power_vfs *v); /* all connections must be closed */
/* Of each database that is opened without naming a VFS, until power_vfs_free. */
void power_vfs_make_default(struct power_vfs *v);
void power_vfs_end_default(void); /* SQLite's own is the default again */
/* Another disk with the files of this one as they stand: an image that was taken of it. */
struct power_vfs *power_vfs_copy(const struct power_vfs *from, const char *name, uint64_t seed);
/* All bytes of all its files, for whoever looks for something; false ends it. */
bool power_vfs_each_file(const struct power_vfs *v,
                         bool (*on_file)(void *ctx, const char *name, const unsigned char *bytes,
                                         size_t len),
                         void *ctx);

/* The `nth` such call from now on has the effect: 0 is the next one. Replaces an earlier fault and
 * counts from zero again. */
void power_vfs_arm(struct power_vfs *v, enum power_call call, int nth, enum power_effect effect);
/* No fault any more. Returns whether the armed one happened: a loop over nth ends when it did not.
 * Does not bring the power back. */
bool power_vfs_disarm(struct power_vfs *v);
/* Calls of that kind since the last arm (or since the start). */
int power_vfs_count(const struct power_vfs *v, enum power_call call);
/* From now on a write that makes all files together larger fails as ENOSPC; 0 = no limit. */
void power_vfs_limit(struct power_vfs *v, size_t bytes);

/* Power is back (it is cut now if it was not yet). All connections must be closed. */
void power_vfs_reboot(struct power_vfs *v, uint64_t seed);
