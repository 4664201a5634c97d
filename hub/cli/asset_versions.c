#include "hub/cli/asset_versions.h"

enum { VERSION_SHOWN = 8, NAMES_SHOWN = 5, TEXT_BYTES_MAX = 64 << 10 };

const struct table_column version_columns[] = {{.name = "VERSION"},
                                               {.name = "CODE VERSION"},
                                               {.name = "SINCE"},
                                               {.name = "DIFFERS IN"},
                                               {.name = "DEVICES", .is_right = true},
                                               {.name = "ON", .is_wide = true},
                                               {0}};
const struct table_column differing_columns[] = {{.name = "ASSET"},
                                                 {.name = "VERSION"},
                                                 {.name = "CODE VERSION"},
                                                 {.name = "SINCE"},
                                                 {.name = "DIFFERS IN"},
                                                 {.name = "DEVICES", .is_right = true},
                                                 {.name = "ON", .is_wide = true},
                                                 {0}};
const struct table_column at_columns[] = {{.name = "ASSET"},
                                          {.name = "DEVICES", .is_right = true},
                                          {.name = "VERSIONS", .is_right = true},
                                          {.name = "MATERIALIZED"},
                                          {.name = "TIMES", .is_right = true},
                                          {.name = "ON", .is_wide = true},
                                          {0}};

void device_names(struct json_writer *w, const struct lineage *l, const char *key,
                  struct lineage_devices devices)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < devices.count; i++) {
        jw_str(w, l->devices[devices.items[i]]);
    }
    jw_end_array(w);
}

/* From the version that most devices have. */
static void add_differences(struct buf *out, const struct lineage *l,
                            const struct lineage_version *version)
{
    const struct lineage_version *first = l->assets[version->asset].versions;
    if (version != first) {
        lineage_add_differences(out, version->body, first->body);
    }
}

void version_members(struct json_writer *w, const struct lineage *l,
                     const struct lineage_version *version)
{
    AUTO(buf) differences = buf_growing(TEXT_BYTES_MAX);
    add_differences(&differences, l, version);
    jw_member_str(w, "version", version->id);
    jw_member_opt(w, "code_version", version->code_version);
    jw_member_bool(w, "external", version->is_external);
    jw_member_opt_wall(w, "since", version->since);
    jw_member_opt(w, "differs_in", buf_str(&differences));
    device_names(w, l, "devices", version->devices);
}

static void devices_cell(struct table *t, const struct lineage *l, struct lineage_devices devices)
{
    AUTO(buf) names = buf_growing(TEXT_BYTES_MAX);
    struct lineage_devices shown = devices;
    shown.count = devices.count > NAMES_SHOWN ? NAMES_SHOWN : devices.count;
    lineage_add_devices(&names, l, shown, " ");
    buf_add(&names, shown.count < devices.count ? STR(" ...") : STR(""));
    table_cell(t, buf_str(&names));
}

void version_cells(struct table *t, const struct look *look, const struct lineage *l,
                   const struct lineage_version *version)
{
    AUTO(buf) differences = buf_growing(TEXT_BYTES_MAX);
    add_differences(&differences, l, version);
    table_cell(t, str_slice(version->id, 0, VERSION_SHOWN));
    table_cell(t, version->code_version);
    table_ago(t, version->since, look->now);
    table_cell(t, buf_str(&differences));
    table_i64(t, (int64_t)version->devices.count);
    devices_cell(t, l, version->devices);
}

/* --- what differs ---------------------------------------------------------------------------- */

static void show_version(struct look *look, const struct lineage *l,
                         const struct lineage_version *version)
{
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        jw_member_str(&w, "asset", l->assets[version->asset].key);
        version_members(&w, l, version);
        look_end_line(look, &w);
        return;
    }
    table_cell(&look->table, l->assets[version->asset].key);
    version_cells(&look->table, look, l, version);
}

static bool have_differences(const struct lineage_asset *asset)
{
    const struct lineage_version *first = asset->versions;
    for (const struct lineage_version *v = first; v != NULL; v = v->next) {
        if (v != first && lineage_differs(v->body, first->body)) {
            return true;
        }
    }
    return false;
}

bool list_differing(struct look *look, struct str device, struct arena *arena, struct err *err)
{
    struct lineage l;
    struct lineage_filter filter = {.device = device};
    if (!look_time(look, "at", &filter.at, err) ||
        !lineage_load(look->db, &filter, arena, &l, err)) {
        return false;
    }
    for (size_t i = 0; i < l.asset_count; i++) {
        bool differs = have_differences(&l.assets[i]);
        for (const struct lineage_version *v = l.assets[i].versions; differs && v != NULL;
             v = v->next) {
            show_version(look, &l, v);
        }
    }
    return true;
}

/* --- as of a time ---------------------------------------------------------------------------- */

struct made {
    struct wall_time at;
    int64_t times;
};
struct counting {
    const struct lineage *lineage;
    struct made *made; /* by asset */
};

static void count_made(void *ctx, const struct hub_materialized_at *row)
{
    struct counting *c = ctx;
    uint32_t asset = 0;
    if (strmap_get(&c->lineage->by_key, row->asset, &asset)) {
        c->made[asset] = (struct made){row->at, row->materializations};
    }
}

static void show_asset_at(struct look *look, const struct lineage *l, size_t i,
                          const struct made *made)
{
    const struct lineage_asset *asset = &l->assets[i];
    struct lineage_devices on = asset->made_on.count > 0 ? asset->made_on : asset->external_on;
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        jw_member_str(&w, "asset", asset->key);
        device_names(&w, l, "made_on", asset->made_on);
        device_names(&w, l, "external_on", asset->external_on);
        jw_member_i64(&w, "versions", (int64_t)asset->version_count);
        jw_member_opt_wall(&w, "materialized_at", made->at);
        jw_member_i64(&w, "materializations", made->times);
        look_end_line(look, &w);
        return;
    }
    struct table *t = &look->table;
    table_cell(t, asset->key);
    table_i64(t, (int64_t)on.count);
    table_i64(t, (int64_t)asset->version_count);
    table_ago(t, made->at, look->now);
    table_i64(t, made->times);
    devices_cell(t, l, on);
}

bool list_assets_at(struct look *look, struct str device, struct arena *arena, struct err *err)
{
    struct lineage l;
    struct lineage_filter filter = {.device = device};
    if (!look_time(look, "at", &filter.at, err) ||
        !lineage_load(look->db, &filter, arena, &l, err)) {
        return false;
    }
    struct counting c = {&l, arena_array(arena, l.asset_count + 1, sizeof(struct made))};
    if (c.made == NULL) {
        return err_set(err, ERR_NO_MEMORY, "list assets: out of memory");
    }
    if (!hub_each_materialized_at(look->db, device, filter.at, count_made, &c, err)) {
        return false;
    }
    for (size_t i = 0; i < l.asset_count; i++) {
        if (l.assets[i].version_count > 0) {
            show_asset_at(look, &l, i, &c.made[i]);
        }
    }
    return true;
}
