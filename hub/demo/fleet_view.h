/* fleet_view.h - what the demo reads of the hub's database while the hub is running. */
#pragma once
#include "common/base/err.h"
#include <stdint.h>

struct fleet_view {
    int64_t online;
    int64_t devices_with_report; /* that materialized reports/daily_sales at least once */
    int64_t runs;
    int64_t materializations;
    int64_t rows;    /* in the tables behind pos assets, as last told */
    int64_t failing; /* assets */
    int64_t retries; /* steps that were or are up for retry */
    int64_t price_lists;
};
MUST_CHECK bool fleet_view_read(const char *hub_db, struct fleet_view *ret, struct err *err);
/* Rows that one device last told. */
MUST_CHECK bool fleet_view_totals(const char *hub_db, const char *device, int64_t *ret_orders,
                                  int64_t *ret_items, int64_t *ret_customers, struct err *err);
/* Events that wait on a device; 0 when that cannot be read. */
int64_t fleet_view_waiting(const char *shop_dir);
