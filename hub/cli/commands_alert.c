/* commands_alert.c - alerts: what is open, and keeping them quiet for a while. */
#include "hub/alert/alert_payload.h"
#include "hub/alert/alert_rows.h"
#include "hub/cli/look.h"
#include "hub/fleet/poke.h"
#include "hub/rows/hub_rows.h"

#include "common/platform/clock.h"

struct alert_view {
    struct cli *cli;
    struct settings settings;
    struct alert_rows rows;
    struct table table;
    struct wall_time now;
};

static bool open_view(struct alert_view *v, struct cli *cli, int *ret_code)
{
    struct err err = {0};
    struct clock clock = clock_system();
    *v = (struct alert_view){.cli = cli, .now = clock_wall(&clock)};
    if (settings_load(cli, &v->settings, ret_code)) {
        if (alert_rows_open(&v->rows, v->settings.database, &err)) {
            return true;
        }
        *ret_code = cli_error(cli, &err);
    }
    settings_release(&v->settings);
    return false;
}

/* What each of these commands is: opens, does its part, says what went wrong, closes. */
static int carry_out(struct cli *cli, bool (*act)(struct alert_view *v, struct err *err))
{
    struct alert_view v;
    struct err err = {0};
    int code = CLI_OK;
    if (!open_view(&v, cli, &code)) {
        return code;
    }
    if (!act(&v, &err)) {
        code = cli_error(cli, &err);
    }
    table_release(&v.table);
    alert_rows_close(&v.rows);
    settings_release(&v.settings);
    return code;
}

/* --- alerts ----------------------------------------------------------------------------------- */

static void show_alert(void *ctx, const struct alert_listed *a)
{
    struct alert_view *v = ctx;
    struct str status = alert_status(a);
    if (cli_is_json(v->cli)) {
        AUTO(buf) line = buf_growing(ALERT_PAYLOAD_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        row_alert(&w, a, v->settings.config.alert_group);
        jw_end_object(&w);
        cli_json(v->cli, buf_str(&line));
        return;
    }
    AUTO(buf) text = buf_growing(4096);
    alert_sentence(&a->row, v->settings.config.alert_group, a->detail, false, &text);
    bool is_firing = str_eq(status, STR("firing"));
    table_tone(&v->table, is_firing ? CLI_BAD : CLI_PLAIN, status);
    table_ago(&v->table, a->row.opened, v->now);
    table_cell(&v->table, str_from(alert_kind_name(a->row.kind)));
    table_cell(&v->table, buf_str(&text));
}

static bool list_alerts(struct alert_view *v, struct err *err)
{
    v->table = table_new(TABLE_COLUMNS({.name = "STATUS"}, {.name = "SINCE"}, {.name = "KIND"},
                                       {.name = "WHAT", .is_wide = true}));
    bool ok = alert_rows_each(&v->rows, cli_bool(v->cli, "all"), cli_i64(v->cli, "limit"),
                              show_alert, v, err);
    if (ok) {
        table_print_list(&v->table, v->cli, "no alert is open");
    }
    return ok;
}

static int command_alerts(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, list_alerts);
}

/* --- silences --------------------------------------------------------------------------------- */

static bool add_silence(struct alert_view *v, struct err *err)
{
    const struct alert_silence silence = {.targets = str_from(cli_arg(v->cli, 0)),
                                          .kind = str_from(cli_text(v->cli, "kind")),
                                          .reason = str_from(cli_text(v->cli, "reason")),
                                          .until = {v->now.ns + cli_i64(v->cli, "for")}};
    bool ok = alert_rows_silence(&v->rows, &silence, v->now, err);
    if (ok) {
        char until[WALL_TEXT_SIZE];
        poke_send(&v->settings.config);
        cli_printf(v->cli, "silent until %.16s UTC\n", wall_format(silence.until, until));
    }
    return ok;
}

static int command_silence(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, add_silence);
}

static void show_silence(void *ctx, const struct alert_silence *s)
{
    struct alert_view *v = ctx;
    char until[WALL_TEXT_SIZE];
    if (cli_is_json(v->cli)) {
        AUTO(buf) line = buf_growing(128 << 10);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        jw_member_i64(&w, "silence", s->id);
        jw_member_str(&w, "targets", s->targets);
        jw_member_opt(&w, "kind", s->kind);
        jw_member_wall(&w, "until", s->until);
        jw_member_opt(&w, "reason", s->reason);
        jw_end_object(&w);
        cli_json(v->cli, buf_str(&line));
        return;
    }
    table_i64(&v->table, s->id);
    table_cell(&v->table, s->targets);
    table_cell(&v->table, str_is_empty(s->kind) ? STR("all") : s->kind);
    table_cell(&v->table, str_slice(str_from(wall_format(s->until, until)), 0, 16));
    table_cell(&v->table, s->reason);
}

static bool list_silences(struct alert_view *v, struct err *err)
{
    v->table = table_new(TABLE_COLUMNS({.name = "ID", .is_right = true}, {.name = "DEVICES"},
                                       {.name = "KIND"}, {.name = "UNTIL (UTC)"},
                                       {.name = "REASON", .is_wide = true}));
    bool ok = alert_rows_each_silence(&v->rows, v->now, show_silence, v, err);
    if (ok) {
        table_print_list(&v->table, v->cli, "nothing is silenced");
    }
    return ok;
}

static int command_silences(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, list_silences);
}

static bool end_silence(struct alert_view *v, struct err *err)
{
    int64_t id = 0;
    if (!str_to_i64(str_from(cli_arg(v->cli, 0)), 1, INT64_MAX, &id)) {
        (void)err_set(err, ERR_INVALID, "\"%s\" is no number of a silence", cli_arg(v->cli, 0));
        return err_hint(err, "list them: selvedge-hub alerts silences");
    }
    if (!alert_rows_unsilence(&v->rows, id, err)) {
        return false;
    }
    poke_send(&v->settings.config);
    return true;
}

static int command_unsilence(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, end_silence);
}

static bool send_test(struct alert_view *v, struct err *err)
{
    const struct alert_sender sender = alert_sender_of(&v->settings.config);
    bool ok = alert_rows_test(&v->rows, &sender, v->now, err);
    if (ok) {
        poke_send(&v->settings.config);
        cli_printf(v->cli,
                   "a test goes out by%s%s MQTT, once the hub is running; what goes wrong is in "
                   "its log\n",
                   (sender.ways >> ALERT_BY_COMMAND & 1U) != 0 ? " command," : "",
                   (sender.ways >> ALERT_BY_WEBHOOK & 1U) != 0 ? " webhook," : "");
    }
    return ok;
}

static int command_test(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, send_test);
}

const struct cli_command commands_alert[] = {
    {.name = "alerts",
     .summary = "list alerts: what is wrong, where, since when",
     .description =
         "A device's troubles of one kind are one alert; when most devices of a site have it, the "
         "site is one alert. Pending ones have not lasted long enough to be told.",
     .options = CLI_OPTIONS({.name = "all",
                             .letter = 'a',
                             .type = CLI_BOOL,
                             .help = "those that are over, too (of 30 days)"},
                            {.name = "limit",
                             .letter = 'l',
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "100",
                             .min = 1,
                             .max = 1000000,
                             .help = "how many"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub alerts", NULL},
         {"selvedge-hub alerts --json | jq -r 'select(.status==\"firing\").device'", NULL}),
     .run = command_alerts},
    {.name = "alerts silence",
     .args = "TARGETS",
     .summary = "tell nobody of some devices for a while",
     .description = "TARGETS are devices: names, 'label:site=berlin', '*'.",
     .options = CLI_OPTIONS(
         {.name = "for",
          .type = CLI_DURATION,
          .value_name = "TIME",
          .default_text = "2h",
          .help = "how long"},
         {.name = "kind",
          .letter = 'k',
          .type = CLI_STRING,
          .value_name = "KIND",
          .choices = "away|failing|late|buffer|disk|certificate|definitions|lost|clock",
          .help = "only this kind"},
         {.name = "reason", .type = CLI_STRING, .value_name = "TEXT", .help = "shown in the list"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub alerts silence 'label:site=berlin' --for 8h --reason 'power works'", NULL}),
     .run = command_silence},
    {.name = "alerts silences",
     .summary = "list what is silenced",
     .examples = CLI_EXAMPLES({"selvedge-hub alerts silences", NULL}),
     .run = command_silences},
    {.name = "alerts unsilence",
     .args = "ID",
     .summary = "end a silence",
     .examples = CLI_EXAMPLES({"selvedge-hub alerts unsilence 3", NULL}),
     .run = command_unsilence},
    {.name = "alerts test",
     .summary = "send a test by all ways that are set up",
     .examples = CLI_EXAMPLES({"selvedge-hub alerts test", NULL}),
     .run = command_test},
    {0}};
