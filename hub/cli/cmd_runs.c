/* cmd_runs.c - runs of the fleet, and the events of one. */
#include "hub/cli/look.h"
#include "hub/cli/run_output.h"

#include "common/cli/show.h"
#include <stdio.h>

enum { RUN_TEXT_SIZE = LIMIT_ASSET_KEY_BYTES + 1 };

/* --- runs --------------------------------------------------------------------------------- */

static void show_run(void *ctx, const struct hub_run *run)
{
    struct look *look = ctx;
    struct table *t = &look->table;
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        row_run(&w, run);
        look_end_line(look, &w);
        return;
    }
    table_cell(t, run->run);
    table_cell(t, run->device);
    table_tone(t, look_tone(run->status), run->status);
    table_cell(t, str_is_empty(run->job) ? run->selection : run->job);
    table_cell(t, str_is_empty(run->cause_name) ? run->cause : run->cause_name);
    if (run->steps == HUB_UNKNOWN) {
        table_cell(t, STR_NONE);
    } else {
        table_cellf(t, "%lld/%lld", (long long)run->steps_success, (long long)run->steps);
    }
    bool is_over = run->ended.ns != 0 && run->started.ns != 0;
    table_duration(t, is_over ? run->ended.ns - run->started.ns : -1);
    table_ago(t, run->enqueued.ns != 0 ? run->enqueued : run->started, look->now);
    table_cell(t, look_message(look, run->error));
}

int command_runs(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct look look;
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&look, cli,
                   TABLE_COLUMNS({.name = "RUN"}, {.name = "DEVICE"}, {.name = "STATUS"},
                                 {.name = "JOB OR SELECTION", .is_wide = true}, {.name = "CAUSE"},
                                 {.name = "STEPS", .is_right = true},
                                 {.name = "TOOK", .is_right = true}, {.name = "QUEUED"},
                                 {.name = "ERROR", .is_wide = true}),
                   &code)) {
        return code;
    }
    struct hub_filter filter = {.device = str_from(cli_text(cli, "device")),
                                .status = str_from(cli_text(cli, "status")),
                                .asset = str_from(cli_text(cli, "asset")),
                                .limit = cli_i64(cli, "limit")};
    bool ok = hub_each_run(look.db, &filter, show_run, &look, &err);
    return look_close(&look, ok, &err, "no runs");
}

/* --- logs --------------------------------------------------------------------------------- */

struct found_run {
    int64_t count;
    bool is_exact;
    char device[RUN_TEXT_SIZE];
    char run[RUN_TEXT_SIZE];
    struct str wanted;
};

static void on_found(void *ctx, struct str device, struct str run)
{
    struct found_run *found = ctx;
    bool is_exact = str_eq(run, found->wanted);
    if (found->is_exact && !is_exact) {
        return;
    }
    found->count = is_exact && !found->is_exact ? 1 : found->count + 1;
    found->is_exact = is_exact;
    (void)snprintf(found->device, sizeof(found->device), STR_FMT, STR_ARG(device));
    (void)snprintf(found->run, sizeof(found->run), STR_FMT, STR_ARG(run));
}

/* By id, by the beginning of one, or the newest. */
static bool find_run(struct look *look, struct found_run *ret, struct err *err)
{
    struct str device = str_from(cli_text(look->cli, "device"));
    struct str wanted = str_from(cli_arg(look->cli, 0));
    struct hub_filter filter = {.device = device, .limit = str_is_empty(wanted) ? 1 : 1000};
    *ret = (struct found_run){.wanted = wanted};
    if (!hub_each_run_like(look->db, str_is_empty(wanted) ? STR("") : wanted, &filter, on_found,
                           ret, err)) {
        return false;
    }
    if (ret->count == 0) {
        (void)(str_is_empty(wanted)
                   ? err_set(err, ERR_NOT_FOUND, "there are no runs yet")
                   : err_set(err, ERR_NOT_FOUND, "there is no run " STR_FMT, STR_ARG(wanted)));
        return err_hint(err, "list them: selvedge-hub runs");
    }
    if (ret->count > 1) {
        (void)err_set(err, ERR_INVALID, "%lld runs begin with " STR_FMT, (long long)ret->count,
                      STR_ARG(wanted));
        return err_hint(err, "give more of the id, or --device");
    }
    return true;
}

static void show_event(void *ctx, const struct hub_event *event)
{
    struct look *look = ctx;
    look->count++;
    cli_event(look->cli, event->body);
}

int command_logs(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct look look;
    struct found_run run;
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&look, cli, TABLE_COLUMNS({.name = "EVENT"}), &code)) {
        return code;
    }
    bool ok = find_run(&look, &run, &err);
    if (ok && cli_bool(cli, "output")) {
        code = run_output(&look, str_from(run.device), str_from(run.run));
        look.count = 1;
        (void)look_close(&look, true, &err, "");
        return code;
    }
    if (ok && !cli_is_json(cli)) {
        cli_printf(cli, "%srun %s on %s%s\n", cli_tone_on(cli, CLI_FAINT), run.run, run.device,
                   cli_tone_off(cli, CLI_FAINT));
    }
    struct hub_filter filter = {.device = str_from(run.device), .run = str_from(run.run)};
    ok = ok && hub_each_event(look.db, &filter, show_event, &look, &err);
    return look_close(&look, ok, &err, "no events of it are here yet");
}
