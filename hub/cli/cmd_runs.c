/* cmd_runs.c - runs of the fleet, and the events of one. */
#include "hub/cli/find_run.h"
#include "hub/cli/follow_output.h"
#include "hub/cli/run_output.h"

#include "common/cli/show.h"
#include "common/json/json_scan.h"

/* --- runs --------------------------------------------------------------------------------- */

static const struct table_column run_columns[] = {{.name = "RUN"},
                                                  {.name = "DEVICE"},
                                                  {.name = "STATUS"},
                                                  {.name = "JOB OR SELECTION", .is_wide = true},
                                                  {.name = "CAUSE"},
                                                  {.name = "STEPS", .is_right = true},
                                                  {.name = "TOOK", .is_right = true},
                                                  {.name = "QUEUED"},
                                                  {.name = "ERROR", .is_wide = true},
                                                  {0}};

static struct str first_of(struct str a, struct str b)
{
    return str_is_empty(a) ? b : a;
}

static void show_run(struct screen *s, const struct json *run)
{
    struct table *t = &s->table;
    struct wall_time enqueued = item_wall(run, "enqueued_at");
    struct wall_time started = item_wall(run, "started_at");
    struct wall_time ended = item_wall(run, "ended_at");
    struct str status = item_str(run, "status");
    int64_t steps = item_i64(run, "steps");
    table_cell(t, item_str(run, "run"));
    table_cell(t, item_str(run, "device"));
    table_tone(t, screen_tone(status), status);
    table_cell(t, first_of(item_str(run, "job"), item_str(run, "selection")));
    table_cell(t, first_of(item_str(run, "cause_name"), item_str(run, "cause")));
    if (steps == HUB_UNKNOWN) {
        table_cell(t, STR_NONE);
    } else {
        table_cellf(t, "%lld/%lld", (long long)item_count(run, "succeeded"), (long long)steps);
    }
    bool is_over = ended.ns != 0 && started.ns != 0;
    table_duration(t, is_over ? ended.ns - started.ns : -1);
    table_ago(t, enqueued.ns != 0 ? enqueued : started, s->now);
    table_cell(t, screen_message(run));
}

int command_runs(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    target_begin(&s.target, "/api/v1/runs");
    target_query(&s.target, "device", str_from(cli_text(cli, "device")));
    target_query(&s.target, "status", str_from(cli_text(cli, "status")));
    target_query(&s.target, "asset", str_from(cli_text(cli, "asset")));
    bool ok = screen_list(&s, run_columns, cli_i64(cli, "limit"), show_run, &err);
    return screen_close(&s, ok, &err, "no runs");
}

/* --- logs --------------------------------------------------------------------------------- */

/* Of a row of the log, the event as the device recorded it. */
static bool show_event(void *ctx, struct str row, struct err *err)
{
    struct screen *s = ctx;
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    s->count++;
    if (!json_scan_object(&scan, row, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "event")) {
            cli_event(s->cli, value.text);
        }
    }
    return json_scan_end(&scan, err);
}

static bool show_events(struct screen *s, const struct found_run *run, struct err *err)
{
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "%srun %s on %s%s\n", cli_tone_on(s->cli, CLI_FAINT), run->run,
                   run->device, cli_tone_off(s->cli, CLI_FAINT));
    }
    target_begin(&s->target, "/api/v1/runs");
    target_part(&s->target, str_from(run->device), false);
    target_part(&s->target, str_from(run->run), false);
    buf_add_text(&s->target, "/events");
    return hub_client_each(s->client, buf_str(&s->target), 0, show_event, s, err);
}

int command_logs(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct found_run run;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    bool ok =
        find_run(&s, str_from(cli_arg(cli, 0)), str_from(cli_text(cli, "device")), &run, &err);
    bool is_followed = cli_bool(cli, "follow");
    if (ok && (is_followed || cli_bool(cli, "output"))) {
        s.count = 1;
        code = is_followed ? follow_output(&s, &run) : run_output(&s, &run);
        (void)screen_close(&s, true, &err, "");
        return code;
    }
    ok = ok && show_events(&s, &run, &err);
    return screen_close(&s, ok, &err, "no events of it are here yet");
}
