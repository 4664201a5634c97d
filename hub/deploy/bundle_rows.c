#include "hub/deploy/bundle_rows.h"

#include "hub/deploy/deployments_internal.h"
#include <string.h>

enum { HASHES_ARENA_BYTES = 16 << 20 };

bool bundle_is_idle(const struct bundle_row *row, int64_t kept)
{
    return row->deleted.ns == 0 && row->number > kept && row->deployments == 0 &&
           row->targets == 0 && row->devices == 0 && row->commands == 0;
}

bool bundles_each(struct deployments *d, void (*on_row)(void *ctx, const struct bundle_row *row),
                  void *ctx, struct err *err)
{
    struct db_query q = db_query(d->db, HUB_DEPLOY_BUNDLE_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct bundle_row bundle = {.hash = db_col_str(&q, 0),
                                          .made = {db_col_i64(&q, 1) * NS_PER_MS},
                                          .files = db_col_i64(&q, 2),
                                          .bytes = db_col_i64(&q, 3),
                                          .source = db_col_str(&q, 4),
                                          .deleted = {db_col_i64(&q, 5) * NS_PER_MS},
                                          .deployments = db_col_i64(&q, 6),
                                          .targets = db_col_i64(&q, 7),
                                          .devices = db_col_i64(&q, 8),
                                          .commands = db_col_i64(&q, 9),
                                          .number = db_col_i64(&q, 10)};
        on_row(ctx, &bundle);
    }
    return ok;
}

bool bundles_add(struct deployments *d, const struct shelf_packed *bundle, struct str source,
                 struct wall_time now, struct err *err)
{
    struct db_query q = db_query(d->db, HUB_DEPLOY_BUNDLE_ADD);
    db_bind_str(&q, ":hash", str_from(bundle->hash));
    db_bind_i64(&q, ":now", deployments_ms(now));
    db_bind_i64(&q, ":files", bundle->files);
    db_bind_i64(&q, ":bytes", bundle->bytes);
    db_bind_str(&q, ":source", source);
    return db_run(&q, err);
}

struct idle {
    struct arena arena;
    char (*hashes)[BUNDLE_HASH_SIZE];
    size_t count, cap;
    int64_t kept;
};

static void note_idle(void *ctx, const struct bundle_row *row)
{
    struct idle *idle = ctx;
    if (idle->hashes == NULL || !bundle_is_idle(row, idle->kept) || row->hash.ptr == NULL ||
        row->hash.len >= BUNDLE_HASH_SIZE || idle->count == idle->cap) {
        return; /* what does not fit is for the next time */
    }
    char *hash = idle->hashes[idle->count++];
    memcpy(hash, row->hash.ptr, row->hash.len);
    hash[row->hash.len] = '\0';
}

bool bundles_let_go(struct deployments *d, int64_t kept, struct wall_time now, int64_t *ret_count,
                    struct err *err)
{
    struct idle idle = {.arena = arena_new(HASHES_ARENA_BYTES), .cap = 1000, .kept = kept};
    AUTO(db_tx) tx = {0};
    idle.hashes = arena_array(&idle.arena, idle.cap, sizeof(*idle.hashes));
    bool ok = idle.hashes != NULL || err_set(err, ERR_NO_MEMORY, "list bundles: out of memory");
    ok = ok && db_tx_begin(d->db, &tx, err) && bundles_each(d, note_idle, &idle, err);
    for (size_t i = 0; ok && i < idle.count; i++) {
        struct db_query q = db_query(d->db, HUB_DEPLOY_BUNDLE_DELETE);
        db_bind_str(&q, ":hash", str_from(idle.hashes[i]));
        db_bind_i64(&q, ":now", deployments_ms(now));
        ok = db_run(&q, err);
    }
    ok = ok && db_tx_commit(&tx, err);
    *ret_count = (int64_t)idle.count;
    arena_release(&idle.arena);
    return ok;
}

bool bundles_is_deleted(struct deployments *d, struct str hash, bool *ret, struct err *err)
{
    struct db_query q = db_query(d->db, HUB_DEPLOY_BUNDLE_DELETED);
    bool row = false;
    db_bind_str(&q, ":hash", hash);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = row && db_col_i64(&q, 0) != 0;
    if (row) {
        db_reset(&q);
    }
    return true;
}
