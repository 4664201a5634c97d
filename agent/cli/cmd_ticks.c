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
    int64_t count;
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
    if (tick->nominal.ns != 0) {
        jw_member_wall(&w, "nominal", tick->nominal);
    }
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
    list->count++;
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

int command_ticks(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct view *view = NULL;
    struct err err = {0};
    struct clock clock = clock_system();
    int code = CLI_OK;
    const char *schedule = cli_text(cli, "schedule");
    const char *sensor = cli_text(cli, "sensor");
    if (schedule != NULL && sensor != NULL) {
        return cli_usage(cli, "give --schedule or --sensor, and not both");
    }
    if (!settings_load(cli, &settings, &code)) {
        settings_release(&settings);
        return code;
    }
    struct view_tick_filter filter = {.limit = cli_i64(cli, "limit")};
    if (schedule != NULL || sensor != NULL) {
        filter.kind = schedule != NULL ? STR("schedule") : STR("sensor");
        filter.name = str_from(schedule != NULL ? schedule : sensor);
    }
    struct tick_list list = {.cli = cli, .now = clock_wall(&clock)};
    list.table = table_new(TABLE_COLUMNS({.name = "DECIDED"}, {.name = "KIND"}, {.name = "NAME"},
                                         {.name = "NOMINAL OR KEY"}, {.name = "STATUS"},
                                         {.name = "RUN"}, {.name = "REASON", .is_wide = true}));
    if (!view_open(&view, settings.database, &err) ||
        !view_ticks(view, &filter, list_tick, &list, &err)) {
        code = cli_error(cli, &err);
    } else if (!cli_is_json(cli) && list.count == 0) {
        cli_printf(cli, "no ticks\n");
    } else if (!cli_is_json(cli)) {
        table_print(&list.table, cli);
    }
    table_release(&list.table);
    view_close(view);
    settings_release(&settings);
    return code;
}
