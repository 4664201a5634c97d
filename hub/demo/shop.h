/* shop.h - a shop's point of sale: a SQLite file with a year of plausible sales made from a seed,
 * and the till that goes on selling. The definitions that its device runs are here too. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"
#include <stdint.h>

struct shop {
    const char *name;
    const char *dir;    /* pos.db and selvedge.yaml are written here */
    uint64_t random;    /* state of the generator; the seed to begin with */
    int64_t next_order; /* ids */
    int64_t next_item;
    int64_t next_customer;
};
/* A year up to `now`: about 300 customers, 12,000 orders, 30,000 items. */
MUST_CHECK bool shop_open_till(struct shop *shop, struct wall_time now, struct err *err);
/* A few more sales, now and then a new customer, and one order of the past is corrected. */
MUST_CHECK bool shop_sell(struct shop *shop, int orders, struct wall_time now, struct err *err);
/* The definitions; `late_file` names a file that the shop's price list is read from and that is not
 * there yet. */
MUST_CHECK bool shop_write_definitions(const struct shop *shop, const char *every, bool late_file,
                                       struct err *err);
MUST_CHECK bool shop_deliver_price_list(const struct shop *shop, struct err *err);

struct shop_totals {
    int64_t orders;
    int64_t items;
    int64_t customers;
    int64_t cents; /* over all orders */
};
/* Of the till, or of the device's local store: the tables have the same names. ERR_NOT_FOUND when
 * it is not there yet. */
MUST_CHECK bool shop_count(const char *database, struct shop_totals *ret, struct err *err);
