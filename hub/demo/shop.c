#include "hub/demo/shop.h"

#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/platform/files.h"
#include <stdio.h>

enum { DAYS = 365, CUSTOMERS = 300 };
#define HOUR_SECONDS INT64_C(3600)
#define DAY_SECONDS  (24 * HOUR_SECONDS)

/* splitmix64: the same shop from the same seed on every machine. */
static uint64_t draw(struct shop *shop)
{
    shop->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = shop->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int64_t below(struct shop *shop, int64_t bound)
{
    return (int64_t)(draw(shop) % (uint64_t)bound);
}

static const char schema[] =
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, joined_at TEXT NOT NULL, "
    "updated_at TEXT NOT NULL);"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES "
    "customers (id),"
    " ordered_at TEXT NOT NULL, total_cents INTEGER NOT NULL, status TEXT NOT NULL, updated_at "
    "TEXT NOT NULL);"
    "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), "
    "product TEXT NOT NULL,"
    " quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL, updated_at TEXT NOT NULL);"
    "CREATE INDEX customers_updated ON customers (updated_at);"
    "CREATE INDEX orders_updated ON orders (updated_at);"
    "CREATE INDEX items_updated ON items (updated_at);";

static const struct {
    const char *name;
    int64_t cents;
} products[] = {
    {"espresso", 240},    {"cappuccino", 340},     {"filter coffee", 280}, {"jaffle, cheese", 690},
    {"jaffle, ham", 790}, {"jaffle, banana", 740}, {"lemonade", 360},      {"orange juice", 420},
    {"carrot cake", 450}, {"croissant", 260},      {"beans, 250 g", 980},  {"gift card", 2500},
};
static const char *const first_names[] = {"Aaron", "Bea",  "Chioma", "Dmitri", "Elif", "Farid",
                                          "Grace", "Hana", "Iris",   "Jun",    "Kofi", "Lucia",
                                          "Mona",  "Nils", "Oona",   "Priya"};
static const char *const last_names[] = {"Adams",  "Berg",  "Costa",  "Diaz", "Eriksen", "Fischer",
                                         "Garcia", "Hoang", "Ito",    "Jung", "Khan",    "Lopez",
                                         "Meyer",  "Novak", "Okafor", "Patel"};

struct till {
    struct db *db;
    struct db_query customer;
    struct db_query order;
    struct db_query item;
};

static void till_release(struct till *till)
{
    db_finish(&till->customer);
    db_finish(&till->order);
    db_finish(&till->item);
    db_close(till->db);
}

static bool till_open(const struct shop *shop, struct till *till, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/pos.db", shop->dir);
    bool is_new = !files_exist(path);
    struct db_options options = {.path = path, .flags = DB_FOREIGN_FILE | DB_NORMAL_SYNC};
    return db_open(&till->db, &options, err) && (!is_new || db_exec(till->db, schema, err)) &&
           db_prepare(till->db, STR("INSERT INTO customers VALUES (?, ?, ?, ?)"), &till->customer,
                      err) &&
           db_prepare(till->db, STR("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)"), &till->order,
                      err) &&
           db_prepare(till->db, STR("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)"), &till->item,
                      err);
}

static bool add_customer(struct shop *shop, struct till *till, struct wall_time at, struct err *err)
{
    char stamp[WALL_TEXT_SIZE];
    char name[64];
    (void)snprintf(name, sizeof(name), "%s %s", first_names[below(shop, COUNT_OF(first_names))],
                   last_names[below(shop, COUNT_OF(last_names))]);
    (void)wall_format(at, stamp);
    db_bind_at_i64(&till->customer, 1, shop->next_customer++);
    db_bind_at_str(&till->customer, 2, str_from(name));
    db_bind_at_str(&till->customer, 3, str_from(stamp));
    db_bind_at_str(&till->customer, 4, str_from(stamp));
    return db_run(&till->customer, err);
}

static bool add_item(struct shop *shop, struct till *till, int64_t order, const char *stamp,
                     int64_t *cents, struct err *err)
{
    size_t product = (size_t)below(shop, COUNT_OF(products));
    int64_t quantity = 1 + below(shop, 3);
    *cents += quantity * products[product].cents;
    db_bind_at_i64(&till->item, 1, shop->next_item++);
    db_bind_at_i64(&till->item, 2, order);
    db_bind_at_str(&till->item, 3, str_from(products[product].name));
    db_bind_at_i64(&till->item, 4, quantity);
    db_bind_at_i64(&till->item, 5, products[product].cents);
    db_bind_at_str(&till->item, 6, str_from(stamp));
    return db_run(&till->item, err);
}

static bool add_order(struct shop *shop, struct till *till, struct wall_time at, struct err *err)
{
    char stamp[WALL_TEXT_SIZE];
    (void)wall_format(at, stamp);
    int64_t order = shop->next_order++;
    int64_t count = 1 + below(shop, 4);
    int64_t cents = 0;
    /* The items first, for the total; foreign keys are not enforced by this till, as by many. */
    for (int64_t i = 0; i < count; i++) {
        if (!add_item(shop, till, order, stamp, &cents, err)) {
            return false;
        }
    }
    db_bind_at_i64(&till->order, 1, order);
    db_bind_at_i64(&till->order, 2, 1 + below(shop, shop->next_customer - 1));
    db_bind_at_str(&till->order, 3, str_from(stamp));
    db_bind_at_i64(&till->order, 4, cents);
    db_bind_at_str(&till->order, 5, STR("paid"));
    db_bind_at_str(&till->order, 6, str_from(stamp));
    return db_run(&till->order, err);
}

/* Busier at noon and at weekends, busier towards the end of the year. */
static bool sell_day(struct shop *shop, struct till *till, int64_t midnight, int day,
                     struct err *err)
{
    bool is_weekend = (midnight / DAY_SECONDS + 4) % 7 % 6 == 0;
    int64_t orders = 18 + below(shop, 14) + (is_weekend ? 14 : 0) + day / 40;
    for (int64_t i = 0; i < orders; i++) {
        int64_t second = 8 * HOUR_SECONDS +
                         (below(shop, 10 * HOUR_SECONDS) + below(shop, 10 * HOUR_SECONDS)) / 2;
        if (!add_order(shop, till, (struct wall_time){(midnight + second) * NS_PER_SEC}, err)) {
            return false;
        }
    }
    return true;
}

bool shop_open_till(struct shop *shop, struct wall_time now, struct err *err)
{
    AUTO(till) till = {0};
    AUTO(db_tx) tx = {0};
    int64_t today = now.ns / NS_PER_SEC / DAY_SECONDS * DAY_SECONDS;
    int64_t first = today - DAYS * DAY_SECONDS;
    shop->next_order = shop->next_item = shop->next_customer = 1;
    if (!files_make_dirs(shop->dir, 0750, err) || !till_open(shop, &till, err) ||
        !db_tx_begin(till.db, &tx, err)) {
        return false;
    }
    for (int i = 0; i < CUSTOMERS; i++) {
        struct wall_time joined = {(first - below(shop, 300 * DAY_SECONDS)) * NS_PER_SEC};
        if (!add_customer(shop, &till, joined, err)) {
            return false;
        }
    }
    for (int day = 0; day < DAYS; day++) {
        if (!sell_day(shop, &till, first + (int64_t)day * DAY_SECONDS, day, err)) {
            return false;
        }
    }
    return db_tx_commit(&tx, err);
}

static bool correct_one(struct shop *shop, struct till *till, const char *stamp, struct err *err)
{
    struct db_query q;
    if (!db_prepare(till->db,
                    STR("UPDATE orders SET status = 'refunded', updated_at = ? WHERE id = ?"), &q,
                    err)) {
        return false;
    }
    db_bind_at_str(&q, 1, str_from(stamp));
    db_bind_at_i64(&q, 2, 1 + below(shop, shop->next_order - 1));
    bool ok = db_run(&q, err);
    db_finish(&q);
    return ok;
}

bool shop_sell(struct shop *shop, int orders, struct wall_time now, struct err *err)
{
    AUTO(till) till = {0};
    AUTO(db_tx) tx = {0};
    char stamp[WALL_TEXT_SIZE];
    if (!till_open(shop, &till, err) || !db_tx_begin(till.db, &tx, err)) {
        return false;
    }
    if (below(shop, 4) == 0 && !add_customer(shop, &till, now, err)) {
        return false;
    }
    for (int i = 0; i < orders; i++) {
        if (!add_order(shop, &till, now, err)) {
            return false;
        }
    }
    return correct_one(shop, &till, wall_format(now, stamp), err) && db_tx_commit(&tx, err);
}

/* --- definitions ------------------------------------------------------------------------------ */

static const char definitions[] =
    "# A corner shop: what its till holds, copied as it grows, and one table on top.\n"
    "project: corner-shop\n\n"
    "resources:\n"
    "  till:  {type: sqlite, path: pos.db}\n"
    "  local: {type: sqlite, path: \"${STATE_DIR}/shop.db\"}\n\n"
    "assets:\n"
    "  - key: pos/customers\n"
    "    group: pos\n"
    "    extract: {resource: till, table: customers, replication_key: updated_at}\n"
    "    load:    {resource: local, table: customers, mode: upsert, primary_key: [id]}\n\n"
    "  - key: pos/orders\n"
    "    group: pos\n"
    "    description: Every order, as the till has it now\n"
    "    owners: [team:retail]\n"
    "    extract: {resource: till, table: orders, replication_key: updated_at}\n"
    "    load:    {resource: local, table: orders, mode: upsert, primary_key: [id]}\n"
    "    checks:\n"
    "      - {name: no_negative_total, sql: \"select count(*) = 0 from orders where total_cents < "
    "0\"}\n\n"
    "  - key: pos/items\n"
    "    group: pos\n"
    "    extract: {resource: till, table: items, replication_key: updated_at}\n"
    "    load:    {resource: local, table: items, mode: upsert, primary_key: [id]}\n\n"
    "  - key: reports/daily_sales\n"
    "    group: reports\n"
    "    deps: [pos/orders, pos/items]\n"
    "    sql:\n"
    "      resource: local\n"
    "      materialized: table\n"
    "      query: |\n"
    "        select date(o.ordered_at) as day, count(distinct o.id) as orders,\n"
    "               sum(i.quantity * i.price_cents) as cents\n"
    "        from orders o join items i on i.order_id = o.id\n"
    "        where o.status = 'paid'\n"
    "        group by 1\n";

/* The file may come late; what is made of it waits, the rest of the shop does not. */
static const char price_list_assets[] =
    "\n  - key: pos/price_list\n"
    "    group: pos\n"
    "    description: The supplier's prices; the file comes when it comes\n"
    "    extract: {csv: price_list.csv}\n"
    "    load:    {resource: local, table: price_list, mode: overwrite}\n"
    "    retry:   {max: 5, delay: 2s}\n\n"
    "  - key: reports/margins\n"
    "    group: reports\n"
    "    description: What each product earned over what the supplier asks for it\n"
    "    deps: [pos/items, pos/price_list]\n"
    "    sql:\n"
    "      resource: local\n"
    "      materialized: table\n"
    "      query: |\n"
    "        select i.product, sum(i.quantity) as sold,\n"
    "               sum(i.quantity * (i.price_cents - p.cost_cents)) as cents\n"
    "        from items i join price_list p on p.product = i.product\n"
    "        group by 1\n";

static const char jobs[] = "\njobs:\n"
                           "  - {name: sales, select: \"group:pos+\"}\n\n"
                           "schedules:\n"
                           "  - {name: sales, job: sales, every: %s}\n";

bool shop_write_definitions(const struct shop *shop, const char *every, bool late_file,
                            struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/selvedge.yaml", shop->dir);
    AUTO(buf) text = buf_growing(64 << 10);
    buf_add_text(&text, definitions);
    buf_add_text(&text, late_file ? price_list_assets : "");
    buf_addf(&text, jobs, every);
    return files_write(path, buf_str(&text), 0644, err);
}

bool shop_deliver_price_list(const struct shop *shop, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/price_list.csv", shop->dir);
    AUTO(buf) text = buf_growing(64 << 10);
    buf_add(&text, STR("product,cost_cents\n"));
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        buf_addf(&text, "\"%s\",%lld\n", products[i].name, (long long)products[i].cents / 2);
    }
    return files_write(path, buf_str(&text), 0644, err);
}

bool shop_count(const char *database, struct shop_totals *ret, struct err *err)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM orders",
        "SELECT count(*) FROM items",
        "SELECT count(*) FROM customers",
        "SELECT coalesce(sum(total_cents), 0) FROM orders",
    };
    struct shop_totals totals = {0};
    int64_t *const into[] = {&totals.orders, &totals.items, &totals.customers, &totals.cents};
    struct db *db = NULL;
    struct db_options options = {.path = database, .flags = DB_FOREIGN_FILE | DB_READ_ONLY};
    bool ok = db_open(&db, &options, err);
    for (size_t i = 0; ok && i < COUNT_OF(queries); i++) {
        bool found = false;
        ok = db_scalar_i64(db, queries[i], into[i], &found, err);
    }
    db_close(db);
    if (ok) {
        *ret = totals;
    }
    return ok;
}
