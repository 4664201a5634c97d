/* cmd_assets.c - the fleet's assets as a list; one in detail is in one_asset.c. */
#include "hub/cli/screen.h"

#include "common/model/asset_key.h"
#include "hub/cli/asset_versions.h"
#include "hub/cli/one_asset.h"

/* --- per device --------------------------------------------------------------------------- */

static const struct table_column device_columns[] = {{.name = "ASSET"},
                                                     {.name = "GROUP"},
                                                     {.name = "KIND"},
                                                     {.name = "MATERIALIZED"},
                                                     {.name = "FRESHNESS"},
                                                     {.name = "ROWS", .is_right = true},
                                                     {.name = "TOOK", .is_right = true},
                                                     {.name = "TIMES", .is_right = true},
                                                     {.name = "FAILS WITH", .is_wide = true},
                                                     {0}};

static void show_device_asset(struct screen *s, const struct json *a)
{
    struct table *t = &s->table;
    table_cell(t, item_str(a, "asset"));
    table_cell(t, item_str(a, "group"));
    table_cell(t, screen_join(s, a, "kinds", ", "));
    table_ago(t, item_wall(a, "materialized_at"), s->now);
    screen_freshness_cell(t, a);
    screen_count_cell(t, item_i64(a, "row_count"));
    screen_milliseconds_cell(t, item_i64(a, "duration_ms"));
    screen_count_cell(t, item_i64(a, "materializations"));
    table_tone(t, CLI_BAD, item_bool(a, "failing") ? screen_message(a) : STR_NONE);
}

/* --- over the fleet ----------------------------------------------------------------------- */

static const struct table_column fleet_columns[] = {{.name = "ASSET"},
                                                    {.name = "GROUP"},
                                                    {.name = "KIND"},
                                                    {.name = "DEVICES", .is_right = true},
                                                    {.name = "MATERIALIZED"},
                                                    {.name = "FRESHNESS"},
                                                    {.name = "ROWS", .is_right = true},
                                                    {.name = "TIMES", .is_right = true},
                                                    {.name = "FAILING ON", .is_wide = true},
                                                    {0}};

static void show_fleet_asset(struct screen *s, const struct json *a)
{
    struct table *t = &s->table;
    table_cell(t, item_str(a, "asset"));
    table_cell(t, item_str(a, "group"));
    table_cell(t, item_bool(a, "external") ? STR("external") : screen_join(s, a, "kinds", ", "));
    table_i64(t, item_count(a, "devices"));
    table_ago(t, item_wall(a, "materialized_at"), s->now);
    screen_freshness_cell(t, a);
    screen_count_cell(t, item_i64(a, "row_count"));
    screen_count_cell(t, item_i64(a, "materializations"));
    table_tone(t, CLI_BAD, item_str(a, "failing_on"));
}

/* --- which -------------------------------------------------------------------------------- */

static bool list(struct screen *s, struct str selection, struct err *err)
{
    struct str device = str_from(cli_text(s->cli, "device"));
    bool by_device = !str_is_empty(device);
    target_begin(&s->target, "/api/v1/assets");
    target_query(&s->target, "selection", selection);
    target_query(&s->target, "device", device);
    target_query(&s->target, "names", by_device ? STR_NONE : STR("true"));
    return screen_list(s, by_device ? device_columns : fleet_columns, 0,
                       by_device ? show_device_asset : show_fleet_asset, err);
}

/* A word that is a key, and no pattern, is one asset. */
static bool show(struct screen *s, struct err *err)
{
    struct str text = str_from(cli_arg(s->cli, 0));
    struct err no_key;
    if (!str_is_empty(text) && asset_key_check(text, &no_key)) {
        return one_asset_show(s, text, str_from(cli_text(s->cli, "device")), err);
    }
    return list(s, text, err);
}

int command_assets(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    bool is_differing = cli_bool(cli, "differing");
    bool is_past = cli_is_given(cli, "at");
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    if (!is_differing && !is_past) {
        bool ok = show(&s, &err);
        const char *none = cli_is_given(cli, "device") ? "no assets"
                           : cli_arg_count(cli) > 0    ? "the selection matches no asset"
                                                       : "no assets: no device has told its "
                                                         "definitions yet";
        return screen_close(&s, ok, &err, none);
    }
    bool ok = cli_arg_count(cli) == 0 ||
              err_set(&err, ERR_INVALID, "--differing and --at list all assets: no SELECTION");
    ok = ok && (is_differing ? list_differing(&s, &err) : list_assets_at(&s, &err));
    return screen_close(&s, ok, &err,
                        is_differing ? "all devices define their assets alike"
                                     : "no device had told its definitions by then");
}
