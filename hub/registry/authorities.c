/* authorities.c - which CAs devices trust and hold, as they said. */
#include "hub/registry/registry_internal.h"

bool registry_are_authorities(struct registry *r, struct str device, struct str authorities,
                              struct str authority, bool *ret, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_AUTHORITY_IS);
    db_bind_str(&q, ":device", device);
    db_bind_opt(&q, ":authorities", authorities);
    db_bind_opt(&q, ":authority", authority);
    if (!db_next(&q, ret, err)) {
        return false;
    }
    if (*ret) {
        db_reset(&q);
    }
    return true;
}

bool registry_set_authorities(struct registry *r, struct str device, struct str authorities,
                              struct str authority, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_AUTHORITY_SET);
    db_bind_str(&q, ":device", device);
    db_bind_opt(&q, ":authorities", authorities);
    db_bind_opt(&q, ":authority", authority);
    return db_run(&q, err);
}

bool registry_get_authorities(struct registry *r, struct str device, struct buf *ret,
                              struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_AUTHORITY_GET);
    bool row = false;
    db_bind_str(&q, ":device", device);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        buf_add(ret, db_col_str(&q, 0));
        db_reset(&q);
    }
    return true;
}

bool registry_each_behind(struct registry *r, const struct registry_behind *which,
                          void (*on_device)(void *ctx, struct str device), void *ctx,
                          struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_AUTHORITY_BEHIND);
    db_bind_str(&q, ":list", which->list);
    db_bind_str(&q, ":after", which->after);
    db_bind_i64(&q, ":limit", which->limit);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        on_device(ctx, db_col_str(&q, 0));
    }
}

bool registry_each_authority(struct registry *r,
                             void (*on_row)(void *ctx, const struct registry_authority *row),
                             void *ctx, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_AUTHORITY_LIST);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct registry_authority one = {.device = db_col_str(&q, 0),
                                         .is_online = db_col_i64(&q, 1) != 0,
                                         .authorities = db_col_str(&q, 2),
                                         .authority = db_col_str(&q, 3),
                                         .last_seen = registry_time(db_col_i64(&q, 4))};
        on_row(ctx, &one);
    }
}
