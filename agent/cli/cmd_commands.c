/* cmd_commands.c - the journal of commands: what the hub asked this device for, and what came of it. */
#include "agent/cli/commands.h"

#include "agent/store/commands.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

enum { LINE_BYTES_MAX = 64 << 10 };

struct command_list {
    struct cli *cli;
    struct table table;
    struct wall_time now;
};

static enum cli_tone tone_of(enum command_status status)
{
    if (status == COMMAND_STATUS_FAILED || status == COMMAND_REFUSED) {
        return CLI_BAD;
    }
    return status == COMMAND_SUCCEEDED ? CLI_GOOD : CLI_PLAIN;
}

/* What it waits for, as far as that is known here. */
static struct str waits_for(const struct command_list *list, const struct stored_command *c)
{
    bool is_waiting = c->status == COMMAND_RECEIVED;
    if (is_waiting && !wall_is_set(list->now)) {
        return STR("the clock is not set");
    }
    return is_waiting ? STR("its turn") : STR_NONE;
}

static void json_command(const struct command_list *list, const struct stored_command *c)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "command", c->id);
    jw_member_str(&w, "verb", c->verb);
    jw_member_str(&w, "status", str_from(command_status_name(c->status)));
    jw_member_opt(&w, "code", c->code);
    jw_member_opt(&w, "reason", c->reason);
    jw_member_opt(&w, "waits_for", waits_for(list, c));
    jw_member_opt(&w, "run", c->run);
    jw_member_str(&w, "key", c->signer);
    jw_member_i64(&w, "counter", c->counter);
    jw_member_wall(&w, "issued_at", c->issued_at);
    jw_member_wall(&w, "expires_at", c->expires_at);
    jw_member_wall(&w, "received_at", c->received_at);
    jw_member_wall(&w, "changed_at", c->changed_at);
    jw_end_object(&w);
    cli_json(list->cli, buf_str(&out));
}

static void list_command(void *ctx, const struct stored_command *c)
{
    struct command_list *list = ctx;
    if (cli_is_json(list->cli)) {
        json_command(list, c);
        return;
    }
    AUTO(buf) why = buf_growing(LINE_BYTES_MAX);
    struct str waits = waits_for(list, c);
    buf_add(&why, c->code);
    if (!str_is_empty(c->reason)) {
        buf_addf(&why, "%s" STR_FMT, why.len > 0 ? ": " : "", STR_ARG(c->reason));
    }
    if (why.len == 0 && !str_is_empty(waits)) {
        buf_addf(&why, "waits for " STR_FMT, STR_ARG(waits));
    }
    table_ago(&list->table, c->received_at, list->now);
    table_cell(&list->table, c->verb);
    table_tone(&list->table, tone_of(c->status), str_from(command_status_name(c->status)));
    table_cell(&list->table, c->run);
    table_cell(&list->table, c->id);
    table_cell(&list->table, buf_str(&why));
}

static int list_commands(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    struct clock clock = clock_system();
    struct command_list list = {.cli = cli, .now = clock_wall(&clock)};
    list.table = table_new(TABLE_COLUMNS({.name = "RECEIVED"}, {.name = "VERB"}, {.name = "STATUS"},
                                         {.name = "RUN"}, {.name = "COMMAND"},
                                         {.name = "WHY", .is_wide = true}));
    bool ok = view_open(&view, settings->database, &err) &&
              view_commands(view, cli_bool(cli, "open"), cli_i64(cli, "limit"), list_command, &list,
                            &err);
    if (ok) {
        table_print_list(&list.table, cli, "no commands");
    }
    table_release(&list.table);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

static int command_commands(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, list_commands);
}

const struct cli_command commands_of_hub[] = {
    {.name = "commands",
     .summary = "list what the hub asked this device for, and what came of it, newest first",
     .description = "From the journal that the agent keeps, which is also how it carries out no "
                    "command twice. Messages that are no command to this device are not in it: the "
                    "log tells of them, and `selvedge-agent status` counts them.",
     .options = CLI_OPTIONS({.name = "open",
                             .type = CLI_BOOL,
                             .help = "only those that wait or are being carried out"},
                            CLI_LIMIT("20", 1000000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-agent commands --open", "what goes on, and what waits"}),
     .run = command_commands},
    {0}};
