/* demo.c - DESIGN: a script, told from top to bottom in tell(). Everything it starts is one of the
 * real programs with a state folder of its own; what it shows it reads from the hub's database as
 * the hub's own commands do. Waiting is turning the loop until a condition holds, so that relays
 * and children live on meanwhile. Whatever happens, what was started is ended. */
#include "hub/demo/demo.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/platform/rng.h"
#include "hub/demo/cast.h"
#include "hub/demo/fleet_view.h"
#include "hub/demo/shop.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const shop_names[] = {"brooklyn", "chicago",  "denver",
                                         "oakland",  "portland", "seattle"};
enum { SHOPS = (int)COUNT_OF(shop_names), CUT_SHOP = 1, LATE_SHOP = 4 };

#define STEP_NS     (60 * NS_PER_SEC) /* no single step takes this long, or something is wrong */
#define NEWS_NS     (5 * NS_PER_SEC)
#define SALES_NS    (1 * NS_PER_SEC)
#define CUT_NS      (12 * NS_PER_SEC)
#define CUT_ONCE_NS (4 * NS_PER_SEC)

const struct cli_option demo_options[] = {
    {.name = "once",
     .type = CLI_BOOL,
     .help = "one round: end with 0 when every shop's rows have arrived and agree"},
    {.name = "dir",
     .type = CLI_STRING,
     .value_name = "DIR",
     .help = "where to work (a temporary folder when not given)"},
    {.name = "keep", .type = CLI_BOOL, .help = "leave the folder for looking around afterwards"},
    {.name = "seed",
     .type = CLI_INT,
     .value_name = "N",
     .min = 1,
     .max = INT64_MAX,
     .help = "the sales to make up"},
    {.name = "for",
     .type = CLI_DURATION,
     .value_name = "TIME",
     .help = "end after this long (Ctrl-C ends it any time)"},
    {0}};

struct demo {
    struct cli *cli;
    struct loop *loop;
    struct cast cast;
    struct shop shops[SHOPS];
    char dirs[SHOPS][LIMIT_PATH_BYTES + 1];
    struct mono_time began;
    struct loop_timer sales_timer;
    bool is_open; /* the shops are selling */
    bool is_interrupted;
    struct err sales_err; /* the till broke */
};

/* --- telling ---------------------------------------------------------------------------------- */

PRINTF_LIKE(2, 3) static void say(struct demo *d, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    double seconds =
        (double)(clock_mono(loop_clock(d->loop)).ns - d->began.ns) / (double)NS_PER_SEC;
    cli_printf(d->cli, "%s%6.1f s%s  %s\n", cli_tone_on(d->cli, CLI_FAINT), seconds,
               cli_tone_off(d->cli, CLI_FAINT), text);
    (void)fflush(cli_out(d->cli));
}

static struct wall_time wall_now(const struct demo *d)
{
    return clock_wall(loop_clock(d->loop));
}

/* Turns the loop until the condition holds. ERR_CANCELLED after Ctrl-C; ERR_TIMEOUT with what was
 * waited for. */
static bool wait_for(struct demo *d, const char *what, int64_t limit_ns,
                     bool (*holds)(struct demo *d), struct err *err)
{
    int64_t end = clock_mono(loop_clock(d->loop)).ns + limit_ns;
    while (!holds(d)) {
        if (d->is_interrupted) {
            return err_set(err, ERR_CANCELLED, "interrupted");
        }
        if (d->sales_err.code != ERR_NONE) {
            *err = d->sales_err;
            return false;
        }
        if (!cast_is_well(&d->cast, err)) {
            return false;
        }
        if (clock_mono(loop_clock(d->loop)).ns > end) {
            (void)err_set(err, ERR_TIMEOUT, "%s: not within %lld s", what,
                          (long long)(limit_ns / NS_PER_SEC));
            return err_hint(err, "the logs are in %s; run it with --keep to look at them",
                            d->cast.dir);
        }
        if (!loop_turn(d->loop, 100 * NS_PER_MS, err)) {
            return false;
        }
    }
    return true;
}

static bool never(struct demo *d)
{
    (void)d;
    return false;
}

/* Lets time pass. */
static bool pass(struct demo *d, int64_t ns, struct err *err)
{
    if (wait_for(d, "wait", ns, never, err)) {
        return true;
    }
    return err->code == ERR_TIMEOUT;
}

/* --- what is waited for ----------------------------------------------------------------------- */

static bool hub_is_up(struct demo *d)
{
    return cast_hub_is_ready(&d->cast);
}

/* A busy moment shows as an empty fleet: the next look sees it. */
static struct fleet_view look(struct demo *d)
{
    struct fleet_view view = {0};
    struct err err = {0};
    return fleet_view_read(d->cast.hub_db, &view, &err) ? view : (struct fleet_view){0};
}

static bool all_online(struct demo *d)
{
    return look(d).online == SHOPS;
}

static bool all_loaded(struct demo *d)
{
    return look(d).devices_with_report == SHOPS;
}

static bool cut_is_seen(struct demo *d)
{
    return look(d).online == SHOPS - 1;
}

static bool late_file_failed(struct demo *d)
{
    return look(d).retries > 0;
}

static bool late_file_recovered(struct demo *d)
{
    struct fleet_view view = look(d);
    return view.price_lists > 0;
}

/* Till, local store and hub must say the same, for every shop. */
static bool totals_agree(struct demo *d)
{
    for (int i = 0; i < SHOPS; i++) {
        char path[LIMIT_PATH_BYTES + 32];
        struct shop_totals till = {0};
        struct shop_totals local = {0};
        struct shop_totals hub = {0};
        struct err err = {0};
        (void)snprintf(path, sizeof(path), "%s/pos.db", d->dirs[i]);
        bool ok = shop_count(path, &till, &err);
        (void)snprintf(path, sizeof(path), "%s/state/shop.db", d->dirs[i]);
        ok = ok && shop_count(path, &local, &err) &&
             fleet_view_totals(d->cast.hub_db, shop_names[i], &hub.orders, &hub.items,
                               &hub.customers, &err);
        if (!ok || till.cents != local.cents || till.orders != local.orders ||
            till.items != local.items || till.customers != local.customers ||
            hub.orders != till.orders || hub.items != till.items ||
            hub.customers != till.customers) {
            return false;
        }
    }
    return true;
}

static int64_t till_rows(struct demo *d)
{
    int64_t rows = 0;
    for (int i = 0; i < SHOPS; i++) {
        struct shop_totals totals;
        struct err err = {0};
        char path[LIMIT_PATH_BYTES + 32];
        (void)snprintf(path, sizeof(path), "%s/pos.db", d->dirs[i]);
        if (shop_count(path, &totals, &err)) {
            rows += totals.orders + totals.items + totals.customers;
        }
    }
    return rows;
}

/* --- the shops -------------------------------------------------------------------------------- */

static void on_sales(void *ctx)
{
    struct demo *d = ctx;
    for (int i = 0; d->is_open && i < SHOPS; i++) {
        if (!shop_sell(&d->shops[i], 1 + i % 3, wall_now(d), &d->sales_err)) {
            d->is_open = false;
        }
    }
    if (d->is_open) {
        loop_timer_arm_in(d->loop, &d->sales_timer, SALES_NS);
    }
}

static bool open_shops(struct demo *d, uint64_t seed, struct err *err)
{
    for (int i = 0; i < SHOPS; i++) {
        (void)snprintf(d->dirs[i], sizeof(d->dirs[i]), "%s/%s", d->cast.dir, shop_names[i]);
        d->shops[i] =
            (struct shop){.name = shop_names[i], .dir = d->dirs[i], .random = seed + (uint64_t)i};
        if (!shop_open_till(&d->shops[i], wall_now(d), err) ||
            !shop_write_definitions(&d->shops[i], "4s", i == LATE_SHOP, err)) {
            return err_wrap(err, "shop %s", shop_names[i]);
        }
    }
    return true;
}

static bool enrol_shops(struct demo *d, struct err *err)
{
    for (int i = 0; i < SHOPS; i++) {
        if (!cast_enrol(&d->cast, shop_names[i], d->dirs[i], i == CUT_SHOP, err) ||
            !cast_start_agent(&d->cast, shop_names[i], d->dirs[i], err)) {
            return err_wrap(err, "device %s", shop_names[i]);
        }
        if (d->is_interrupted) {
            return err_set(err, ERR_CANCELLED, "interrupted");
        }
    }
    return true;
}

/* --- the story -------------------------------------------------------------------------------- */

static bool set_the_scene(struct demo *d, uint64_t seed, struct err *err)
{
    d->cast.has_web = true;
    if (!cast_start_hub(&d->cast, err) || !wait_for(d, "the hub starts", STEP_NS, hub_is_up, err)) {
        return false;
    }
    say(d, "the hub is up: a broker of its own on 127.0.0.1:%d, TLS only, its own CA",
        d->cast.port);
    if (!open_shops(d, seed, err)) {
        return false;
    }
    say(d, "six shops have a year of sales in their tills: %lld rows (seed %llu)",
        (long long)till_rows(d), (unsigned long long)seed);
    if (!enrol_shops(d, err) || !wait_for(d, "the devices come online", STEP_NS, all_online, err)) {
        return false;
    }
    say(d, "six devices enrolled with a token and a key of their own, and are online");
    return true;
}

static bool first_load(struct demo *d, struct err *err)
{
    if (!wait_for(d, "the first load", STEP_NS, all_loaded, err)) {
        return false;
    }
    struct fleet_view view = look(d);
    say(d, "schedules fired: %lld materializations, %lld rows in the shops' local stores",
        (long long)view.materializations, (long long)view.rows);
    d->is_open = true;
    on_sales(d);
    say(d, "the shops are open: new sales every second, loads every four");
    return true;
}

static bool lose_a_network(struct demo *d, int64_t for_ns, struct err *err)
{
    cast_cut_network(&d->cast, true);
    if (!wait_for(d, "the cut is noticed", STEP_NS, cut_is_seen, err)) {
        return false;
    }
    say(d, "%s has lost its network; it works on and keeps its events", shop_names[CUT_SHOP]);
    if (!pass(d, for_ns, err)) {
        return false;
    }
    int64_t waiting = fleet_view_waiting(d->dirs[CUT_SHOP]);
    cast_cut_network(&d->cast, false);
    if (!wait_for(d, "the shop comes back", STEP_NS, all_online, err)) {
        return false;
    }
    say(d, "%s is back and has caught up: %lld events had waited on the device",
        shop_names[CUT_SHOP], (long long)waiting);
    return true;
}

static bool fail_and_recover(struct demo *d, struct err *err)
{
    if (!wait_for(d, "the price list is missed", STEP_NS, late_file_failed, err)) {
        return false;
    }
    say(d, "%s: pos/price_list failed, its file is not there yet; it will be tried again",
        shop_names[LATE_SHOP]);
    if (!shop_deliver_price_list(&d->shops[LATE_SHOP], err) ||
        !wait_for(d, "the retry succeeds", STEP_NS, late_file_recovered, err)) {
        return false;
    }
    say(d, "%s: the file has come, the retry succeeded; only reports/margins had to wait for it",
        shop_names[LATE_SHOP]);
    return true;
}

static bool settle(struct demo *d, struct err *err)
{
    d->is_open = false;
    if (!wait_for(d, "every row arrives", STEP_NS, totals_agree, err)) {
        return false;
    }
    say(d, "closed: till, local store and hub agree for every shop: %lld rows",
        (long long)till_rows(d));
    return true;
}

static bool carry_on(struct demo *d, int64_t for_ns, struct err *err)
{
    struct mono_time start = clock_mono(loop_clock(d->loop));
    say(d, "it goes on like this until you press Ctrl-C");
    for (;;) {
        if (!pass(d, NEWS_NS, err)) {
            return err->code == ERR_CANCELLED; /* Ctrl-C is the way to end it */
        }
        struct fleet_view view = look(d);
        say(d, "%lld devices online, %lld runs, %lld materializations, %lld rows; %lld failing",
            (long long)view.online, (long long)view.runs, (long long)view.materializations,
            (long long)view.rows, (long long)view.failing);
        if (for_ns > 0 && clock_mono(loop_clock(d->loop)).ns - start.ns > for_ns) {
            return true;
        }
    }
}

static void say_farewell(struct demo *d)
{
    const char *bin = d->cast.bin;
    const char *at = d->cast.hub_dir;
    static const char *const looks[] = {"devices", "assets",  "assets pos/orders",
                                        "runs",    "lineage", "report"};
    cli_printf(d->cli,
               "Look around while it runs, from another terminal (or afterwards, with --keep):\n");
    for (size_t i = 0; i < COUNT_OF(looks); i++) {
        cli_printf(d->cli, "  %s/selvedge-hub -s %s %s\n", bin, at, looks[i]);
    }
    cli_printf(d->cli, "  %s/selvedge-agent -c %s/agent.yaml status\n\n", bin, d->dirs[0]);
    AUTO(buf) link = buf_growing(512);
    if (cast_web_link(&d->cast, &link)) {
        cli_printf(d->cli,
                   "In a browser (the link sets the password of the user admin, and works once):\n"
                   "  " STR_FMT "\n\n",
                   STR_ARG(buf_str(&link)));
    }
}

static bool tell(struct demo *d, struct err *err)
{
    bool once = cli_bool(d->cli, "once");
    uint64_t seed = cli_is_given(d->cli, "seed") ? (uint64_t)cli_i64(d->cli, "seed") : 0;
    struct rng rng = rng_system();
    while (seed == 0) {
        seed = rng_below(&rng, 1000000);
    }
    if (!set_the_scene(d, seed, err) || !first_load(d, err) || !fail_and_recover(d, err) ||
        !lose_a_network(d, once ? CUT_ONCE_NS : CUT_NS, err)) {
        return false;
    }
    if (once) {
        return settle(d, err) && cast_show_report(&d->cast, d->cli, err);
    }
    if (!cast_show_report(&d->cast, d->cli, err)) {
        return false;
    }
    say_farewell(d);
    return carry_on(d, cli_i64(d->cli, "for"), err);
}

static void on_signal(void *ctx, int signo)
{
    (void)signo;
    struct demo *d = ctx;
    d->is_interrupted = true;
}

static int run_demo(struct demo *d)
{
    struct err err = {0};
    d->sales_timer = (struct loop_timer){.on_due = on_sales, .ctx = d};
    d->began = clock_mono(loop_clock(d->loop));
    const char *dir = cli_text(d->cli, "dir");
    bool keep = cli_bool(d->cli, "keep") || dir != NULL;
    bool ok = loop_on_signal(d->loop, SIGINT, on_signal, d, &err) &&
              loop_on_signal(d->loop, SIGTERM, on_signal, d, &err) &&
              cast_open(&d->cast, d->loop, "demo", dir, &err) && cast_has_agent(&d->cast, &err);
    if (ok) {
        cli_printf(d->cli, "selvedge demo: six shops and a hub on this machine, in %s\n\n",
                   d->cast.dir);
        ok = tell(d, &err);
        loop_timer_disarm(d->loop, &d->sales_timer);
        bool failed = !ok && err.code != ERR_CANCELLED;
        cast_close(&d->cast, keep || failed);
    }
    if (ok || err.code == ERR_CANCELLED) {
        say(d, ok && !d->is_interrupted ? "done" : "stopped");
        return ok ? CLI_OK : CLI_FAILED;
    }
    return cli_error(d->cli, &err);
}

int command_demo(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct demo d = {.cli = cli};
    struct err err = {0};
    if (!loop_open(&d.loop, clock_system(), &err)) {
        return cli_error(cli, &err);
    }
    int code = run_demo(&d);
    loop_close(d.loop);
    return code;
}
