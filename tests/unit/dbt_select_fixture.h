/* dbt_select_fixture.h - a small shop to select from, and selections of it as short texts: the names of
 * what is selected in the order of unique ids, "model.orders test.orders_id". */
#pragma once
#include "common/dbt/select.h"

struct shop {
    struct arena arena;
    struct dbt_project *project;
    struct dbt_selection selection; /* beside select and exclude */
    const char *selectors;          /* JSON, or NULL */
    struct str_list warnings;       /* of the last selection */
    struct err err;
};

void shop_init(struct shop *shop);
void shop_fini(struct shop *shop);
/* One text each, NULL = none. The names are in the shop's arena; NULL when it failed: see err. */
const char *shop_select(struct shop *shop, const char *select, const char *exclude);
void shop_expect(struct shop *shop, const char *select, const char *names);
/* It is refused, with both texts in message and hint. */
void shop_refuses(struct shop *shop, const char *select, enum err_code code, const char *message,
                  const char *hint);
