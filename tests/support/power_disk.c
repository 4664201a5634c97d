#include "tests/support/power_disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t below(struct seeded_rng *rng, uint64_t bound)
{
    uint64_t word = 0;
    struct rng port = seeded_rng_port(rng);
    port.fill(port.ctx, &word, sizeof(word));
    return word % bound;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void bytes_resize(struct power_bytes *b, size_t len)
{
    if (len > b->cap) {
        size_t cap = len + len / 2 + 4096;
        b->ptr = realloc(b->ptr, cap);
        assert(b->ptr != NULL);
        b->cap = cap;
    }
    if (len > b->len) {
        memset(b->ptr + b->len, 0, len - b->len);
    }
    b->len = len;
}

static void bytes_put(struct power_bytes *b, size_t offset, const unsigned char *bytes, size_t len)
{
    if (offset + len > b->len) {
        bytes_resize(b, offset + len);
    }
    memcpy(b->ptr + offset, bytes, len);
}

static void bytes_copy(struct power_bytes *to, const struct power_bytes *from)
{
    bytes_resize(to, from->len);
    if (from->len > 0) {
        memcpy(to->ptr, from->ptr, from->len);
    }
}

/* --- one file --------------------------------------------------------------------------------- */

static struct power_op *add_op(struct power_inode *i)
{
    if (i->ops_count == i->ops_cap) {
        i->ops_cap = i->ops_cap * 2 + 16;
        i->ops = realloc(i->ops, i->ops_cap * sizeof(*i->ops));
        assert(i->ops != NULL);
    }
    i->ops[i->ops_count] = (struct power_op){0};
    return &i->ops[i->ops_count++];
}

static void drop_ops(struct power_inode *i)
{
    for (size_t n = 0; n < i->ops_count; n++) {
        free(i->ops[n].bytes);
        free(i->ops[n].before);
    }
    i->ops_count = 0;
}

/* What stands from there on, at most so much of it. */
static void keep_before(const struct power_inode *i, struct power_op *op, size_t offset, size_t len)
{
    op->len_before = i->now.len;
    size_t there = offset < i->now.len ? i->now.len - offset : 0;
    op->before_len = there < len ? there : len;
    op->before = malloc(op->before_len + 1);
    assert(op->before != NULL);
    if (op->before_len > 0) {
        memcpy(op->before, i->now.ptr + offset, op->before_len);
    }
}

/* From what the program sees back to what is safe. */
static void take_apart(struct power_inode *i)
{
    if (i->is_apart) {
        return;
    }
    bytes_copy(&i->durable, &i->now);
    for (size_t n = i->ops_count; n-- > 0;) {
        const struct power_op *op = &i->ops[n];
        bytes_resize(&i->durable, op->len_before);
        if (op->before_len > 0) {
            memcpy(i->durable.ptr + op->offset, op->before, op->before_len);
        }
    }
    i->is_apart = true;
}

void power_inode_write(struct power_inode *i, size_t offset, const void *bytes, size_t len)
{
    struct power_op *op = add_op(i);
    op->offset = offset;
    op->len = len;
    op->bytes = malloc(len + 1);
    assert(op->bytes != NULL);
    memcpy(op->bytes, bytes, len);
    keep_before(i, op, offset, len);
    bytes_put(&i->now, offset, op->bytes, len);
}

void power_inode_truncate(struct power_inode *i, size_t len)
{
    struct power_op *op = add_op(i);
    *op = (struct power_op){.is_truncate = true, .offset = len};
    keep_before(i, op, len, SIZE_MAX);
    bytes_resize(&i->now, len);
}

static void apply_whole(struct power_inode *i, const struct power_op *op)
{
    if (op->is_truncate) {
        bytes_resize(&i->durable, op->offset);
    } else {
        bytes_put(&i->durable, op->offset, op->bytes, op->len);
    }
}

/* Never touches a byte outside the write: SQLite relies on that (SQLITE_IOCAP_POWERSAFE_OVERWRITE),
 * as it does on real file systems by default. */
static void apply_torn(struct power_inode *i, const struct power_op *op, struct seeded_rng *rng)
{
    size_t done = 0;
    while (done < op->len) {
        size_t at = op->offset + done;
        size_t piece = POWER_SECTOR_BYTES - at % POWER_SECTOR_BYTES;
        piece = piece < op->len - done ? piece : op->len - done;
        uint64_t fate = below(rng, 16);
        if (fate < 8) {
            bytes_put(&i->durable, at, op->bytes + done, piece);
        } else if (fate == 8) {
            unsigned char garbage[POWER_SECTOR_BYTES];
            struct rng port = seeded_rng_port(rng);
            port.fill(port.ctx, garbage, piece);
            bytes_put(&i->durable, at, garbage, piece);
        }
        done += piece;
    }
}

static void apply_by_chance(struct power_inode *i, const struct power_op *op,
                            struct seeded_rng *rng)
{
    uint64_t fate = below(rng, 3);
    if (fate == 0) {
        apply_whole(i, op);
    } else if (fate == 1 && !op->is_truncate) {
        apply_torn(i, op, rng);
    }
}

static void shuffle(struct power_inode *i, struct seeded_rng *rng)
{
    for (size_t n = i->ops_count; n > 1; n--) {
        size_t other = below(rng, n);
        struct power_op op = i->ops[n - 1];
        i->ops[n - 1] = i->ops[other];
        i->ops[other] = op;
    }
}

void power_inode_settle(struct power_inode *i, struct seeded_rng *rng)
{
    enum { NOTHING, PREFIX, PREFIX_AND_TORN, ANY, ANY_ORDER, FATES };
    uint64_t fate = below(rng, FATES);
    take_apart(i);
    size_t prefix = fate == PREFIX || fate == PREFIX_AND_TORN ? below(rng, i->ops_count + 1) : 0;
    if (fate == ANY_ORDER) {
        shuffle(i, rng);
    }
    for (size_t n = 0; n < i->ops_count; n++) {
        if (n < prefix) {
            apply_whole(i, &i->ops[n]);
        } else if (fate == ANY || fate == ANY_ORDER || (fate == PREFIX_AND_TORN && n == prefix)) {
            apply_by_chance(i, &i->ops[n], rng);
        }
    }
    drop_ops(i);
}

/* --- the disk --------------------------------------------------------------------------------- */

static struct power_entry *find_entry(const struct power_disk *d, const char *name)
{
    struct power_entry *e = d->entries;
    while (e != NULL && strcmp(e->name, name) != 0) {
        e = e->next;
    }
    return e;
}

struct power_inode *power_disk_find(const struct power_disk *d, const char *name)
{
    const struct power_entry *e = find_entry(d, name);
    return e == NULL ? NULL : e->now;
}

static struct power_entry *add_entry(struct power_disk *d, const char *name)
{
    struct power_entry *e = find_entry(d, name);
    if (e == NULL) {
        e = calloc(1, sizeof(*e));
        assert(e != NULL);
        e->name = strdup(name);
        assert(e->name != NULL);
        e->next = d->entries;
        d->entries = e;
    }
    return e;
}

struct power_inode *power_disk_create(struct power_disk *d, const char *name)
{
    struct power_inode *i = calloc(1, sizeof(*i));
    assert(i != NULL);
    i->next = d->inodes;
    d->inodes = i;
    if (name != NULL) {
        add_entry(d, name)->now = i;
    }
    return i;
}

void power_disk_rename(struct power_disk *d, const char *from, const char *to)
{
    struct power_inode *i = power_disk_find(d, from);
    assert(i != NULL);
    struct power_entry *entry = add_entry(d, to);
    entry->now = i;
    struct power_entry *old = find_entry(d, from);
    old->now = NULL;
    old->renamed_to = entry;
}

bool power_disk_delete(struct power_disk *d, const char *name, bool sync_dir)
{
    struct power_entry *e = find_entry(d, name);
    if (e == NULL || e->now == NULL) {
        return false;
    }
    e->now = NULL;
    if (sync_dir) {
        e->durable = NULL;
    }
    return true;
}

void power_disk_sync(struct power_disk *d, struct power_inode *i)
{
    for (size_t n = 0; n < i->ops_count && i->is_apart; n++) {
        apply_whole(i, &i->ops[n]);
    }
    drop_ops(i);
    for (struct power_entry *e = d->entries; e != NULL; e = e->next) {
        if (e->now == i) {
            e->durable = i;
        }
    }
}

void power_disk_sync_dir(struct power_disk *d)
{
    for (struct power_entry *e = d->entries; e != NULL; e = e->next) {
        e->durable = e->now;
    }
}

static void free_inode(struct power_inode *i)
{
    drop_ops(i);
    free(i->ops);
    free(i->now.ptr);
    free(i->durable.ptr);
    free(i);
}

static bool has_entry(const struct power_disk *d, const struct power_inode *i)
{
    for (const struct power_entry *e = d->entries; e != NULL; e = e->next) {
        if (e->now == i) {
            return true;
        }
    }
    return false;
}

static void see_what_is_safe(struct power_inode *i)
{
    free(i->now.ptr);
    i->now = i->durable;
    i->durable = (struct power_bytes){0};
    i->is_apart = false;
}

void power_disk_reboot(struct power_disk *d, struct seeded_rng *rng)
{
    for (struct power_entry *e = d->entries; e != NULL; e = e->next) {
        e->now = below(rng, 2) == 0 ? e->now : e->durable;
        e->durable = e->now;
    }
    for (struct power_entry *e = d->entries; e != NULL; e = e->next) {
        if (e->renamed_to != NULL && e->now == e->renamed_to->now) {
            e->now = e->durable = NULL; /* a rename is atomic: never both names */
        }
        e->renamed_to = NULL;
    }
    struct power_inode **link = &d->inodes;
    while (*link != NULL) {
        struct power_inode *i = *link;
        if (has_entry(d, i)) {
            power_inode_settle(i, rng);
            see_what_is_safe(i);
            link = &i->next;
        } else {
            *link = i->next;
            free_inode(i);
        }
    }
}

size_t power_disk_used(const struct power_disk *d)
{
    size_t used = 0;
    for (const struct power_entry *e = d->entries; e != NULL; e = e->next) {
        used += e->now == NULL ? 0 : e->now->now.len;
    }
    return used;
}

void power_disk_release(struct power_disk *d)
{
    while (d->inodes != NULL) {
        struct power_inode *i = d->inodes;
        d->inodes = i->next;
        free_inode(i);
    }
    while (d->entries != NULL) {
        struct power_entry *e = d->entries;
        d->entries = e->next;
        free(e->name);
        free(e);
    }
}
