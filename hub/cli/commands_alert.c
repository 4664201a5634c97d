/* commands_alert.c - alerts: what is open, and keeping them quiet for a while. */
#include "hub/cli/screen.h"

/* --- alerts ----------------------------------------------------------------------------------- */

static const struct table_column alert_columns[] = {{.name = "STATUS"},
                                                    {.name = "SINCE"},
                                                    {.name = "KIND"},
                                                    {.name = "WHAT", .is_wide = true},
                                                    {0}};

static void show_alert(struct screen *s, const struct json *a)
{
    struct str status = item_str(a, "status");
    bool is_firing = str_eq(status, STR("firing"));
    table_tone(&s->table, is_firing ? CLI_BAD : CLI_PLAIN, status);
    table_ago(&s->table, item_wall(a, "since"), s->now);
    table_cell(&s->table, item_str(a, "kind"));
    table_cell(&s->table, item_str(a, "text"));
}

static bool list_alerts(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/alerts");
    target_query(&s->target, "all", cli_bool(s->cli, "all") ? STR("true") : STR_NONE);
    return screen_list(s, alert_columns, cli_i64(s->cli, "limit"), show_alert, err);
}

static int command_alerts(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list_alerts, "no alert is open");
}

/* --- silences --------------------------------------------------------------------------------- */

static bool add_silence(struct screen *s, struct err *err)
{
    const struct json *none = NULL;
    struct json_writer w = json_writer(&s->text);
    char until[WALL_TEXT_SIZE];
    target_begin(&s->target, "/api/v1/silences");
    jw_begin_object(&w);
    jw_member_str(&w, "targets", str_from(cli_arg(s->cli, 0)));
    jw_member_str(&w, "for", str_from(cli_text(s->cli, "for")));
    jw_member_opt(&w, "kind", str_from(cli_text(s->cli, "kind")));
    jw_member_opt(&w, "reason", str_from(cli_text(s->cli, "reason")));
    jw_end_object(&w);
    if (!screen_act(s, HTTP_POST, buf_str(&s->text), &none, NULL, err)) {
        return false;
    }
    s->count++;
    cli_printf(s->cli, "silent until %.16s UTC\n",
               wall_format((struct wall_time){s->now.ns + cli_i64(s->cli, "for")}, until));
    return true;
}

static int command_silence(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, add_silence, "");
}

static const struct table_column silence_columns[] = {{.name = "ID", .is_right = true},
                                                      {.name = "DEVICES"},
                                                      {.name = "KIND"},
                                                      {.name = "UNTIL (UTC)"},
                                                      {.name = "REASON", .is_wide = true},
                                                      {0}};

static void show_silence(struct screen *s, const struct json *silence)
{
    struct str kind = item_str(silence, "kind");
    char until[WALL_TEXT_SIZE];
    table_i64(&s->table, item_i64(silence, "silence"));
    table_cell(&s->table, item_str(silence, "targets"));
    table_cell(&s->table, str_is_empty(kind) ? STR("all") : kind);
    table_cell(&s->table,
               str_slice(str_from(wall_format(item_wall(silence, "until"), until)), 0, 16));
    table_cell(&s->table, item_str(silence, "reason"));
}

static bool list_silences(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/silences");
    return screen_list(s, silence_columns, 0, show_silence, err);
}

static int command_silences(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list_silences, "nothing is silenced");
}

static bool end_silence(struct screen *s, struct err *err)
{
    const struct json *none = NULL;
    int64_t id = 0;
    if (!str_to_i64(str_from(cli_arg(s->cli, 0)), 1, INT64_MAX, &id)) {
        (void)err_set(err, ERR_INVALID, "\"%s\" is no number of a silence", cli_arg(s->cli, 0));
        return err_hint(err, "list them: selvedge-hub alerts silences");
    }
    s->count++;
    target_begin(&s->target, "/api/v1/silences");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    return screen_act(s, HTTP_DELETE, STR_NONE, &none, NULL, err);
}

static int command_unsilence(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, end_silence, "");
}

static bool send_test(struct screen *s, struct err *err)
{
    const struct json *sent = NULL;
    target_begin(&s->target, "/api/v1/alerts/test");
    if (!screen_act(s, HTTP_POST, STR_NONE, &sent, NULL, err)) {
        return false;
    }
    s->count++;
    cli_printf(s->cli,
               "a test goes out by " STR_FMT ", once the hub is running; what goes wrong is in "
               "its log\n",
               STR_ARG(screen_join(s, sent, "ways", ", ")));
    return true;
}

static int command_test(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, send_test, "");
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
                            CLI_LIMIT("100", 1000000, "how many")),
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
