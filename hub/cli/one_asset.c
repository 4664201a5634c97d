#include "hub/cli/one_asset.h"

#include "hub/cli/asset_versions.h"

enum {
    TEXT_BYTES_MAX = 2 * LIMIT_EVENT_BYTES,
    DEVICES_MAX = 100000, /* rows of devices and checks that are asked for */
};

/* --- sections ----------------------------------------------------------------------------- */

typedef void section_row(struct screen *s, struct table *t, const struct json *row);

/* A list of the asset as a table under a heading; none when it is empty. */
static void show_section(struct screen *s, const struct json *first, const char *heading,
                         const struct table_column *columns, section_row *on_row)
{
    AUTO(table) t = table_new(columns);
    for (const struct json *row = first; row != NULL; row = row->next) {
        on_row(s, &t, row);
    }
    if (first != NULL) {
        cli_printf(s->cli, "\n%s%s%s\n", cli_tone_on(s->cli, CLI_STRONG), heading,
                   cli_tone_off(s->cli, CLI_STRONG));
        table_print(&t, s->cli);
    }
}

static const struct table_column device_columns[] = {{.name = "DEVICE"},
                                                     {.name = "MATERIALIZED"},
                                                     {.name = "FRESHNESS"},
                                                     {.name = "ROWS", .is_right = true},
                                                     {.name = "TOOK", .is_right = true},
                                                     {.name = "TIMES", .is_right = true},
                                                     {.name = "FAILURES", .is_right = true},
                                                     {.name = "FAILS WITH", .is_wide = true},
                                                     {0}};

static void device_row(struct screen *s, struct table *t, const struct json *a)
{
    table_cell(t, item_str(a, "device"));
    table_ago(t, item_wall(a, "materialized_at"), s->now);
    screen_freshness_cell(t, a);
    screen_count_cell(t, item_i64(a, "row_count"));
    screen_milliseconds_cell(t, item_i64(a, "duration_ms"));
    screen_count_cell(t, item_i64(a, "materializations"));
    screen_trouble_cell(t, item_i64(a, "failures"));
    table_tone(t, CLI_BAD, item_bool(a, "failing") ? screen_message(a) : STR_NONE);
}

static const struct table_column edge_columns[] = {
    {.name = "ASSET"}, {.name = "WHY", .is_wide = true}, {0}};

/* Said by devices first; then by the data between them. */
static void edge_row(struct screen *s, struct table *t, const struct json *edge)
{
    table_cell(t, item_str(edge, "asset"));
    buf_reset(&s->text);
    item_join(edge, "declared_by", " ", &s->text);
    buf_add(&s->text,
            s->text.len > 0 && item_first(edge, "datasets") != NULL ? STR("; ") : STR(""));
    item_join(edge, "datasets", "; ", &s->text);
    table_cell(t, buf_str(&s->text));
}

static const struct table_column check_columns[] = {{.name = "CHECK"},  {.name = "DEVICE"},
                                                    {.name = "RESULT"}, {.name = "SEVERITY"},
                                                    {.name = "WHEN"},   {0}};

static void check_row(struct screen *s, struct table *t, const struct json *check)
{
    bool passed = item_bool(check, "passed");
    table_cell(t, item_str(check, "name"));
    table_cell(t, item_str(check, "device"));
    table_tone(t, passed ? CLI_GOOD : CLI_BAD, passed ? STR("passed") : STR("failed"));
    table_cell(t, item_str(check, "severity"));
    table_ago(t, item_wall(check, "at"), s->now);
}

/* --- the newest materialization's metadata ------------------------------------------------ */

static void add_columns(struct buf *out, const struct json *schema)
{
    for (const struct json *c = item_first(schema, "columns"); c != NULL; c = c->next) {
        struct str name = item_str(c, "name");
        struct str type = item_str(c, "type");
        if (!str_is_empty(name) && !str_is_empty(type)) {
            buf_addf(out, "%s" STR_FMT " " STR_FMT, out->len == 0 ? "" : ", ", STR_ARG(name),
                     STR_ARG(type));
        }
    }
}

static void metadata_row(struct screen *s, struct table *t, const struct json *entry)
{
    const struct json *value = json_get(entry, "raw_value");
    struct buf *text = &s->text;
    if (value == NULL) {
        return;
    }
    buf_reset(text);
    if (value->type == JSON_STRING) {
        buf_add(text, value->as.string);
    } else if (json_get(value, "columns") != NULL) {
        add_columns(text, value);
    } else {
        json_write(text, value);
    }
    table_cell(t, entry->key);
    table_cell(t, buf_str(text));
}

static const struct json *newest_of(const struct json *asset)
{
    const struct json *newest = NULL;
    for (const struct json *d = item_first(asset, "on_devices"); d != NULL; d = d->next) {
        if (item_wall(d, "materialized_at").ns > item_wall(newest, "materialized_at").ns) {
            newest = d;
        }
    }
    return newest;
}

static void show_metadata(struct screen *s, const struct json *asset)
{
    static const struct table_column columns[] = {
        {.name = "NAME"}, {.name = "VALUE", .is_wide = true}, {0}};
    const struct json *newest = newest_of(asset);
    struct str on = item_str(newest, "device");
    char heading[LIMIT_NAME_BYTES + 64];
    struct buf b = buf_fixed(heading, sizeof(heading));
    buf_addf(&b, "latest materialization, on " STR_FMT, STR_ARG(on));
    show_section(s, item_first(newest, "metadata"), buf_cstr(&b), columns, metadata_row);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void say_facts(struct screen *s, const struct json *a)
{
    AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
    struct str description = item_str(a, "description");
    struct str group = item_str(a, "group");
    struct str kinds = screen_join(s, a, "kinds", ", ");
    int64_t devices = item_i64(a, "devices");
    int64_t failing = item_count(a, "failing");
    if (devices == HUB_UNKNOWN) {
        return; /* only named as a dependency */
    }
    buf_add_harmless(&out, description);
    buf_add(&out, str_is_empty(description) ? STR("") : STR("\n"));
    buf_add(&out, item_bool(a, "external") ? STR("external, ") : STR(""));
    if (!str_is_empty(group)) {
        buf_add(&out, STR("group "));
        buf_add_harmless(&out, group);
        buf_add(&out, STR(", "));
    }
    if (!str_is_empty(kinds)) {
        buf_add(&out, STR("kind "));
        buf_add_harmless(&out, kinds);
        buf_add(&out, STR(", "));
    }
    buf_addf(&out, "on %lld device%s", (long long)devices, devices == 1 ? "" : "s");
    if (failing > 0) {
        buf_addf(&out, ", failing on %lld", (long long)failing);
    }
    cli_json(s->cli, buf_str(&out));
}

/* Where it is made, for devices to which it is external. */
static void say_makers(struct screen *s, const struct json *a)
{
    if (item_first(a, "external_on") == NULL) {
        return;
    }
    buf_reset(&s->text);
    buf_add(&s->text, STR("external on "));
    item_join(a, "external_on", " ", &s->text);
    buf_add(&s->text, item_first(a, "made_on") != NULL ? STR(", made on ") : STR(""));
    item_join(a, "made_on", " ", &s->text);
    cli_json(s->cli, buf_str(&s->text));
}

bool one_asset_show(struct screen *s, struct str key, struct str device, struct err *err)
{
    const struct json *a = NULL;
    target_begin(&s->target, "/api/v1/assets");
    target_part(&s->target, key, true);
    target_query(&s->target, "device", device);
    target_query_i64(&s->target, "limit", DEVICES_MAX);
    if (!screen_get(s, &a, err)) {
        return false;
    }
    if (a == NULL) {
        return true;
    }
    const struct json *versions = item_first(a, "versions");
    cli_printf(s->cli, "%s" STR_FMT "%s\n", cli_tone_on(s->cli, CLI_STRONG), STR_ARG(key),
               cli_tone_off(s->cli, CLI_STRONG));
    say_facts(s, a);
    show_section(s, item_first(a, "on_devices"), "devices", device_columns, device_row);
    say_makers(s, a);
    if (versions != NULL && versions->next != NULL) {
        show_section(s, versions, "versions", version_columns, version_cells);
    }
    show_section(s, item_first(a, "upstream"), "made from", edge_columns, edge_row);
    show_section(s, item_first(a, "downstream"), "used by", edge_columns, edge_row);
    show_section(s, item_first(a, "check_results"), "checks", check_columns, check_row);
    show_metadata(s, a);
    return true;
}
