/* cmd_reports.c - the reports of the settings and what came of them; and the run of ourselves with which
 * the hub delivers one. */
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "hub/cli/commands.h"
#include "hub/delivery/deliver.h"
#include "hub/delivery/zone.h"

#include "common/platform/clock.h"
#include <string.h>
#include <unistd.h>

enum { REPORT_ARENA_BYTES = 1 << 20 };

struct listing {
    struct cli *cli;
    const struct hub_report *report;
    struct delivery_row row;
    struct wall_time next, now;
};

static bool find_next(const struct hub_report *r, struct wall_time now, struct arena *arena,
                      struct wall_time *ret, struct err *err)
{
    struct cron cron;
    const struct tz *tz = NULL;
    if (!cron_parse(r->cron, &cron, err) || !zone_load(r->timezone, arena, &tz, err)) {
        return false;
    }
    *ret = (struct wall_time){0};
    (void)cron_next(&cron, tz, now, ret); /* never: it stays 0 */
    return true;
}

static void write_line(const struct listing *l)
{
    const struct delivery_row *row = &l->row;
    AUTO(buf) line = buf_growing(64 << 10);
    AUTO(buf) to = buf_growing(32 << 10);
    struct json_writer w = json_writer(&line);
    hub_report_describe(l->report, &to);
    jw_begin_object(&w);
    jw_member_str(&w, "report", l->report->name);
    jw_member_str(&w, "cron", l->report->cron);
    jw_member_str(&w, "timezone", l->report->timezone);
    jw_member_i64(&w, "since_s", l->report->since_ns / NS_PER_SEC);
    jw_member_opt(&w, "group_by", l->report->group_by);
    jw_member_str(&w, "format", str_from(hub_report_formats[l->report->format]));
    jw_member_str(&w, "to", buf_str(&to));
    jw_member_opt_wall(&w, "next_at", l->next);
    jw_member_opt_wall(&w, "delivered_at", row->delivered);
    jw_member_opt_wall(&w, "delivered_for", row->delivered_for);
    jw_member_opt_wall(&w, "due_since", row->delivery.due);
    if (row->delivery.due.ns != 0) {
        jw_member_i64(&w, "attempts", row->delivery.attempts);
        jw_member_opt_wall(&w, "next_attempt_at", row->delivery.next);
    }
    jw_member_opt_wall(&w, "failed_at", row->failed);
    jw_member_opt(&w, "error", row->error);
    jw_end_object(&w);
    cli_json(l->cli, buf_str(&line));
}

static void add_row(const struct listing *l, struct table *t)
{
    AUTO(buf) to = buf_growing(32 << 10);
    hub_report_describe(l->report, &to);
    table_cell(t, l->report->name);
    table_cellf(t, STR_FMT " " STR_FMT, STR_ARG(l->report->cron), STR_ARG(l->report->timezone));
    table_cell(t, buf_str(&to));
    table_ago(t, l->row.delivered, l->now);
    table_ago(t, l->next, l->now);
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
    struct db *db = NULL;
    bool ok = delivery_rows_open(&db, settings->database, err);
    for (size_t i = 0; ok && i < settings->config.reports.count; i++) {
        struct listing l = {.cli = cli, .report = &all[i], .now = clock_wall(&clock)};
        const struct delivery_key key = {all[i].name, DELIVERY_SCHEDULED};
        arena_reset(&arena);
        ok = find_next(&all[i], l.now, &arena, &l.next, err) &&
             delivery_rows_find(db, key, &arena, &l.row, err);
        if (ok && cli_is_json(cli)) {
            write_line(&l);
        } else if (ok) {
            add_row(&l, t);
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
