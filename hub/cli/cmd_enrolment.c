/* cmd_enrolment.c - who asks to join without a token, and what a person says to it. */
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "hub/cli/commands.h"
#include "hub/rows/enrolment_rows.h"

enum { LINE_BYTES_MAX = 64 << 10 };

struct list {
    struct cli *cli;
    struct table table;
    struct wall_time now;
};

static void json_row(struct cli *cli, const struct registry_pending *row)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    row_pending(&w, row);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static void list_row(void *ctx, const struct registry_pending *row)
{
    struct list *list = ctx;
    char fingerprint[FINGERPRINT_SHORT_SIZE];
    fingerprint_short(row->key_fingerprint, fingerprint);
    if (cli_is_json(list->cli)) {
        json_row(list->cli, row);
        return;
    }
    table_cell(&list->table, row->device);
    table_text(&list->table, fingerprint);
    table_tone(&list->table, str_eq(row->status, STR("waiting")) ? CLI_WARN : CLI_FAINT,
               row->status);
    table_ago(&list->table, row->first, list->now);
    table_ago(&list->table, row->last, list->now);
    table_cell(&list->table, row->serial_number);
    table_cell(&list->table, row->board);
}

int command_enrolments(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct registry *registry = NULL;
    struct clock clock = clock_system();
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        struct list list = {.cli = cli, .now = clock_wall(&clock)};
        list.table = table_new(TABLE_COLUMNS(
            {.name = "NAME"}, {.name = "FINGERPRINT"}, {.name = "STATUS"}, {.name = "SINCE"},
            {.name = "ASKED LAST"}, {.name = "SERIAL NUMBER"}, {.name = "BOARD", .is_wide = true}));
        if (!registry_open(&registry, settings.database, &err) ||
            !registry_each_pending(registry, list.now, list_row, &list, &err)) {
            code = cli_error(cli, &err);
        } else {
            table_print_list(&list.table, cli, "nobody waits");
        }
        table_release(&list.table);
        registry_close(registry);
    }
    settings_release(&settings);
    return code;
}

static bool decide(struct cli *cli, const struct settings *settings, bool is_accepted,
                   struct err *err)
{
    struct registry *registry = NULL;
    char key[FINGERPRINT_TEXT_SIZE];
    bool ok = fingerprint_read(str_from(cli_text(cli, "fingerprint")), key, err) &&
              registry_open(&registry, settings->database, err) &&
              registry_decide_pending(registry, str_from(cli_arg(cli, 0)), str_from(key),
                                      is_accepted, err);
    registry_close(registry);
    return ok;
}

static int decide_or_say(struct cli *cli, bool is_accepted)
{
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (!decide(cli, &settings, is_accepted, &err)) {
            code = cli_error(cli, &err);
        } else if (!cli_is_json(cli)) {
            cli_printf(cli, "%s is %s; it hears of it when it asks next\n", cli_arg(cli, 0),
                       is_accepted ? "accepted" : "rejected");
        }
    }
    settings_release(&settings);
    return code;
}

int command_enrolment_accept(struct cli *cli, void *ctx)
{
    (void)ctx;
    return decide_or_say(cli, true);
}

int command_enrolment_reject(struct cli *cli, void *ctx)
{
    (void)ctx;
    return decide_or_say(cli, false);
}
