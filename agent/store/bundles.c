#include "agent/store/bundles.h"

#include "agent/store/store_internal.h"
#include <stdio.h>

bool store_bundle_place(struct store *store, struct bundle_place *ret, struct err *err)
{
    bool found = false;
    struct db_query q = db_query(store->db, AGENT_STORE_BUNDLE_PLACE);
    if (!db_next(&q, &found, err)) {
        return false;
    }
    *ret = (struct bundle_place){0};
    if (found) {
        (void)snprintf(ret->current, sizeof(ret->current), STR_FMT, STR_ARG(db_col_str(&q, 0)));
        (void)snprintf(ret->previous, sizeof(ret->previous), STR_FMT, STR_ARG(db_col_str(&q, 1)));
        ret->starts = db_col_i64(&q, 2);
        db_reset(&q);
    }
    return true;
}

bool store_bundle_started(struct store *store, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BUNDLE_STARTED);
    return db_run(&q, err);
}

bool store_bundle_find(struct store *store, struct str hash, struct arena *arena,
                       struct bundle_row *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BUNDLE_FIND);
    db_bind_str(&q, ":hash", hash);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    *ret = (struct bundle_row){.hash = hash};
    if (*ret_found) {
        ret->status = arena_copy(arena, db_col_str(&q, 0));
        ret->reason = arena_copy(arena, db_col_str(&q, 1));
        ret->at = (struct wall_time){db_col_i64(&q, 2)};
        db_reset(&q);
    }
    return !arena->exhausted || err_set(err, ERR_NO_MEMORY, "look a bundle up: out of memory");
}

bool store_each_bundle(struct store *store,
                       void (*on_bundle)(void *ctx, const struct bundle_row *row), void *ctx,
                       struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BUNDLE_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct bundle_row bundle = {.hash = db_col_str(&q, 0),
                                    .status = db_col_str(&q, 1),
                                    .reason = db_col_str(&q, 2),
                                    .at = {db_col_i64(&q, 3)}};
        on_bundle(ctx, &bundle);
    }
    return ok;
}

bool store_each_failing(struct store *store, bool (*on_asset)(void *ctx, struct str key), void *ctx,
                        struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_FAILING);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        if (!on_asset(ctx, db_col_str(&q, 0))) {
            db_reset(&q);
            return err_set(err, ERR_NO_MEMORY, "look at failing assets: out of memory");
        }
    }
    return ok;
}

bool project_bundle(struct store *store, const struct record *r, struct err *err)
{
    struct db_query place = db_query(store->db, AGENT_STORE_BUNDLE_PLACE_SET);
    db_bind_str(&place, ":current", r->current.len > 0 ? r->current : STR(""));
    db_bind_str(&place, ":previous", r->previous.len > 0 ? r->previous : STR(""));
    struct db_query q = db_query(store->db, AGENT_STORE_BUNDLE_SET);
    db_bind_str(&q, ":hash", r->bundle);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":reason", r->reason.len > 0 ? r->reason : STR(""));
    db_bind_i64(&q, ":at", r->at.ns);
    struct db_query expire = db_query(store->db, AGENT_STORE_BUNDLE_EXPIRE);
    return db_run(&place, err) && db_run(&q, err) && db_run(&expire, err);
}
