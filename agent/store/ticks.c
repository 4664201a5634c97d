#include "agent/store/ticks.h"

#include "agent/store/store_internal.h"

bool store_tick_has_started(struct store *store, struct str schedule, struct wall_time nominal,
                            bool *ret, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_TICK_STARTED);
    db_bind_str(&q, ":name", schedule);
    db_bind_i64(&q, ":nominal", nominal.ns);
    if (!db_next(&q, ret, err)) {
        return false;
    }
    if (*ret) {
        db_reset(&q);
    }
    return true;
}

bool view_ticks(struct view *view, const struct view_tick_filter *filter,
                bool (*on_tick)(void *ctx, const struct view_tick *tick), void *ctx,
                struct err *err)
{
    bool is_one = !str_is_empty(filter->name);
    struct db_query q =
        db_query(view->store.db, is_one ? AGENT_STORE_TICK_LIST_OF : AGENT_STORE_TICK_LIST);
    db_bind_opt(&q, ":kind", filter->kind);
    if (is_one) {
        db_bind_str(&q, ":name", filter->name);
    }
    db_bind_i64(&q, ":limit", filter->limit);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct view_tick tick = {.kind = db_col_str(&q, 0),
                                 .name = db_col_str(&q, 1),
                                 .nominal = {db_col_i64(&q, 2)},
                                 .at = {db_col_i64(&q, 3)},
                                 .status = db_col_str(&q, 4),
                                 .run = db_col_str(&q, 5),
                                 .partition = db_col_str(&q, 6),
                                 .run_key = db_col_str(&q, 7),
                                 .reason = db_col_str(&q, 8)};
        if (!on_tick(ctx, &tick)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}
