/* cmd_devices.c - devices, and who was turned away. */
#include "hub/cli/device_words.h"
#include "hub/cli/screen.h"

#define EXPIRES_SOON_NS (30 * INT64_C(86400) * NS_PER_SEC) /* worth one */

static const struct table_column device_columns[] = {{.name = "DEVICE"},
                                                     {.name = "STATUS"},
                                                     {.name = "LAST SEEN"},
                                                     {.name = "VERSION"},
                                                     {.name = "BOARD", .is_wide = true},
                                                     {.name = "ASSETS", .is_right = true},
                                                     {.name = "FAILING", .is_right = true},
                                                     {.name = "FRESHNESS"},
                                                     {.name = "EVENTS", .is_right = true},
                                                     {.name = "LOST", .is_right = true},
                                                     {.name = "CLOCK"},
                                                     {.name = "CERTIFICATE TO"},
                                                     {.name = "LABELS", .is_wide = true},
                                                     {.name = "NOTE", .is_wide = true},
                                                     {0}};

static void clock_cell(struct table *t, int64_t offset_ms)
{
    char text[64];
    struct buf b = buf_fixed(text, sizeof(text));
    bool is_off = device_clock_words(&b, offset_ms);
    table_tone(t, is_off ? CLI_WARN : CLI_PLAIN, buf_str(&b));
}

static void expiry_cell(struct screen *s, const struct json *d)
{
    struct wall_time end = item_wall(d, "certificate_expires_at");
    bool is_soon = end.ns != 0 && end.ns - s->now.ns < EXPIRES_SOON_NS;
    table_tone(&s->table, is_soon ? CLI_BAD : CLI_PLAIN,
               str_slice(item_str(d, "certificate_expires_at"), 0, 10));
}

static void show_device(struct screen *s, const struct json *d)
{
    struct table *t = &s->table;
    struct str id = item_str(d, "device");
    struct str name = item_str(d, "display_name");
    struct str status = item_str(d, "status");
    if (str_is_empty(name)) {
        table_cell(t, id);
    } else {
        table_cellf(t, STR_FMT " (" STR_FMT ")", STR_ARG(id), STR_ARG(name));
    }
    table_tone(t, screen_tone(status), status);
    if (str_eq(status, STR("online"))) {
        table_cell(t, STR("now"));
    } else {
        table_ago(t, item_wall(d, "last_seen_at"), s->now);
    }
    table_cell(t, item_str(d, "version"));
    table_cell(t, item_str(d, "board"));
    screen_count_cell(t, item_i64(d, "assets"));
    screen_trouble_cell(t, item_i64(d, "failing"));
    screen_freshness_cell(t, d);
    screen_count_cell(t, item_i64(d, "events"));
    screen_trouble_cell(t, item_i64(d, "lost_events"));
    clock_cell(t, item_i64(d, "clock_offset_ms"));
    expiry_cell(s, d);
    table_cell(t, screen_join(s, d, "labels", " "));
    table_cell(t, device_note(d, s->now));
}

static bool list_devices(struct screen *s, struct err *err)
{
    const char *name = cli_arg(s->cli, 0);
    target_begin(&s->target, "/api/v1/devices");
    target_query(&s->target, "to", str_from(name != NULL ? name : cli_text(s->cli, "to")));
    if (!screen_list(s, device_columns, 0, show_device, err)) {
        return false;
    }
    if (name != NULL && s->count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no device %s", name);
        return err_hint(err, "list them: selvedge-hub devices");
    }
    return true;
}

int command_devices(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list_devices,
                          cli_text(cli, "to") != NULL
                              ? "no such devices"
                              : "no devices yet; let one join: selvedge-hub token create");
}

/* --- refusals ----------------------------------------------------------------------------- */

static const struct table_column refusal_columns[] = {
    {.name = "WHEN"}, {.name = "WHO"}, {.name = "WHAT"}, {.name = "WHY", .is_wide = true}, {0}};

/* What to do, once for all lines that it is the same for: below the table. */
static void note_advice(struct screen *s, const struct json *refusal)
{
    struct str advice = item_str(refusal, "advice");
    if (!str_contains(buf_str(&s->text), advice)) {
        buf_addf(&s->text, "\n%s" STR_FMT "%s: " STR_FMT "\n", cli_tone_on(s->cli, CLI_STRONG),
                 STR_ARG(item_str(refusal, "what")), cli_tone_off(s->cli, CLI_STRONG),
                 STR_ARG(advice));
    }
}

static void show_refusal(struct screen *s, const struct json *refusal)
{
    note_advice(s, refusal);
    table_ago(&s->table, item_wall(refusal, "at"), s->now);
    table_cell(&s->table, item_str(refusal, "peer"));
    table_cell(&s->table, item_str(refusal, "what"));
    table_cell(&s->table, item_str(refusal, "why"));
}

static bool list_refusals(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/refusals");
    target_query(&s->target, "peer", str_from(cli_arg(s->cli, 0)));
    if (!screen_list(s, refusal_columns, cli_i64(s->cli, "limit"), show_refusal, err)) {
        return false;
    }
    if (s->table.cell_count > 0) {
        table_print(&s->table, s->cli);
        table_release(&s->table);
        s->table = (struct table){0};
        cli_printf(s->cli, STR_FMT, STR_ARG(buf_str(&s->text)));
    }
    return true;
}

int command_refusals(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list_refusals, "nobody was turned away");
}
