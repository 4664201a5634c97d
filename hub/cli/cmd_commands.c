/* cmd_commands.c - commands that were given: listed, shown, withdrawn. */
#include "hub/cli/command_wait.h"

#include "common/cli/text.h"
#include "hub/rows/order_rows.h"

/* --- all -------------------------------------------------------------------------------------- */

static const struct table_column columns[] = {{.name = "COMMAND"},
                                              {.name = "VERB"},
                                              {.name = "STATE"},
                                              {.name = "GIVEN"},
                                              {.name = "TO", .is_wide = true},
                                              {.name = "DEVICES", .is_wide = true},
                                              {0}};

static void add_counts(struct buf *out, const struct json *command)
{
    struct fate_counts counts = {.away = item_count(command, "away")};
    for (int i = 0; i < FATE_COUNT; i++) {
        counts.of[i] = item_count(command, order_fate_name((enum order_fate)i));
    }
    fate_counts_add(out, &counts);
}

static void show_command(struct screen *s, const struct json *command)
{
    struct table *t = &s->table;
    struct str state = item_str(command, "state");
    table_cell(t, item_str(command, "command"));
    table_cell(t, item_str(command, "verb"));
    table_tone(t, str_eq(state, STR("open")) ? CLI_STRONG : CLI_FAINT, state);
    table_ago(t, item_wall(command, "given_at"), s->now);
    table_cell(t, item_str(command, "to"));
    buf_reset(&s->text);
    add_counts(&s->text, command);
    table_cell(t, buf_str(&s->text));
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/commands");
    return screen_list(s, columns, cli_i64(s->cli, "limit"), show_command, err);
}

/* --- one -------------------------------------------------------------------------------------- */

static const struct table_column device_columns[] = {{.name = "DEVICE"},
                                                     {.name = "STATUS"},
                                                     {.name = "WHEN"},
                                                     {.name = "RUN"},
                                                     {.name = "WHAT", .is_wide = true},
                                                     {0}};

static void show_device(struct screen *s, const struct json *d)
{
    struct table *t = &s->table;
    struct str status = item_str(d, "status");
    struct str why = item_str(d, "reason");
    struct wall_time answered = item_wall(d, "answered_at");
    const struct json *result = json_get(d, "result");
    table_cell(t, item_str(d, "device"));
    table_tone(t, fate_tone(fate_of(status)), status);
    table_ago(t, answered.ns != 0 ? answered : item_wall(d, "sent_at"), s->now);
    table_cell(t, item_str(d, "run"));
    buf_reset(&s->text);
    if (!str_is_empty(why)) {
        buf_add(&s->text, why);
    } else if (result != NULL) {
        json_write(&s->text, result);
    }
    table_cell(t, buf_str(&s->text));
}

static void show_facts(struct screen *s, const struct json *c)
{
    struct cli *cli = s->cli;
    struct wall_time expires = item_wall(c, "expires_at");
    const struct json *args = json_get(c, "args");
    buf_reset(&s->text);
    if (args != NULL) {
        json_write(&s->text, args);
    }
    cli_printf(cli, "%s" STR_FMT "%s  " STR_FMT " to " STR_FMT "  " STR_FMT "\n",
               cli_tone_on(cli, CLI_STRONG), STR_ARG(item_str(c, "verb")),
               cli_tone_off(cli, CLI_STRONG), STR_ARG(buf_str(&s->text)),
               STR_ARG(item_str(c, "to")), STR_ARG(item_str(c, "state")));
    buf_reset(&s->text);
    buf_add(&s->text, expires.ns > s->now.ns ? STR("expires ") : STR("expired "));
    buf_add_ago(&s->text, expires, s->now);
    struct str by = item_str(c, "given_by");
    cli_printf(cli, "%s%s" STR_FMT "%ssigned by " STR_FMT ", " STR_FMT "%s\n\n",
               cli_tone_on(cli, CLI_FAINT), str_is_empty(by) ? "" : "given by ", STR_ARG(by),
               str_is_empty(by) ? "" : ", ", STR_ARG(item_str(c, "key")),
               STR_ARG(buf_str(&s->text)), cli_tone_off(cli, CLI_FAINT));
}

static bool show_one(struct screen *s, struct err *err)
{
    const struct json *c = NULL;
    struct str text = STR_NONE;
    target_begin(&s->target, "/api/v1/commands");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    if (!screen_read(s, &c, &text, err)) {
        return false;
    }
    s->count++;
    if (cli_is_json(s->cli)) {
        return screen_print_without(s, text, "device_list", err) &&
               command_summary(s, c, text, err);
    }
    show_facts(s, c);
    s->table = table_new(device_columns);
    for (const struct json *d = item_first(c, "device_list"); d != NULL; d = d->next) {
        show_device(s, d);
    }
    return true;
}

int command_commands(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, cli_arg(cli, 0) != NULL ? show_one : list,
                          "no commands yet; give one: selvedge-hub command --to DEVICE ping");
}

/* --- withdrawing ------------------------------------------------------------------------------ */

static bool withdraw(struct screen *s, struct err *err)
{
    const struct json *done = NULL;
    struct str text = STR_NONE;
    target_begin(&s->target, "/api/v1/commands");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    buf_add_text(&s->target, "/cancel");
    if (!screen_act(s, HTTP_POST, STR_NONE, &done, &text, err)) {
        return false;
    }
    s->count++;
    if (cli_is_json(s->cli)) {
        cli_json(s->cli, text);
        return true;
    }
    int64_t unsent = item_count(done, "never_sent");
    cli_printf(s->cli,
               "withdrawn: %lld device%s will not get it; what was sent already may be carried "
               "out\n",
               (long long)unsent, unsent == 1 ? "" : "s");
    return true;
}

int command_commands_cancel(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, withdraw, "");
}
