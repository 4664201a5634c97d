#include "agent/store/sensors.h"

#include "agent/store/store_internal.h"
#include <stdio.h>

bool store_run_of_key(struct store *store, struct str sensor, struct str run_key,
                      char ret_run[UUID_TEXT_SIZE], bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_KEY_FIND);
    db_bind_str(&q, ":sensor", sensor);
    db_bind_str(&q, ":run_key", run_key);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        (void)snprintf(ret_run, UUID_TEXT_SIZE, STR_FMT, STR_ARG(db_col_str(&q, 0)));
        db_reset(&q);
    }
    return true;
}

bool store_runs_ended(struct store *store, int64_t after,
                      bool (*on_run)(void *ctx, const struct run_ending *run), void *ctx,
                      struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_ENDED_AFTER);
    db_bind_i64(&q, ":after", after - store->state.renumbered);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct run_ending run = {.seq = db_col_i64(&q, 0) + store->state.renumbered,
                                 .run = db_col_str(&q, 1),
                                 .job = db_col_str(&q, 2),
                                 .status = db_col_str(&q, 3),
                                 .tags = db_col_str(&q, 4)};
        if (!on_run(ctx, &run)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

bool store_asset_making(struct store *store, struct str asset, struct arena *arena,
                        struct asset_making *ret, struct err *err)
{
    struct asset_making making = {0};
    struct str *const texts[] = {&making.run, &making.job, &making.tags};
    bool found = false;
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_MAKING);
    db_bind_str(&q, ":asset", asset);
    if (!db_next(&q, &found, err)) {
        return false;
    }
    for (size_t i = 0; found && i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(arena, db_col_str(&q, (int)i + 1));
    }
    if (found) {
        making.seq = db_col_i64(&q, 0);
        db_reset(&q);
    }
    if (arena->exhausted) {
        return err_set(err, ERR_NO_MEMORY, "read " STR_FMT ": out of memory", STR_ARG(asset));
    }
    *ret = making;
    return true;
}

bool store_has_partition(struct store *store, struct str set, struct str partition, bool *ret,
                         struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_DYNAMIC_PARTITION_FIND);
    db_bind_str(&q, ":set", set);
    db_bind_str(&q, ":partition", partition);
    if (!db_next(&q, ret, err)) {
        return false;
    }
    if (*ret) {
        db_reset(&q);
    }
    return true;
}

bool view_run_of_key(struct view *view, struct str sensor, struct str run_key,
                     char ret_run[UUID_TEXT_SIZE], bool *ret_found, struct err *err)
{
    return store_run_of_key(&view->store, sensor, run_key, ret_run, ret_found, err);
}

bool view_runs_ended(struct view *view, int64_t after,
                     bool (*on_run)(void *ctx, const struct run_ending *run), void *ctx,
                     struct err *err)
{
    return store_runs_ended(&view->store, after, on_run, ctx, err);
}

bool view_asset_making(struct view *view, struct str asset, struct arena *arena,
                       struct asset_making *ret, struct err *err)
{
    return store_asset_making(&view->store, asset, arena, ret, err);
}
