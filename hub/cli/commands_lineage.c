/* commands_lineage.c - what contradicts the log, and two hosts with one identity. */
#include "hub/cli/screen.h"

/* --- quarantine ------------------------------------------------------------------------------ */

static const struct table_column quarantine_columns[] = {{.name = "ID", .is_right = true},
                                                         {.name = "CAME"},
                                                         {.name = "DEVICE"},
                                                         {.name = "EPOCH"},
                                                         {.name = "SEQ", .is_right = true},
                                                         {.name = "DIFFERS AT", .is_right = true},
                                                         {.name = "TIMES", .is_right = true},
                                                         {.name = "BYTES", .is_right = true},
                                                         {0}};

static void show_quarantined(struct screen *s, const struct json *q)
{
    struct table *t = &s->table;
    table_i64(t, item_i64(q, "id"));
    table_ago(t, item_wall(q, "at"), s->now);
    table_cell(t, item_str(q, "device"));
    table_cell(t, item_str(q, "epoch"));
    table_cellf(t, "%lld-%lld", (long long)item_i64(q, "first"), (long long)item_i64(q, "last"));
    table_i64(t, item_i64(q, "differs_at"));
    table_i64(t, item_i64(q, "times"));
    table_i64(t, item_i64(q, "bytes"));
}

static int command_quarantine(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    target_begin(&s.target, "/api/v1/quarantine");
    target_query(&s.target, "device", str_from(cli_arg(cli, 0)));
    bool ok = screen_list(&s, quarantine_columns, cli_i64(cli, "limit"), show_quarantined, &err);
    return screen_close(&s, ok, &err, "nothing contradicts the log");
}

/* Its events, one a line, as they came. */
static bool print_events(struct screen *s, struct err *err)
{
    const struct json *batch = NULL;
    target_begin(&s->target, "/api/v1/quarantine");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    if (!screen_read(s, &batch, NULL, err)) {
        return false;
    }
    for (const struct json *e = item_first(batch, "events"); e != NULL; e = e->next) {
        buf_reset(&s->text);
        json_write(&s->text, e);
        cli_json(s->cli, buf_str(&s->text));
    }
    s->count++;
    return true;
}

static int command_quarantine_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    bool ok = print_events(&s, &err);
    return screen_close(&s, ok, &err, "");
}

/* --- clones ---------------------------------------------------------------------------------- */

static const struct table_column clone_columns[] = {{.name = "DEVICE"},
                                                    {.name = "CUT OFF"},
                                                    {.name = "SINCE"},
                                                    {.name = "WHY", .is_wide = true},
                                                    {0}};

static void show_clone(struct screen *s, const struct json *clone)
{
    table_cell(&s->table, item_str(clone, "device"));
    table_cell(&s->table, item_str(clone, "epoch"));
    table_ago(&s->table, item_wall(clone, "at"), s->now);
    table_cell(&s->table, item_str(clone, "why"));
}

static int command_clones(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    target_begin(&s.target, "/api/v1/clones");
    bool ok = screen_list(&s, clone_columns, 0, show_clone, &err);
    return screen_close(&s, ok, &err, "no device is told by two hosts");
}

static bool accept_clone(struct screen *s, struct err *err)
{
    const struct json *none = NULL;
    struct json_writer w = json_writer(&s->text);
    target_begin(&s->target, "/api/v1/clones");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    buf_add_text(&s->target, "/accept");
    jw_begin_object(&w);
    jw_member_opt(&w, "epoch", str_from(cli_arg(s->cli, 1)));
    jw_end_object(&w);
    if (!screen_act(s, HTTP_POST, buf_str(&s->text), &none, NULL, err)) {
        return false;
    }
    s->count++;
    cli_printf(s->cli, "%s is listened to again\n", cli_arg(s->cli, 0));
    return true;
}

static int command_clones_accept(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    bool ok = accept_clone(&s, &err);
    return screen_close(&s, ok, &err, "");
}

const struct cli_command commands_lineage[] = {
    {.name = "quarantine",
     .args = "[DEVICE]",
     .summary = "list batches that contradict the log, newest first",
     .description =
         "A device that was put back to an earlier state, or a second one with its identity, sends "
         "other events under numbers that were merged already. They are kept aside as they came, "
         "the newest 16 of a device and 256 of all; the device begins a new epoch and sends what "
         "waits under that. DIFFERS AT is the number whose event is another one in the log.",
     .options = CLI_OPTIONS(CLI_LIMIT("20", 1000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-hub quarantine brooklyn", "of one device"}),
     .run = command_quarantine},
    {.name = "quarantine show",
     .args = "ID",
     .summary = "print the events of such a batch, one a line",
     .examples = CLI_EXAMPLES({"selvedge-hub quarantine show 7 | jq .", NULL}),
     .run = command_quarantine_show},
    {.name = "clones",
     .summary = "list devices that two hosts claim to be, and which is not listened to",
     .description =
         "When two hosts speak in turn with the identity of one device, the one whose database was "
         "known later is cut off: what it sends is refused, and it keeps it. Give one of them a "
         "name of its own by enrolling it anew; or, if there is one only, accept it.",
     .examples = CLI_EXAMPLES({"selvedge-hub clones", NULL}),
     .run = command_clones},
    {.name = "clones accept",
     .args = "DEVICE [EPOCH]",
     .summary = "listen to what was cut off again",
     .description = "With an EPOCH of the list only to that database, else to all of the device.",
     .examples = CLI_EXAMPLES({"selvedge-hub clones accept brooklyn", NULL}),
     .run = command_clones_accept},
    {0}};
