/* cmd_ticks.c - what became of the ticks of schedules and sensors. */
#include "agent/cli/commands.h"

#include "agent/store/ticks.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

enum { LINE_BYTES_MAX = 64 << 10 };

struct tick_list {
    struct cli *cli;
    struct table table;
    struct wall_time now;
};

static enum cli_tone tone_of(struct str status)
{
    if (str_eq(status, STR("failed"))) {
        return CLI_BAD;
    }
    return str_eq(status, STR("started")) ? CLI_GOOD : CLI_PLAIN;
}

static void json_tick(struct cli *cli, const struct view_tick *tick)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "kind", tick->kind);
    jw_member_str(&w, "name", tick->name);
    jw_member_opt_wall(&w, "nominal", tick->nominal);
    jw_member_wall(&w, "at", tick->at);
    jw_member_str(&w, "status", tick->status);
    jw_member_opt(&w, "run", tick->run);
    jw_member_opt(&w, "partition", tick->partition);
    jw_member_opt(&w, "run_key", tick->run_key);
    jw_member_opt(&w, "reason", tick->reason);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static bool list_tick(void *ctx, const struct view_tick *tick)
{
    struct tick_list *list = ctx;
    char text[WALL_TEXT_SIZE];
    if (cli_is_json(list->cli)) {
        json_tick(list->cli, tick);
        return true;
    }
    table_ago(&list->table, tick->at, list->now);
    table_cell(&list->table, tick->kind);
    table_cell(&list->table, tick->name);
    table_cell(&list->table,
               tick->nominal.ns != 0 ? str_from(wall_format(tick->nominal, text)) : tick->run_key);
    table_tone(&list->table, tone_of(tick->status), tick->status);
    table_cell(&list->table, tick->run);
    table_cell(&list->table, tick->reason);
    return true;
}

static int list_ticks(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    struct clock clock = clock_system();
    const char *schedule = cli_text(cli, "schedule");
    const char *sensor = cli_text(cli, "sensor");
    struct view_tick_filter filter = {.limit = cli_i64(cli, "limit")};
    if (schedule != NULL || sensor != NULL) {
        filter.kind = schedule != NULL ? STR("schedule") : STR("sensor");
        filter.name = str_from(schedule != NULL ? schedule : sensor);
    }
    struct tick_list list = {.cli = cli, .now = clock_wall(&clock)};
    list.table = table_new(TABLE_COLUMNS({.name = "DECIDED"}, {.name = "KIND"}, {.name = "NAME"},
                                         {.name = "NOMINAL OR KEY"}, {.name = "STATUS"},
                                         {.name = "RUN"}, {.name = "REASON", .is_wide = true}));
    bool ok = view_open(&view, settings->database, &err) &&
              view_ticks(view, &filter, list_tick, &list, &err);
    if (ok) {
        table_print_list(&list.table, cli, "no ticks");
    }
    table_release(&list.table);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_ticks(struct cli *cli, void *ctx)
{
    (void)ctx;
    if (cli_text(cli, "schedule") != NULL && cli_text(cli, "sensor") != NULL) {
        return cli_usage(cli, "give --schedule or --sensor, and not both");
    }
    return with_settings(cli, list_ticks);
}
