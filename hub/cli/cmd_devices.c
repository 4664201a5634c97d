/* cmd_devices.c - devices, and who was turned away. */
#include "hub/cli/device_words.h"
#include "hub/cli/freshness_cell.h"
#include "hub/cli/labels.h"
#include "hub/cli/look.h"

enum { ARENA_BYTES = 64 << 20 };
#define EXPIRES_SOON_NS (30 * INT64_C(86400) * NS_PER_SEC) /* worth one */

struct device_list {
    struct look look;
    struct arena arena;
    struct targets *targets; /* NULL: all of them */
    struct freshness_list freshness;
};

static void clock_cell(struct look *look, int64_t offset_ms)
{
    char text[64];
    struct buf b = buf_fixed(text, sizeof(text));
    bool is_off = device_clock_words(&b, offset_ms);
    table_tone(&look->table, is_off ? CLI_WARN : CLI_PLAIN, buf_str(&b));
}

static void expiry_cell(struct look *look, struct wall_time not_after)
{
    char text[WALL_TEXT_SIZE];
    bool is_soon = not_after.ns != 0 && not_after.ns - look->now.ns < EXPIRES_SOON_NS;
    struct str date = not_after.ns == 0 ? STR_NONE : str_from(wall_format(not_after, text));
    table_tone(&look->table, is_soon ? CLI_BAD : CLI_PLAIN, str_slice(date, 0, 10));
}

static void show_device(void *ctx, const struct hub_device *d)
{
    struct device_list *list = ctx;
    struct look *look = &list->look;
    struct table *t = &look->table;
    if (!row_is_meant(list->targets, d)) {
        return;
    }
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        row_device(&w, d, &list->freshness);
        look_end_line(look, &w);
        return;
    }
    struct str status = hub_device_presence(d);
    if (str_is_empty(d->display_name)) {
        table_cell(t, d->id);
    } else {
        table_cellf(t, STR_FMT " (" STR_FMT ")", STR_ARG(d->id), STR_ARG(d->display_name));
    }
    table_tone(t, look_tone(status), status);
    if (d->is_online) {
        table_cell(t, STR("now"));
    } else {
        table_ago(t, hub_device_last_seen(d), look->now);
    }
    table_cell(t, d->version);
    table_cell(t, d->board);
    look_count_cell(t, d->assets);
    look_trouble_cell(t, d->failing);
    freshness_cell(&list->freshness, t, d->id);
    look_count_cell(t, d->events);
    look_trouble_cell(t, d->lost_events);
    clock_cell(look, d->clock_offset_ms);
    expiry_cell(look, d->not_after);
    table_cell(t, d->labels);
    table_cell(t, device_note(d, look->now));
}

static bool list_devices(struct device_list *list, struct err *err)
{
    struct look *look = &list->look;
    struct hub_filter filter = {.device = str_from(cli_arg(look->cli, 0))};
    const char *to = cli_text(look->cli, "to");
    if ((to != NULL && !targets_parse(str_from(to), &list->arena, &list->targets, err)) ||
        !freshness_list_read(&list->freshness, look->db, &filter, look->now, err) ||
        !hub_each_device(look->db, &filter, show_device, list, err)) {
        return false;
    }
    if (look->count == 0 && !str_is_empty(filter.device)) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no device " STR_FMT, STR_ARG(filter.device));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    return true;
}

int command_devices(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct device_list list = {0};
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&list.look, cli,
                   TABLE_COLUMNS({.name = "DEVICE"}, {.name = "STATUS"}, {.name = "LAST SEEN"},
                                 {.name = "VERSION"}, {.name = "BOARD", .is_wide = true},
                                 {.name = "ASSETS", .is_right = true},
                                 {.name = "FAILING", .is_right = true}, {.name = "FRESHNESS"},
                                 {.name = "EVENTS", .is_right = true},
                                 {.name = "LOST", .is_right = true}, {.name = "CLOCK"},
                                 {.name = "CERTIFICATE TO"}, {.name = "LABELS", .is_wide = true},
                                 {.name = "NOTE", .is_wide = true}),
                   &code)) {
        return code;
    }
    list.arena = arena_new(ARENA_BYTES);
    list.freshness = (struct freshness_list){.arena = &list.arena, .is_by_device = true};
    bool ok = list_devices(&list, &err);
    arena_release(&list.arena);
    return look_close(&list.look, ok, &err,
                      cli_text(cli, "to") != NULL
                          ? "no such devices"
                          : "no devices yet; let one join: selvedge-hub token create");
}

/* --- refusals ----------------------------------------------------------------------------- */

static void show_refusal(void *ctx, const struct hub_refusal *r)
{
    struct look *look = ctx;
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        jw_member_wall(&w, "at", r->at);
        jw_member_str(&w, "peer", r->peer);
        jw_member_str(&w, "what", r->what);
        jw_member_str(&w, "why", r->why);
        look_end_line(look, &w);
        return;
    }
    table_ago(&look->table, r->at, look->now);
    table_cell(&look->table, r->peer);
    table_cell(&look->table, r->what);
    table_cell(&look->table, r->why);
}

int command_refusals(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct look look;
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&look, cli,
                   TABLE_COLUMNS({.name = "WHEN"}, {.name = "WHO"}, {.name = "WHAT"},
                                 {.name = "WHY", .is_wide = true}),
                   &code)) {
        return code;
    }
    struct hub_filter filter = {.limit = cli_i64(cli, "limit")};
    bool ok = hub_each_refusal(look.db, &filter, show_refusal, &look, &err);
    return look_close(&look, ok, &err, "nobody was turned away");
}
