/* cmd_deployments.c - deployments listed, looked at, paused, resumed and aborted. */
#include "hub/cli/deploy_view.h"

#include "common/platform/clock.h"
#include "hub/fleet/poke.h"

enum { LINE_BYTES_MAX = 64 << 10, LIST_ARENA_BYTES = 64 << 20, HASH_SHOWN = 12 };

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

static enum cli_tone tone_of(struct str word)
{
    if (str_eq(word, STR("aborted")) || str_eq(word, STR("failed")) ||
        str_eq(word, STR("rolled_back"))) {
        return CLI_BAD;
    }
    return str_eq(word, STR("done")) || str_eq(word, STR("healthy")) ? CLI_GOOD : CLI_PLAIN;
}

/* --- the list --------------------------------------------------------------------------------- */

static void list_one(struct cli *cli, struct table *table, const struct deploy_view *view)
{
    const struct deployment *d = &view->deployment;
    struct wave_tally t = waves_count(&view->plan, view->waves, view->wave_count, 0, now());
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        row_deployment(&w, d);
        row_tally(&w, &t);
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
        return;
    }
    table_cell(table, d->id);
    table_tone(table, tone_of(d->status), d->status);
    table_cell(table, str_slice(d->bundle, 0, HASH_SHOWN));
    table_i64(table, d->wave);
    table_cellf(table, "%lld/%lld", (long long)t.healthy, (long long)t.devices);
    table_i64(table, t.failed + t.rolled_back);
    table_i64(table, t.away);
    table_ago(table, d->made, now());
    table_cell(table, d->targets);
    table_cell(table, d->reason);
}

static bool list(struct cli *cli, struct deployments *open, struct err *err)
{
    AUTO(arena) arena = arena_new(LIST_ARENA_BYTES);
    AUTO(table)
    table = table_new(
        TABLE_COLUMNS({.name = "DEPLOYMENT"}, {.name = "STATUS"}, {.name = "BUNDLE"},
                      {.name = "WAVE", .is_right = true}, {.name = "HEALTHY", .is_right = true},
                      {.name = "FAILED", .is_right = true}, {.name = "AWAY", .is_right = true},
                      {.name = "MADE"}, {.name = "TO"}, {.name = "WHY ABORTED", .is_wide = true}));
    struct deployment *all = NULL;
    size_t count = 0;
    if (!deployments_list(open, &arena, &all, &count, err)) {
        return false;
    }
    size_t limit = (size_t)cli_i64(cli, "limit");
    for (size_t i = 0; i < count && i < limit; i++) {
        struct deploy_view view;
        bool ok = deploy_view_load(&view, open, all[i].id, err);
        if (ok) {
            list_one(cli, &table, &view);
        }
        deploy_view_release(&view);
        if (!ok) {
            return false;
        }
    }
    table_print_list(&table, cli, "no deployments; begin one: selvedge-hub deploy DIR --to ...");
    return true;
}

/* --- one of them ------------------------------------------------------------------------------ */

static int64_t last_wave(const struct deploy_view *view)
{
    int64_t last = 0;
    for (size_t i = 0; i < view->count; i++) {
        last = view->devices[i].wave > last ? view->devices[i].wave : last;
    }
    return last;
}

static void show_waves(struct cli *cli, const struct deploy_view *view)
{
    AUTO(table)
    table = table_new(TABLE_COLUMNS(
        {.name = "WAVE", .is_right = true}, {.name = "DEVICES", .is_right = true},
        {.name = "ASKED", .is_right = true}, {.name = "UNDER WAY", .is_right = true},
        {.name = "HEALTHY", .is_right = true}, {.name = "FAILED", .is_right = true},
        {.name = "ROLLED BACK", .is_right = true}, {.name = "AWAY", .is_right = true}));
    for (int64_t wave = 1; wave <= last_wave(view); wave++) {
        struct wave_tally t = waves_count(&view->plan, view->waves, view->wave_count, wave, now());
        const int64_t numbers[] = {wave,      t.devices, t.asked,       t.under_way,
                                   t.healthy, t.failed,  t.rolled_back, t.away};
        for (size_t i = 0; t.devices > 0 && i < COUNT_OF(numbers); i++) {
            table_i64(&table, numbers[i]);
        }
    }
    table_print(&table, cli);
}

static void show_devices(struct cli *cli, const struct deploy_view *view)
{
    AUTO(table)
    table = table_new(TABLE_COLUMNS({.name = "DEVICE"}, {.name = "WAVE", .is_right = true},
                                    {.name = "STATE"}, {.name = "RUNS"}, {.name = "CONNECTION"},
                                    {.name = "ASKED"}, {.name = "REASON", .is_wide = true}));
    size_t limit = (size_t)cli_i64(cli, "limit");
    for (size_t i = 0; i < view->count && i < limit; i++) {
        const struct deployment_device *device = &view->devices[i];
        table_cell(&table, device->device);
        table_i64(&table, device->wave);
        table_tone(&table, tone_of(device->said), deployment_device_state(device));
        table_cell(&table, str_slice(device->current, 0, HASH_SHOWN));
        table_cell(&table, device->is_online ? STR("online") : STR("away"));
        table_ago(&table, device->asked, now());
        table_cell(&table, device->reason);
    }
    table_print(&table, cli);
    if (view->count > limit) {
        cli_printf(cli, "%zu more: --limit %zu\n", view->count - limit, view->count);
    }
}

static void json_devices(struct cli *cli, const struct deploy_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct deployment_device *device = &view->devices[i];
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        row_deployment_device(&w, device);
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
    }
}

static void show(struct cli *cli, const struct deploy_view *view)
{
    const struct deployment *d = &view->deployment;
    if (cli_is_json(cli)) {
        json_devices(cli, view);
        return;
    }
    cli_printf(cli, "deployment " STR_FMT ": %s" STR_FMT "%s%s" STR_FMT "\n", STR_ARG(d->id),
               cli_tone_on(cli, tone_of(d->status)), STR_ARG(d->status),
               cli_tone_off(cli, tone_of(d->status)), str_is_empty(d->reason) ? "" : ", ",
               STR_ARG(d->reason));
    cli_printf(cli, "bundle " STR_FMT ", %lld files, %lld bytes, from " STR_FMT "\n",
               STR_ARG(d->bundle), (long long)d->files, (long long)d->bytes, STR_ARG(d->source));
    cli_printf(cli, "to " STR_FMT " in waves " STR_FMT ", aborted if " STR_FMT "\n\n",
               STR_ARG(d->targets), STR_ARG(d->waves), STR_ARG(d->abort_if));
    show_waves(cli, view);
    cli_printf(cli, "\n");
    show_devices(cli, view);
}

static bool show_one(struct cli *cli, struct deployments *open, struct str id, struct err *err)
{
    struct deploy_view view;
    bool ok = deploy_view_load(&view, open, id, err);
    if (ok) {
        show(cli, &view);
    }
    deploy_view_release(&view);
    return ok;
}

int command_deployments(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct deployments *open = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        bool has_id = cli_arg(cli, 0) != NULL;
        bool ok =
            deployments_open(&open, settings.database, &err) &&
            (has_id ? show_one(cli, open, str_from(cli_arg(cli, 0)), &err) : list(cli, open, &err));
        code = ok ? CLI_OK : cli_error(cli, &err);
        deployments_close(open);
    }
    settings_release(&settings);
    return code;
}

/* --- orders ----------------------------------------------------------------------------------- */

static bool give(struct cli *cli, const struct settings *settings, enum deployment_order order,
                 struct err *err)
{
    static const char *const done[] = {"is paused: no further wave begins", "goes on",
                                       "is aborted"};
    struct deployments *open = NULL;
    struct deploy_view view = {0};
    bool ok = deployments_open(&open, settings->database, err) &&
              deploy_view_load(&view, open, str_from(cli_arg(cli, 0)), err) &&
              deployments_order(open, view.deployment.id, order, now(), err);
    if (ok) {
        poke_send(&settings->config);
        cli_printf(cli, "deployment " STR_FMT " %s\n", STR_ARG(view.deployment.id), done[order]);
    }
    deploy_view_release(&view);
    deployments_close(open);
    return ok;
}

static int order(struct cli *cli, enum deployment_order what)
{
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = give(cli, &settings, what, &err) ? CLI_OK : cli_error(cli, &err);
    }
    settings_release(&settings);
    return code;
}

int command_deployment_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, DEPLOYMENT_PAUSE);
}

int command_deployment_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, DEPLOYMENT_RESUME);
}

int command_deployment_abort(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, DEPLOYMENT_ABORT);
}
