/* power_disk.h - a disk in memory that tells what a program wrote from what survives a power cut.
 *
 * Each file has its bytes as the program sees them (`now`), and the writes and truncations that are
 * not safe yet, with what they replaced: what is safe is worked out when it is asked for. A sync makes a file's bytes safe and, as ext4, XFS,
 * btrfs and F2FS do, its own directory entry. A file that was created but never synced may be gone
 * after the cut, and one that was deleted without a directory sync may be back. */
#pragma once
#include "tests/support/seeded_rng.h"
#include <stdbool.h>

enum { POWER_SECTOR_BYTES = 512 };

struct power_bytes {
    unsigned char *ptr;
    size_t len;
    size_t cap;
};
struct power_op {
    bool is_truncate;
    size_t offset; /* or the new length */
    size_t len;
    unsigned char *bytes;
    size_t len_before;     /* of the file */
    unsigned char *before; /* what stood there, as far as there was something */
    size_t before_len;
};
struct power_inode {
    struct power_bytes now;
    struct power_bytes durable; /* after a sync that failed: something else than `now` less `ops` */
    bool is_apart;              /* it is so */
    struct power_op *ops;       /* since the last sync, in order */
    size_t ops_count;
    size_t ops_cap;
    struct power_inode *next;
};
struct power_entry {
    char *name;
    struct power_inode *now;        /* NULL: not there */
    struct power_inode *durable;    /* NULL: not there after a cut */
    struct power_entry *renamed_to; /* NULL: it was not */
    struct power_entry *next;
};
struct power_disk {
    struct power_entry *entries;
    struct power_inode *inodes; /* freed by a reboot when no entry has them any more */
};

struct power_inode *power_disk_find(const struct power_disk *d, const char *name);
/* An entry that is not durable yet; NULL makes a file without a name. */
struct power_inode *power_disk_create(struct power_disk *d, const char *name);
/* False when there is no such name. The inode stays for those who hold it. */
bool power_disk_delete(struct power_disk *d, const char *name, bool sync_dir);
/* The entry `to` is that of `from` now; a cut before a sync of the folder may show either. */
void power_disk_rename(struct power_disk *d, const char *from, const char *to);

void power_inode_write(struct power_inode *i, size_t offset, const void *bytes, size_t len);
void power_inode_truncate(struct power_inode *i, size_t len);
void power_disk_sync(struct power_disk *d, struct power_inode *i);
void power_disk_sync_dir(struct power_disk *d); /* what is created and deleted so far stays so */
/* Decides by chance what of the unsynced operations reached the medium: all, none, a prefix, any of
 * them, in order or not, single sectors torn out or garbled. The program's view is not changed: it
 * is also what a failed fsync() leaves behind (the kernel forgets which pages were dirty). */
void power_inode_settle(struct power_inode *i, struct seeded_rng *rng);

/* Settles everything and makes what survived the program's view. */
void power_disk_reboot(struct power_disk *d, struct seeded_rng *rng);
size_t power_disk_used(const struct power_disk *d); /* bytes of all named files, as seen now */
void power_disk_release(struct power_disk *d);
