/* cmd_assets.c - the fleet's assets as a list; one in detail is in one_asset.c. */
#include "hub/cli/look.h"

#include "common/model/asset_key.h"
#include "hub/cli/asset_versions.h"
#include "hub/cli/freshness_cell.h"
#include "hub/cli/one_asset.h"
#include "hub/rows/fleet_graph.h"

enum { ARENA_BYTES = 256 << 20, NAMES_BYTES_MAX = 1 << 20 };

struct listing {
    struct look look;
    struct arena arena;
    struct fleet_graph fleet;
    const bool *chosen; /* by node; NULL = all */
    struct freshness_list freshness;
    struct strmap failing; /* asset to an index into failing_on */
    struct buf *failing_on;
    size_t failing_count;
    size_t failing_cap;
};

static bool is_chosen(const struct listing *l, struct str asset)
{
    uint32_t node = 0;
    return l->chosen == NULL ||
           (strmap_get(&l->fleet.graph.by_key, asset, &node) && l->chosen[node]);
}

/* --- per device --------------------------------------------------------------------------- */

static void show_device_asset(void *ctx, const struct hub_device_asset *a)
{
    struct listing *l = ctx;
    struct look *look = &l->look;
    struct table *t = &look->table;
    if (!is_chosen(l, a->asset)) {
        return;
    }
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        row_device_asset(&w, a);
        freshness_member(&l->freshness, &w, a->asset);
        look_end_line(look, &w);
        return;
    }
    table_cell(t, a->asset);
    table_cell(t, a->group);
    table_cell(t, look_join(look, a->kinds));
    table_ago(t, a->at, look->now);
    freshness_cell(&l->freshness, t, a->asset);
    look_count_cell(t, a->row_count);
    look_milliseconds_cell(t, a->duration_ms);
    look_count_cell(t, a->materializations);
    table_tone(t, CLI_BAD, a->is_failing ? look_message(look, a->failed_error) : STR_NONE);
}

static int list_device(struct cli *cli, struct listing *l, struct err *err)
{
    struct hub_filter filter = {.device = str_from(cli_text(cli, "device"))};
    bool ok = freshness_list_read(&l->freshness, l->look.db, &filter, l->look.now, err) &&
              hub_each_device_asset(l->look.db, &filter, show_device_asset, l, err);
    return look_close(&l->look, ok, err, "no assets");
}

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

/* --- over the fleet ----------------------------------------------------------------------- */

/* "brooklyn, chicago" by asset. */
static void add_failing(void *ctx, const struct hub_device_asset *a)
{
    struct listing *l = ctx;
    uint32_t index = 0;
    struct str separator = STR(", ");
    if (!strmap_get(&l->failing, a->asset, &index)) {
        struct str key = arena_copy(&l->arena, a->asset);
        if (key.ptr == NULL || l->failing_count == l->failing_cap ||
            !strmap_put(&l->failing, key, (uint32_t)l->failing_count)) {
            return; /* the count of failing devices is shown all the same */
        }
        index = (uint32_t)l->failing_count++;
        l->failing_on[index] = buf_growing(NAMES_BYTES_MAX);
        separator = STR("");
    }
    buf_add(&l->failing_on[index], separator);
    buf_add(&l->failing_on[index], a->device);
}

static struct str failing_names(const struct listing *l, struct str asset)
{
    uint32_t index = 0;
    return strmap_get(&l->failing, asset, &index) && !l->failing_on[index].overflow
               ? buf_str(&l->failing_on[index])
               : STR_NONE;
}

static void show_fleet_asset(void *ctx, const struct hub_fleet_asset *a)
{
    struct listing *l = ctx;
    struct look *look = &l->look;
    struct table *t = &look->table;
    if (!is_chosen(l, a->asset)) {
        return;
    }
    struct str names = failing_names(l, a->asset);
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        row_fleet_asset(&w, a);
        jw_member_opt(&w, "failing_on", names);
        freshness_member(&l->freshness, &w, a->asset);
        look_end_line(look, &w);
        return;
    }
    table_cell(t, a->asset);
    table_cell(t, a->group);
    table_cell(t, a->is_external ? STR("external") : look_join(look, a->kinds));
    table_i64(t, a->devices);
    table_ago(t, a->at, look->now);
    freshness_cell(&l->freshness, t, a->asset);
    look_count_cell(t, a->row_count);
    look_count_cell(t, a->materializations);
    table_tone(t, CLI_BAD, names);
}

static int list_fleet(struct listing *l, struct err *err)
{
    enum { FAILING_MAX = 20000 };
    struct hub_filter failing = {.only_failing = true};
    l->failing = strmap_new(&l->arena);
    l->failing_cap = FAILING_MAX;
    l->failing_on = arena_array(&l->arena, FAILING_MAX, sizeof(*l->failing_on));
    bool ok = l->failing_on != NULL || err_set(err, ERR_NO_MEMORY, "list assets: out of memory");
    ok =
        ok &&
        freshness_list_read(&l->freshness, l->look.db, &(struct hub_filter){0}, l->look.now, err) &&
        hub_each_device_asset(l->look.db, &failing, add_failing, l, err) &&
        hub_each_fleet_asset(l->look.db, &(struct hub_filter){0}, show_fleet_asset, l, err);
    for (size_t i = 0; i < l->failing_count; i++) {
        buf_release(&l->failing_on[i]);
    }
    return look_close(&l->look, ok, err,
                      l->chosen == NULL ? "no assets: no device has told its definitions yet"
                                        : "the selection matches no asset");
}

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

/* --- which -------------------------------------------------------------------------------- */

/* A word that is a key, and no pattern, must be the key of something. */
static bool check_key(const struct listing *l, struct str text, struct err *err)
{
    struct err no_key;
    uint32_t node = 0;
    return !asset_key_check(text, &no_key) || graph_find(&l->fleet.graph, text, &node, err);
}

static bool choose(struct listing *l, struct str text, struct err *err)
{
    struct str device = str_from(cli_text(l->look.cli, "device"));
    bool *chosen = NULL;
    if (!fleet_graph_load(l->look.db, device, &l->arena, &l->fleet, err) ||
        !check_key(l, text, err) || !fleet_graph_select(&l->fleet, text, &l->arena, &chosen, err)) {
        return false;
    }
    l->chosen = chosen;
    return true;
}

static int list(struct cli *cli, struct listing *l, bool by_device)
{
    struct err err = {0};
    struct str text = str_from(cli_arg(cli, 0));
    if (!str_is_empty(text)) {
        bool is_one = false;
        if (!one_asset_exists(l->look.db, text, &is_one, &err)) {
            return look_close(&l->look, false, &err, "");
        }
        if (is_one) {
            bool ok = one_asset_show(&l->look, text, str_from(cli_text(cli, "device")), &err);
            return look_close(&l->look, ok, &err, "");
        }
        if (!choose(l, text, &err)) {
            return look_close(&l->look, false, &err, "");
        }
    }
    return by_device ? list_device(cli, l, &err) : list_fleet(l, &err);
}

/* What is put together from the history of definitions. */
static int list_versions(struct cli *cli, struct listing *l, bool is_differing)
{
    struct err err = {0};
    struct str device = str_from(cli_text(cli, "device"));
    bool ok = cli_arg_count(cli) == 0 ||
              err_set(&err, ERR_INVALID, "--differing and --at list all assets: no SELECTION");
    ok = ok && (is_differing ? list_differing(&l->look, device, &l->arena, &err)
                             : list_assets_at(&l->look, device, &l->arena, &err));
    return look_close(&l->look, ok, &err,
                      is_differing ? "all devices define their assets alike"
                                   : "no device had told its definitions by then");
}

int command_assets(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct listing l = {0};
    int code = CLI_OK;
    bool by_device = cli_is_given(cli, "device");
    bool is_differing = cli_bool(cli, "differing");
    bool is_past = cli_is_given(cli, "at");
    if (!look_open(&l.look, cli,
                   is_differing ? differing_columns
                   : is_past    ? at_columns
                   : by_device  ? device_columns
                                : fleet_columns,
                   &code)) {
        return code;
    }
    l.arena = arena_new(ARENA_BYTES);
    l.freshness.arena = &l.arena;
    code =
        is_differing || is_past ? list_versions(cli, &l, is_differing) : list(cli, &l, by_device);
    arena_release(&l.arena);
    return code;
}
