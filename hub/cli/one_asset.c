#include "hub/cli/one_asset.h"

#include "hub/cli/asset_versions.h"
#include "hub/cli/freshness_cell.h"

#include "common/json/json.h"

enum {
    METADATA_ARENA_BYTES = 1 << 20,
    LINEAGE_ARENA_BYTES = 512 << 20,
    FACTS_BYTES_MAX = 2 * LIMIT_EVENT_BYTES
};

/* --- sections ----------------------------------------------------------------------------- */

/* A list of the asset: an array of the one JSON object, or a table under a heading. */
struct section {
    struct look *look;
    struct str key;
    struct json_writer *w; /* NULL = text */
    struct table table;
    int64_t count;
    struct freshness_list freshness;
    struct wall_time newest; /* of devices: whose metadata is kept */
    struct buf *newest_on;
    struct buf *metadata;
};

static void begin(struct section *s, const char *member, const struct table_column *columns)
{
    s->count = 0;
    if (s->w != NULL) {
        jw_key(s->w, str_from(member));
        jw_begin_array(s->w);
    } else {
        s->table = table_new(columns);
    }
}

static void end(struct section *s, const char *heading)
{
    struct cli *cli = s->look->cli;
    if (s->w != NULL) {
        jw_end_array(s->w);
        return;
    }
    if (s->count > 0) {
        cli_printf(cli, "\n%s%s%s\n", cli_tone_on(cli, CLI_STRONG), heading,
                   cli_tone_off(cli, CLI_STRONG));
        table_print(&s->table, cli);
    }
    table_release(&s->table);
}

static void keep_newest(struct section *s, const struct hub_device_asset *a)
{
    if (a->at.ns > s->newest.ns) {
        s->newest = a->at;
        buf_reset(s->newest_on);
        buf_add(s->newest_on, a->device);
        buf_reset(s->metadata);
        buf_add(s->metadata, a->metadata);
    }
}

static void add_device(void *ctx, const struct hub_device_asset *a)
{
    struct section *s = ctx;
    struct look *look = s->look;
    s->count++;
    keep_newest(s, a);
    if (s->w != NULL) {
        jw_begin_object(s->w);
        row_device_asset(s->w, a);
        freshness_member(&s->freshness, s->w, a->device);
        jw_end_object(s->w);
        return;
    }
    struct table *t = &s->table;
    table_cell(t, a->device);
    table_ago(t, a->at, look->now);
    freshness_cell(&s->freshness, t, a->device);
    look_count_cell(t, a->row_count);
    look_milliseconds_cell(t, a->duration_ms);
    look_count_cell(t, a->materializations);
    look_trouble_cell(t, a->failures);
    table_tone(t, CLI_BAD, a->is_failing ? look_message(look, a->failed_error) : STR_NONE);
}

/* Said by devices first; then by the data between them. */
static void edge_members(struct json_writer *w, const struct lineage *l,
                         const struct lineage_reason *reasons)
{
    bool is_declared = reasons != NULL && str_is_empty(reasons->dataset);
    device_names(w, l, "declared_by", is_declared ? reasons->to : (struct lineage_devices){0});
    reasons = is_declared ? reasons->next : reasons;
    if (reasons == NULL) {
        return;
    }
    jw_key(w, STR("datasets"));
    jw_begin_array(w);
    for (; reasons != NULL; reasons = reasons->next) {
        jw_str(w, reasons->dataset);
    }
    jw_end_array(w);
}

static void why_cell(struct table *t, const struct lineage *l, const struct lineage_reason *reasons)
{
    AUTO(buf) why = buf_growing(FACTS_BYTES_MAX);
    for (const struct lineage_reason *r = reasons; r != NULL; r = r->next) {
        buf_add(&why, why.len > 0 ? STR("; ") : STR(""));
        if (str_is_empty(r->dataset)) {
            lineage_add_devices(&why, l, r->to, " ");
        } else {
            buf_add(&why, r->dataset);
        }
    }
    table_cell(t, buf_str(&why));
}

static void add_edge(struct section *s, const struct lineage *l, uint32_t other,
                     const struct lineage_edge *edge)
{
    s->count++;
    if (s->w != NULL) {
        jw_begin_object(s->w);
        jw_member_str(s->w, "asset", l->assets[other].key);
        edge_members(s->w, l, edge->reasons);
        jw_end_object(s->w);
    } else {
        table_cell(&s->table, l->assets[other].key);
        why_cell(&s->table, l, edge->reasons);
    }
}

static void add_edges(struct section *s, const struct lineage *l, uint32_t asset, bool is_upstream)
{
    for (size_t i = 0; i < l->edge_count; i++) {
        const struct lineage_edge *edge = &l->edges[i];
        if ((is_upstream ? edge->downstream : edge->upstream) == asset) {
            add_edge(s, l, is_upstream ? edge->upstream : edge->downstream, edge);
        }
    }
}

static void add_versions(struct section *s, const struct lineage *l, uint32_t asset)
{
    const struct lineage_asset *a = &l->assets[asset];
    for (const struct lineage_version *v = a->versions; v != NULL; v = v->next) {
        if (s->w != NULL) {
            jw_begin_object(s->w);
            version_members(s->w, l, v);
            jw_end_object(s->w);
        } else if (a->version_count > 1) {
            s->count++;
            version_cells(&s->table, s->look, l, v);
        }
    }
}

static void add_check(void *ctx, const struct hub_check *check)
{
    struct section *s = ctx;
    struct str severity = str_is_empty(check->severity) ? STR("error") : check->severity;
    s->count++;
    if (s->w != NULL) {
        jw_begin_object(s->w);
        row_check(s->w, check);
        jw_end_object(s->w);
        return;
    }
    table_cell(&s->table, check->name);
    table_cell(&s->table, check->device);
    table_tone(&s->table, check->passed ? CLI_GOOD : CLI_BAD,
               check->passed ? STR("passed") : STR("failed"));
    table_cell(&s->table, severity);
    table_ago(&s->table, check->at, s->look->now);
}

/* --- the newest materialization's metadata ------------------------------------------------ */

static void add_columns(struct buf *out, const struct json *schema)
{
    const struct json *columns = json_get(schema, "columns");
    for (const struct json *c = columns == NULL ? NULL : columns->child; c != NULL; c = c->next) {
        const struct json *name = json_get(c, "name");
        const struct json *type = json_get(c, "type");
        if (name != NULL && type != NULL && name->type == JSON_STRING &&
            type->type == JSON_STRING) {
            buf_addf(out, "%s" STR_FMT " " STR_FMT, out->len == 0 ? "" : ", ",
                     STR_ARG(name->as.string), STR_ARG(type->as.string));
        }
    }
}

static void add_entry(struct table *t, const struct json *entry)
{
    const struct json *value = json_get(entry, "raw_value");
    AUTO(buf) text = buf_growing(LIMIT_EVENT_BYTES);
    if (value == NULL) {
        return;
    }
    if (value->type == JSON_STRING) {
        buf_add(&text, value->as.string);
    } else if (json_get(value, "columns") != NULL) {
        add_columns(&text, value);
    } else {
        json_write(&text, value);
    }
    table_cell(t, entry->key);
    table_cell(t, buf_str(&text));
}

static void show_metadata(struct look *look, const struct section *s)
{
    static const struct table_column columns[] = {
        {.name = "NAME"}, {.name = "VALUE", .is_wide = true}, {0}};
    AUTO(arena) arena = arena_new(METADATA_ARENA_BYTES);
    AUTO(table) t = table_new(columns);
    struct json *metadata = NULL;
    struct err err;
    if (s->metadata->len == 0 ||
        !json_parse(buf_str(s->metadata), LIMIT_EVENT_BYTES, &arena, &metadata, &err)) {
        return;
    }
    for (const struct json *entry = metadata->child; entry != NULL; entry = entry->next) {
        add_entry(&t, entry);
    }
    if (t.cell_count > 0) {
        cli_printf(look->cli, "\n%slatest materialization, on " STR_FMT "%s\n",
                   cli_tone_on(look->cli, CLI_STRONG), STR_ARG(buf_str(s->newest_on)),
                   cli_tone_off(look->cli, CLI_STRONG));
        table_print(&t, look->cli);
    }
}

/* --- all of it ---------------------------------------------------------------------------- */

static const struct table_column device_columns[] = {{.name = "DEVICE"},
                                                     {.name = "MATERIALIZED"},
                                                     {.name = "FRESHNESS"},
                                                     {.name = "ROWS", .is_right = true},
                                                     {.name = "TOOK", .is_right = true},
                                                     {.name = "TIMES", .is_right = true},
                                                     {.name = "FAILURES", .is_right = true},
                                                     {.name = "FAILS WITH", .is_wide = true},
                                                     {0}};
static const struct table_column edge_columns[] = {
    {.name = "ASSET"}, {.name = "WHY", .is_wide = true}, {0}};
static const struct table_column check_columns[] = {{.name = "CHECK"},  {.name = "DEVICE"},
                                                    {.name = "RESULT"}, {.name = "SEVERITY"},
                                                    {.name = "WHEN"},   {0}};

/* Where it is made, for devices to which it is external. */
static void show_makers(struct section *s, const struct lineage *l, uint32_t asset)
{
    const struct lineage_asset *a = &l->assets[asset];
    if (s->w != NULL) {
        device_names(s->w, l, "made_on", a->made_on);
        device_names(s->w, l, "external_on", a->external_on);
    } else if (a->external_on.count > 0) {
        AUTO(buf) out = buf_growing(FACTS_BYTES_MAX);
        buf_add(&out, STR("external on "));
        lineage_add_devices(&out, l, a->external_on, " ");
        buf_add(&out, a->made_on.count > 0 ? STR(", made on ") : STR(""));
        lineage_add_devices(&out, l, a->made_on, " ");
        cli_json(s->look->cli, buf_str(&out));
    }
}

static void show_lineage(struct section *s, const struct lineage *l, uint32_t asset)
{
    show_makers(s, l, asset);
    begin(s, "versions", version_columns);
    add_versions(s, l, asset);
    end(s, "versions");
    begin(s, "upstream", edge_columns);
    add_edges(s, l, asset, true);
    end(s, "made from");
    begin(s, "downstream", edge_columns);
    add_edges(s, l, asset, false);
    end(s, "used by");
}

static bool read_lineage(struct section *s, struct str device, struct err *err)
{
    AUTO(arena) arena = arena_new(LINEAGE_ARENA_BYTES);
    struct lineage l;
    const struct lineage_filter filter = {.device = device};
    uint32_t asset = 0;
    if (!lineage_load(s->look->db, &filter, &arena, &l, err)) {
        return false;
    }
    bool is_known = strmap_get(&l.by_key, s->key, &asset);
    if (is_known || s->w != NULL) {
        struct lineage_asset nothing = {0};
        struct lineage none = {.assets = &nothing};
        show_lineage(s, is_known ? &l : &none, is_known ? asset : 0);
    }
    return true;
}

static bool show_sections(struct section *s, struct str device, struct err *err)
{
    struct hub_filter filter = {.device = device, .asset = s->key};
    struct db *db = s->look->db;
    AUTO(arena) arena = arena_new(LINEAGE_ARENA_BYTES);
    s->freshness = (struct freshness_list){.arena = &arena, .is_by_device = true};
    begin(s, "on_devices", device_columns);
    bool ok = freshness_list_read(&s->freshness, db, &filter, s->look->now, err) &&
              hub_each_device_asset(db, &filter, add_device, s, err);
    end(s, "devices");
    ok = ok && read_lineage(s, device, err);
    begin(s, "check_results", check_columns);
    ok = ok && hub_each_check(db, &filter, add_check, s, err);
    end(s, "checks");
    return ok;
}

static void show_facts(void *ctx, const struct hub_fleet_asset *a)
{
    struct section *s = ctx;
    struct look *look = s->look;
    if (s->w != NULL) {
        row_fleet_asset(s->w, a);
        return;
    }
    AUTO(buf) out = buf_growing(FACTS_BYTES_MAX);
    buf_add_harmless(&out, a->description);
    buf_add(&out, str_is_empty(a->description) ? STR("") : STR("\n"));
    buf_add(&out, a->is_external ? STR("external, ") : STR(""));
    if (!str_is_empty(a->group)) {
        buf_add(&out, STR("group "));
        buf_add_harmless(&out, a->group);
        buf_add(&out, STR(", "));
    }
    struct str kinds = look_join(look, a->kinds);
    if (!str_is_empty(kinds)) {
        buf_add(&out, STR("kind "));
        buf_add_harmless(&out, kinds);
        buf_add(&out, STR(", "));
    }
    buf_addf(&out, "on %lld device%s", (long long)a->devices, a->devices == 1 ? "" : "s");
    if (a->failing > 0) {
        buf_addf(&out, ", failing on %lld", (long long)a->failing);
    }
    cli_json(look->cli, buf_str(&out));
}

bool one_asset_show(struct look *look, struct str key, struct str device, struct err *err)
{
    AUTO(buf) newest_on = buf_growing(LIMIT_NAME_BYTES + 1);
    AUTO(buf) metadata = buf_growing(LIMIT_EVENT_BYTES);
    struct json_writer w = json_writer(&look->line);
    struct section s = {.look = look, .key = key, .newest_on = &newest_on, .metadata = &metadata};
    struct hub_filter filter = {.asset = key};
    look->count++;
    if (cli_is_json(look->cli)) {
        w = look_begin_line(look);
        s.w = &w;
    } else {
        cli_printf(look->cli, "%s" STR_FMT "%s\n", cli_tone_on(look->cli, CLI_STRONG), STR_ARG(key),
                   cli_tone_off(look->cli, CLI_STRONG));
    }
    bool ok = hub_each_fleet_asset(look->db, &filter, show_facts, &s, err) &&
              show_sections(&s, device, err);
    if (ok && s.w != NULL) {
        look_end_line(look, &w);
    } else if (ok) {
        show_metadata(look, &s);
    }
    return ok;
}

/* --- is it there? ------------------------------------------------------------------------- */

struct search {
    struct str key;
    bool is_found;
};

static void found_asset(void *ctx, const struct hub_fleet_asset *a)
{
    (void)a;
    struct search *search = ctx;
    search->is_found = true;
}

static void found_edge(void *ctx, const struct hub_edge *edge)
{
    struct search *search = ctx;
    search->is_found = search->is_found || str_eq(edge->upstream, search->key);
}

bool one_asset_exists(struct db *db, struct str key, bool *ret, struct err *err)
{
    struct search search = {.key = key};
    struct hub_filter filter = {.asset = key};
    if (!hub_each_fleet_asset(db, &filter, found_asset, &search, err) ||
        (!search.is_found && !hub_each_edge(db, &filter, found_edge, &search, err))) {
        return false;
    }
    *ret = search.is_found;
    return true;
}
