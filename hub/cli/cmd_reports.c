/* cmd_reports.c - the reports of the settings and what came of them; and the runs of ourselves with which
 * the web process makes one and the hub delivers one. */
#include "hub/cli/screen.h"

#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "hub/delivery/deliver.h"
#include "hub/report/question.h"
#include "hub/report/report_make.h"
#include <string.h>
#include <unistd.h>

static const struct table_column columns[] = {{.name = "REPORT"},
                                              {.name = "SCHEDULE"},
                                              {.name = "TO"},
                                              {.name = "DELIVERED"},
                                              {.name = "NEXT"},
                                              {.name = "TROUBLE", .is_wide = true},
                                              {0}};

static void show_report(struct screen *s, const struct json *r)
{
    struct table *t = &s->table;
    struct str error = item_str(r, "error");
    bool is_due = item_wall(r, "due_since").ns != 0;
    table_cell(t, item_str(r, "report"));
    table_cellf(t, STR_FMT " " STR_FMT, STR_ARG(item_str(r, "cron")),
                STR_ARG(item_str(r, "timezone")));
    table_cell(t, item_str(r, "to"));
    table_ago(t, item_wall(r, "delivered_at"), s->now);
    table_ago(t, item_wall(r, "next_at"), s->now);
    if (str_is_empty(error)) {
        table_cell(t, is_due ? STR("under way") : STR_NONE);
    } else {
        table_tone(t, CLI_BAD, error);
    }
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/reports");
    return screen_list(s, columns, 0, show_report, err);
}

int command_reports(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list, "no reports are set up; see `reports` in hub.yaml");
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
