/* commands_pool.c - places that steps of the whole fleet share. */
#include "hub/cli/commands.h"
#include "hub/fleet/poke.h"
#include "hub/pool/pool_rows.h"
#include "hub/rows/hub_rows.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/wire/topics.h"

struct pool_view {
    struct cli *cli;
    struct settings settings;
    struct pool_rows rows;
    struct table table;
    struct wall_time now;
};

static bool open_view(struct pool_view *v, struct cli *cli, int *ret_code)
{
    struct err err = {0};
    struct clock clock = clock_system();
    *v = (struct pool_view){.cli = cli, .now = clock_wall(&clock)};
    if (settings_load(cli, &v->settings, ret_code)) {
        if (pool_rows_open(&v->rows, v->settings.database, &err)) {
            return true;
        }
        *ret_code = cli_error(cli, &err);
    }
    settings_release(&v->settings);
    return false;
}

static int close_view(struct pool_view *v, bool ok, const struct err *err)
{
    pool_rows_close(&v->rows);
    settings_release(&v->settings);
    return ok ? CLI_OK : cli_error(v->cli, err);
}

static void show_pool(void *ctx, const struct pool_listed *p)
{
    struct pool_view *v = ctx;
    bool has_device = !str_is_empty(p->device);
    if (cli_is_json(v->cli)) {
        AUTO(buf) line = buf_growing(4096);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        row_pool(&w, p);
        jw_end_object(&w);
        cli_json(v->cli, buf_str(&line));
        return;
    }
    table_cell(&v->table, p->name);
    table_i64(&v->table, p->places);
    table_cell(&v->table, p->device);
    if (!has_device) {
        table_cell(&v->table, STR_NONE);
        table_cell(&v->table, STR_NONE);
        table_cell(&v->table, STR_NONE);
        return;
    }
    table_i64(&v->table, p->granted);
    table_i64(&v->table, p->wanted - p->granted);
    table_ago(&v->table, p->since, v->now);
}

static int command_pools(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct pool_view v;
    struct err err = {0};
    int code = CLI_OK;
    if (!open_view(&v, cli, &code)) {
        return code;
    }
    v.table = table_new(TABLE_COLUMNS({.name = "POOL"}, {.name = "PLACES", .is_right = true},
                                      {.name = "DEVICE"}, {.name = "HAS", .is_right = true},
                                      {.name = "WAITS FOR", .is_right = true}, {.name = "SINCE"}));
    bool ok = pool_rows_each(&v.rows, show_pool, &v, &err);
    if (ok) {
        table_print_list(&v.table, cli, "no pools; make one: selvedge-hub pools set NAME PLACES");
    }
    table_release(&v.table);
    return close_view(&v, ok, &err);
}

static int command_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct pool_view v;
    struct err err = {0};
    int64_t places = 0;
    int code = CLI_OK;
    if (!open_view(&v, cli, &code)) {
        return code;
    }
    struct str name = str_from(cli_arg(cli, 0));
    bool ok = (device_name_is_valid(name) ||
               err_set(&err, ERR_INVALID, "a pool's name has 1 to 63 of a-z, 0-9 and '-'")) &&
              (str_to_i64(str_from(cli_arg(cli, 1)), 1, 10000, &places) ||
               err_set(&err, ERR_INVALID, "places must be a number from 1 to 10000")) &&
              pool_rows_set(&v.rows, name, places, cli_i64(cli, "lease"), &err);
    if (ok) {
        poke_send(&v.settings.config);
    }
    return close_view(&v, ok, &err);
}

static int command_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct pool_view v;
    struct err err = {0};
    int code = CLI_OK;
    if (!open_view(&v, cli, &code)) {
        return code;
    }
    bool ok = pool_rows_remove(&v.rows, str_from(cli_arg(cli, 0)), &err);
    if (ok) {
        poke_send(&v.settings.config);
    }
    return close_view(&v, ok, &err);
}

const struct cli_command commands_pool[] = {
    {.name = "pools",
     .summary = "list pools of the fleet, and who is in them or waits",
     .description =
         "A pool that is `fleet: true` in a device's definitions takes its places from the "
         "pool of that name here. What a device has ends with its lease, unless it asks "
         "again: one that is away blocks nobody for longer.",
     .examples = CLI_EXAMPLES({"selvedge-hub pools", NULL}),
     .run = command_pools},
    {.name = "pools set",
     .args = "NAME PLACES",
     .summary = "make a pool, or change how many places it has",
     .options = CLI_OPTIONS({.name = "lease",
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "5m",
                             .help = "how long a device that falls silent keeps its places"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub pools set warehouse 5", "at most 5 steps of all devices load at once"}),
     .run = command_set},
    {.name = "pools remove",
     .args = "NAME",
     .summary = "end a pool: devices get as many places as they ask for",
     .examples = CLI_EXAMPLES({"selvedge-hub pools remove warehouse", NULL}),
     .run = command_remove},
    {0}};
