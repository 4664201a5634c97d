#include "agent/store/partitions.h"

#include "agent/store/store_internal.h"

/* A list that doubles in an arena. */
static bool add_key(struct arena *arena, struct str key, struct str **keys, size_t *count,
                    size_t *room)
{
    if (*count == *room) {
        struct str *more = arena_array(arena, 2 * *room, sizeof(*more));
        for (size_t i = 0; more != NULL && i < *count; i++) {
            more[i] = (*keys)[i];
        }
        if (more == NULL) {
            return false;
        }
        *keys = more;
        *room *= 2;
    }
    (*keys)[*count] = arena_copy(arena, key);
    return (*keys)[(*count)++].ptr != NULL;
}

bool store_dynamic_keys(struct store *store, struct str set, struct arena *arena,
                        struct partition_keys *ret, struct err *err)
{
    size_t room = 64;
    size_t count = 0;
    struct str *keys = arena_array(arena, room, sizeof(*keys));
    bool ok = keys != NULL;
    struct db_query q = db_query(store->db, AGENT_STORE_DYNAMIC_PARTITION_LIST);
    db_bind_str(&q, ":set", set);
    for (bool row = true; ok && row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        ok = !row || add_key(arena, db_col_str(&q, 0), &keys, &count, &room);
    }
    if (!ok) {
        db_reset(&q);
        return err_set(err, ERR_NO_MEMORY, "read partitions: out of memory");
    }
    *ret = (struct partition_keys){keys, count};
    return true;
}

bool store_partitions(struct store *store, struct str asset,
                      bool (*on_partition)(void *ctx, const struct stored_partition *partition),
                      void *ctx, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_PARTITION_LIST);
    db_bind_str(&q, ":asset", asset);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct stored_partition partition = {.key = db_col_str(&q, 0),
                                             .materialized_at = {db_col_i64(&q, 1)},
                                             .run = db_col_str(&q, 2),
                                             .data_version = db_col_str(&q, 3),
                                             .failed_at = {db_col_i64(&q, 4)},
                                             .error = db_col_str(&q, 5)};
        if (!on_partition(ctx, &partition)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

bool view_dynamic_keys(struct view *view, struct str set, struct arena *arena,
                       struct partition_keys *ret, struct err *err)
{
    return store_dynamic_keys(&view->store, set, arena, ret, err);
}

bool view_partitions(struct view *view, struct str asset,
                     bool (*on_partition)(void *ctx, const struct stored_partition *partition),
                     void *ctx, struct err *err)
{
    return store_partitions(&view->store, asset, on_partition, ctx, err);
}
