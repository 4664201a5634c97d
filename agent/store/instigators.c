#include "agent/store/instigators.h"

#include "agent/store/store_internal.h"

bool store_instigators(struct store *store, struct str kind,
                       bool (*on_each)(void *ctx, const struct instigator *instigator), void *ctx,
                       struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_INSTIGATOR_LIST);
    db_bind_str(&q, ":kind", kind);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct instigator instigator = {.name = db_col_str(&q, 0),
                                        .status = db_col_str(&q, 1),
                                        .cursor = db_col_str(&q, 2),
                                        .decided = {db_col_i64(&q, 3)},
                                        .changed_at = {db_col_i64(&q, 4)},
                                        .ticked_at = {db_col_i64(&q, 5)}};
        if (!on_each(ctx, &instigator)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

bool view_instigators(struct view *view, struct str kind,
                      bool (*on_each)(void *ctx, const struct instigator *instigator), void *ctx,
                      struct err *err)
{
    return store_instigators(&view->store, kind, on_each, ctx, err);
}
