#include "hub/demo/fleet_view.h"

#include "common/base/limits.h"
#include "common/db/db.h"
#include <stdio.h>

static bool open_read_only(const char *path, struct db **ret, struct err *err)
{
    struct db_options options = {.path = path, .flags = DB_FOREIGN_FILE | DB_READ_ONLY};
    return db_open(ret, &options, err);
}

bool fleet_view_read(const char *hub_db, struct fleet_view *ret, struct err *err)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM connection WHERE is_online = 1",
        ("SELECT count(*) FROM asset_state WHERE asset = 'reports/daily_sales' AND "
         "materializations "
         "> 0"),
        "SELECT count(*) FROM run",
        "SELECT coalesce(sum(materializations), 0) FROM asset_state",
        "SELECT coalesce(sum(row_count), 0) FROM asset_state WHERE asset LIKE 'pos/%'",
        "SELECT count(*) FROM device_asset WHERE is_failing",
        "SELECT count(*) FROM event WHERE type = 'step_up_for_retry'",
        "SELECT count(*) FROM asset_state WHERE asset = 'pos/price_list' AND materializations > 0",
    };
    struct fleet_view view = {0};
    int64_t *const into[] = {&view.online,  &view.devices_with_report,
                             &view.runs,    &view.materializations,
                             &view.rows,    &view.failing,
                             &view.retries, &view.price_lists};
    struct db *db = NULL;
    bool ok = open_read_only(hub_db, &db, err);
    for (size_t i = 0; ok && i < COUNT_OF(queries); i++) {
        bool found = false;
        ok = db_scalar_i64(db, queries[i], into[i], &found, err);
    }
    db_close(db);
    if (ok) {
        *ret = view;
    }
    return ok;
}

bool fleet_view_totals(const char *hub_db, const char *device, int64_t *ret_orders,
                       int64_t *ret_items, int64_t *ret_customers, struct err *err)
{
    static const char *const assets[] = {"pos/orders", "pos/items", "pos/customers"};
    int64_t *const into[] = {ret_orders, ret_items, ret_customers};
    struct db *db = NULL;
    struct db_query q = {0};
    bool ok =
        open_read_only(hub_db, &db, err) &&
        db_prepare(db, STR("SELECT row_count FROM asset_state WHERE device = ? AND asset = ?"), &q,
                   err);
    for (size_t i = 0; ok && i < COUNT_OF(assets); i++) {
        bool row = false;
        db_bind_at_str(&q, 1, str_from(device));
        db_bind_at_str(&q, 2, str_from(assets[i]));
        ok = db_next(&q, &row, err);
        if (ok && row) {
            *into[i] = db_col_i64(&q, 0);
            db_reset(&q);
        }
    }
    db_finish(&q);
    db_close(db);
    return ok;
}

int64_t fleet_view_waiting(const char *shop_dir)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct db *db = NULL;
    struct err err = {0};
    int64_t waiting = 0;
    bool found = false;
    (void)snprintf(path, sizeof(path), "%s/state/agent.db", shop_dir);
    if (!open_read_only(path, &db, &err) ||
        !db_scalar_i64(db, "SELECT last_seq - acked_seq FROM buffer", &waiting, &found, &err)) {
        waiting = 0;
    }
    db_close(db);
    return waiting;
}
