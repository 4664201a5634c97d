/* buffer_real.c - agent/store on a disk in memory: a crash cuts the power, tears what was not
 * synced, and opens again. */
#include "tests/sim/buffer.h"

#include "tests/support/power_vfs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct real {
    struct buffer base;
    struct store *store;
    struct store_options options;
    struct power_vfs *vfs;
    char name[32];
};

static struct real *self(struct buffer *b)
{
    return (struct real *)b;
}

static void must(bool ok, const char *what, const struct err *err)
{
    if (!ok) {
        (void)fprintf(stderr, "simulation: %s: %s\n", what, err->msg);
        abort();
    }
}

static void learn(struct real *r)
{
    r->base.last_seq = store_last_seq(r->store);
    r->base.acked_seq = store_acked_seq(r->store);
    (void)snprintf(r->base.epoch, sizeof(r->base.epoch), STR_FMT, STR_ARG(store_epoch(r->store)));
}

static void open_store(struct real *r, struct wall_time now)
{
    struct err err = {0};
    must(store_open(&r->store, &r->options, now, NULL, &err), "open the store", &err);
    learn(r);
}

static bool record_one(struct buffer *b, const struct record *record)
{
    struct err err = {0};
    return store_record(self(b)->store, record, &err);
}

static bool flush(struct buffer *b, struct wall_time now)
{
    struct err err = {0};
    bool ok = store_flush(self(b)->store, now, &err);
    learn(self(b));
    return ok;
}

static bool read_batch(struct buffer *b, int64_t from, int max, struct batch_header *header,
                       struct buf *lines)
{
    struct err err = {0};
    return store_read_batch(self(b)->store, from, max, header, lines, &err);
}

static bool acknowledge(struct buffer *b, int64_t seq)
{
    struct err err = {0};
    bool ok = store_acknowledge(self(b)->store, seq, &err);
    learn(self(b));
    return ok;
}

static bool check(struct buffer *b, int64_t seq, int64_t *ret_check)
{
    struct err err = {0};
    bool found = false;
    return store_read_check(self(b)->store, seq, ret_check, &found, &err) && found;
}

static bool begin_epoch(struct buffer *b, const struct rng *rng)
{
    struct err err = {0};
    bool ok = store_begin_epoch(self(b)->store, rng, &err);
    learn(self(b));
    return ok;
}

static void crash(struct buffer *b, uint64_t seed, struct wall_time now)
{
    struct real *r = self(b);
    power_vfs_arm(r->vfs, seed % 2 == 0 ? POWER_SYNC : POWER_WRITE, 0, POWER_CUT);
    store_close(r->store);
    power_vfs_reboot(r->vfs, seed);
    open_store(r, now);
}

static void close_real(struct buffer *b)
{
    struct real *r = self(b);
    store_close(r->store);
    power_vfs_free(r->vfs);
    free(r);
}

struct buffer *buffer_real(const struct rng *rng, int64_t quota_bytes, const char *vfs_name,
                           uint64_t seed, struct wall_time now)
{
    static const struct buffer_ops ops = {record_one, flush,       read_batch, acknowledge,
                                          check,      begin_epoch, crash,      close_real};
    struct real *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        abort();
    }
    r->base.ops = &ops;
    (void)snprintf(r->name, sizeof(r->name), "%s", vfs_name);
    r->vfs = power_vfs_new(r->name, seed);
    r->options = (struct store_options){.path = "agent.db",
                                        .quota_bytes = quota_bytes,
                                        .history_bytes = 4096,
                                        .rng = rng,
                                        .vfs = r->name};
    open_store(r, now);
    return &r->base;
}
