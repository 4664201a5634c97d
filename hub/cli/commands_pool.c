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

/* What each of these commands is: opens, does its part, says what went wrong, closes. */
static int carry_out(struct cli *cli, bool (*act)(struct pool_view *v, struct err *err))
{
    struct err err = {0};
    struct clock clock = clock_system();
    struct pool_view v = {.cli = cli, .now = clock_wall(&clock)};
    int code = CLI_OK;
    if (settings_load(cli, &v.settings, &code) &&
        !(pool_rows_open(&v.rows, v.settings.database, &err) && act(&v, &err))) {
        code = cli_error(cli, &err);
    }
    table_release(&v.table);
    pool_rows_close(&v.rows);
    settings_release(&v.settings);
    return code;
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
    table_tone(&v->table, p->is_paused ? CLI_WARN : CLI_PLAIN,
               p->is_paused ? STR("paused") : STR("open"));
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

static bool list(struct pool_view *v, struct err *err)
{
    v->table = table_new(TABLE_COLUMNS({.name = "POOL"}, {.name = "PLACES", .is_right = true},
                                       {.name = "STATE"}, {.name = "DEVICE"},
                                       {.name = "HAS", .is_right = true},
                                       {.name = "WAITS FOR", .is_right = true}, {.name = "SINCE"}));
    bool ok = pool_rows_each(&v->rows, show_pool, v, err);
    if (ok) {
        table_print_list(&v->table, v->cli,
                         "no pools; make one: selvedge-hub pools set NAME PLACES");
    }
    return ok;
}

static int command_pools(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, list);
}

static bool set(struct pool_view *v, struct err *err)
{
    int64_t places = 0;
    struct str name = str_from(cli_arg(v->cli, 0));
    bool ok = (device_name_is_valid(name) ||
               err_set(err, ERR_INVALID, "a pool's name has 1 to 63 of a-z, 0-9 and '-'")) &&
              (str_to_i64(str_from(cli_arg(v->cli, 1)), 1, 10000, &places) ||
               err_set(err, ERR_INVALID, "places must be a number from 1 to 10000")) &&
              pool_rows_set(&v->rows, name, places, cli_i64(v->cli, "lease"), err);
    if (ok) {
        poke_send(&v->settings.config);
    }
    return ok;
}

static int command_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, set);
}

static bool pause_or_resume(struct pool_view *v, bool is_paused, struct err *err)
{
    bool ok = pool_rows_pause(&v->rows, str_from(cli_arg(v->cli, 0)), is_paused, err);
    if (ok) {
        poke_send(&v->settings.config);
    }
    return ok;
}

static bool pause_pool(struct pool_view *v, struct err *err)
{
    return pause_or_resume(v, true, err);
}

static bool resume_pool(struct pool_view *v, struct err *err)
{
    return pause_or_resume(v, false, err);
}

static int command_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, pause_pool);
}

static int command_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, resume_pool);
}

static bool remove_pool(struct pool_view *v, struct err *err)
{
    bool ok = pool_rows_remove(&v->rows, str_from(cli_arg(v->cli, 0)), err);
    if (ok) {
        poke_send(&v->settings.config);
    }
    return ok;
}

static int command_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, remove_pool);
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
    {.name = "pools pause",
     .args = "NAME",
     .summary = "let no step begin in a pool for now",
     .description =
         "Steps that are in it run to their end. Holds across restarts of the hub, until "
         "`pools resume`; a device that hears nothing of the hub for as long as its pool "
         "says (`wait`) begins steps by itself, as ever. Agents before this version "
         "stop only when they need a place more than they have.",
     .examples = CLI_EXAMPLES({"selvedge-hub pools pause warehouse", "while it is being repaired"}),
     .run = command_pause},
    {.name = "pools resume",
     .args = "NAME",
     .summary = "let steps begin in a pool again",
     .examples = CLI_EXAMPLES({"selvedge-hub pools resume warehouse", NULL}),
     .run = command_resume},
    {.name = "pools remove",
     .args = "NAME",
     .summary = "end a pool: devices get as many places as they ask for",
     .examples = CLI_EXAMPLES({"selvedge-hub pools remove warehouse", NULL}),
     .run = command_remove},
    {0}};
