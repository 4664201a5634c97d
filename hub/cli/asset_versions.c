#include "hub/cli/asset_versions.h"

enum { VERSION_SHOWN = 8, NAMES_SHOWN = 5, NAMES_BYTES_MAX = 64 << 10 };

const struct table_column version_columns[] = {{.name = "VERSION"},
                                               {.name = "CODE VERSION"},
                                               {.name = "SINCE"},
                                               {.name = "DIFFERS IN"},
                                               {.name = "DEVICES", .is_right = true},
                                               {.name = "ON", .is_wide = true},
                                               {0}};
static const struct table_column differing_columns[] = {{.name = "ASSET"},
                                                        {.name = "VERSION"},
                                                        {.name = "CODE VERSION"},
                                                        {.name = "SINCE"},
                                                        {.name = "DIFFERS IN"},
                                                        {.name = "DEVICES", .is_right = true},
                                                        {.name = "ON", .is_wide = true},
                                                        {0}};
static const struct table_column at_columns[] = {{.name = "ASSET"},
                                                 {.name = "DEVICES", .is_right = true},
                                                 {.name = "VERSIONS", .is_right = true},
                                                 {.name = "MATERIALIZED"},
                                                 {.name = "TIMES", .is_right = true},
                                                 {.name = "ON", .is_wide = true},
                                                 {0}};

static int64_t count_of(const struct json *item, const char *key)
{
    const struct json *list = json_get(item, key);
    return list != NULL ? (int64_t)list->count : 0;
}

/* "berlin oslo", and dots for those after the first few. */
static void names_cell(struct table *t, const struct json *item, const char *key)
{
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    int shown = 0;
    for (const struct json *e = item_first(item, key); e != NULL; e = e->next) {
        buf_add(&names, shown > 0 ? STR(" ") : STR(""));
        if (shown++ == NAMES_SHOWN) {
            buf_add(&names, STR("..."));
            break;
        }
        buf_add(&names, e->type == JSON_STRING ? e->as.string : STR_NONE);
    }
    table_cell(t, buf_str(&names));
}

void version_cells(struct screen *s, struct table *t, const struct json *version)
{
    table_cell(t, str_slice(item_str(version, "version"), 0, VERSION_SHOWN));
    table_cell(t, item_str(version, "code_version"));
    table_ago(t, item_wall(version, "since"), s->now);
    table_cell(t, item_str(version, "differs_in"));
    table_i64(t, count_of(version, "devices"));
    names_cell(t, version, "devices");
}

static void show_version(struct screen *s, const struct json *version)
{
    table_cell(&s->table, item_str(version, "asset"));
    version_cells(s, &s->table, version);
}

static bool begin(struct screen *s, const char *path, struct err *err)
{
    struct str at = STR_NONE;
    if (!screen_time(s, "at", &at, err)) {
        return false;
    }
    target_begin(&s->target, path);
    target_query(&s->target, "device", str_from(cli_text(s->cli, "device")));
    target_query(&s->target, "at", at);
    return true;
}

bool list_differing(struct screen *s, struct err *err)
{
    return begin(s, "/api/v1/lineage/versions", err) &&
           screen_list(s, differing_columns, 0, show_version, err);
}

static void show_asset_at(struct screen *s, const struct json *asset)
{
    struct table *t = &s->table;
    const char *on = count_of(asset, "made_on") > 0 ? "made_on" : "external_on";
    table_cell(t, item_str(asset, "asset"));
    table_i64(t, count_of(asset, on));
    table_i64(t, item_count(asset, "versions"));
    table_ago(t, item_wall(asset, "materialized_at"), s->now);
    table_i64(t, item_count(asset, "materializations"));
    names_cell(t, asset, on);
}

bool list_assets_at(struct screen *s, struct err *err)
{
    return begin(s, "/api/v1/lineage/assets", err) &&
           screen_list(s, at_columns, 0, show_asset_at, err);
}
