/* cmd_reports.c - the reports of the settings and what came of them; and the run of ourselves with which
 * the hub delivers one. */
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "hub/cli/commands.h"
#include "hub/delivery/deliver.h"
#include "hub/rows/report_rows.h"

#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "hub/report/question.h"
#include "hub/report/report_make.h"
#include <string.h>
#include <unistd.h>

enum { REPORT_ARENA_BYTES = 1 << 20 };

static void write_line(struct cli *cli, const struct delivery_listed *listed)
{
    AUTO(buf) line = buf_growing(64 << 10);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    row_report(&w, listed);
    jw_end_object(&w);
    cli_json(cli, buf_str(&line));
}

static void add_row(const struct delivery_listed *l, struct wall_time now, struct table *t)
{
    AUTO(buf) to = buf_growing(32 << 10);
    hub_report_describe(l->settings, &to);
    table_cell(t, l->settings->name);
    table_cellf(t, STR_FMT " " STR_FMT, STR_ARG(l->settings->cron), STR_ARG(l->settings->timezone));
    table_cell(t, buf_str(&to));
    table_ago(t, l->row.delivered, now);
    table_ago(t, l->next, now);
    if (l->row.failed.ns != 0) {
        table_tone(t, CLI_BAD, l->row.error);
    } else {
        table_cell(t, l->row.delivery.due.ns != 0 ? STR("under way") : STR(""));
    }
}

static bool list(struct cli *cli, const struct settings *settings, struct table *t, struct err *err)
{
    AUTO(arena) arena = arena_new(REPORT_ARENA_BYTES);
    struct clock clock = clock_system();
    const struct hub_report *all = settings->config.reports.items;
    struct wall_time now = clock_wall(&clock);
    struct db *db = NULL;
    bool ok = delivery_rows_open(&db, settings->database, err);
    for (size_t i = 0; ok && i < settings->config.reports.count; i++) {
        struct delivery_listed listed;
        arena_reset(&arena);
        ok = delivery_list_one(db, &all[i], now, &arena, &listed, err);
        if (ok && cli_is_json(cli)) {
            write_line(cli, &listed);
        } else if (ok) {
            add_row(&listed, now, t);
        }
    }
    db_close(db);
    return ok;
}

int command_reports(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        AUTO(table)
        t = table_new(TABLE_COLUMNS({.name = "REPORT"}, {.name = "SCHEDULE"}, {.name = "TO"},
                                    {.name = "DELIVERED"}, {.name = "NEXT"},
                                    {.name = "TROUBLE", .is_wide = true}));
        if (list(cli, &settings, &t, &err)) {
            table_print_list(&t, cli, "no reports are set up; see `reports` in hub.yaml");
        } else {
            code = cli_error(cli, &err);
        }
    }
    settings_release(&settings);
    return code;
}

/* Of the times that are given, whatever the time is; the web process has asked what may be asked. */
static bool make(struct cli *cli, const struct settings *settings, struct err *err)
{
    struct clock clock = clock_system();
    AUTO(buf) out = buf_growing(REPORT_BYTES_MAX);
    struct db *store = NULL;
    struct report_form form = {0};
    struct report_question question = report_question_from(&settings->config, clock_wall(&clock));
    question.group_by = str_from(cli_text(cli, "group-by"));
    question.since.ns = cli_i64(cli, "since-ms") * NS_PER_MS;
    question.until.ns = cli_i64(cli, "until-ms") * NS_PER_MS;
    (void)report_format_from(str_from(cli_text(cli, "format")), &form.format);
    (void)report_section_from(str_from(cli_text(cli, "section")), &form.section);
    bool ok = open_reader(settings, &store, err) &&
              report_make(store, &question, &form, &out, err) &&
              files_write_fd(STDOUT_FILENO, buf_str(&out), err);
    db_close(store);
    return ok;
}

int command_report_make(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code) && !make(cli, &settings, &err)) {
        code = cli_error(cli, &err);
    }
    settings_release(&settings);
    return code;
}

int command_report_send(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        bool is_asked = strcmp(cli_text(cli, "cause"), delivery_cause_names[DELIVERY_ASKED]) == 0;
        const struct delivery_key key = {str_from(cli_arg(cli, 0)),
                                         is_asked ? DELIVERY_ASKED : DELIVERY_SCHEDULED};
        if (!deliver(&settings.config, settings.database, key, STDOUT_FILENO, &err)) {
            code = cli_error(cli, &err);
        }
    }
    settings_release(&settings);
    return code;
}
