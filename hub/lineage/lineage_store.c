/* lineage_store.c - the graph from the store; see lineage.h. */
#include "hub/lineage/lineage.h"
#include "hub_store_sql.h"

static struct wall_time wall_from(int64_t ms)
{
    const int64_t most = INT64_MAX / NS_PER_MS;
    ms = ms > most ? most : ms < -most ? -most : ms;
    return (struct wall_time){ms * NS_PER_MS};
}

static bool add_row(struct db *store, struct lineage_builder *b, const struct db_query *q,
                    struct err *err)
{
    struct lineage_row row = {.asset = db_col_str(q, 0),
                              .version = db_col_str(q, 1),
                              .device = db_col_str(q, 2),
                              .since = wall_from(db_col_i64(q, 3)),
                              .site = db_col_str(q, 4)};
    if (lineage_knows(b, row.asset, row.version)) {
        lineage_add(b, &row);
        return true;
    }
    struct db_query text = db_query(store, HUB_STORE_ASSET_TEXT_FIND);
    db_bind_str(&text, ":version", row.version);
    bool has_row = false;
    if (!db_next(&text, &has_row, err)) {
        return false;
    }
    row.body = has_row ? db_col_str(&text, 0) : STR("{}");
    lineage_add(b, &row);
    db_reset(&text);
    return true;
}

static bool add_rows(struct db *store, const struct lineage_filter *filter,
                     struct lineage_builder *b, struct err *err)
{
    struct db_query q = db_query(store, HUB_STORE_LIST_VERSIONS);
    db_bind_opt(&q, ":device", filter->device);
    if (filter->at.ns != 0) {
        db_bind_i64(&q, ":at", filter->at.ns / NS_PER_MS);
    }
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        if (!add_row(store, b, &q, err)) {
            db_reset(&q);
            return false;
        }
    }
    return false;
}

bool lineage_load(struct db *store, const struct lineage_filter *filter, struct arena *arena,
                  struct lineage *ret, struct err *err)
{
    struct lineage_builder *b = lineage_begin(arena);
    if (b == NULL) {
        return err_set(err, ERR_NO_MEMORY, "lineage: out of memory");
    }
    return (add_rows(store, filter, b, err) && lineage_end(b, ret, err)) ||
           err_wrap(err, "lineage");
}
