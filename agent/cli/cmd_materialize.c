/* cmd_materialize.c - asks a running daemon for a run, or carries it out here when none is running;
 * shows it as it goes. */
#include "agent/cli/commands.h"

#include "agent/daemon/agent.h"
#include "agent/daemon/control.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { POLL_MS = 150, POLLS_PER_CALL = 7 };

/* Shows the events that are new since the last look. */
struct follower {
    struct cli *cli;
    int64_t shown; /* seq of the last event shown */
};

static bool show_new(void *ctx, struct str line)
{
    struct follower *follower = ctx;
    struct event event;
    struct err err = {0};
    if (event_parse(line, &event, &err) && event.seq > follower->shown) {
        follower->shown = event.seq;
        cli_event(follower->cli, line);
    }
    return true;
}

/* One look at the run. *ret_status is its status now. */
static bool look(struct follower *follower, const char *database, struct str run,
                 struct view_run_span *ret, struct err *err)
{
    struct view *view = NULL;
    if (!view_open(&view, database, err)) {
        return false;
    }
    bool ok = view_find_run(view, run, ret, err) && view_events(view, ret, show_new, follower, err);
    view_close(view);
    return ok;
}

static bool is_over(const struct view_run_span *run)
{
    return strcmp(run->status, "queued") != 0 && strcmp(run->status, "started") != 0;
}

static int report(struct cli *cli, const struct view_run_span *run)
{
    bool ok = strcmp(run->status, "success") == 0;
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(8192);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "run", str_from(run->id));
        jw_member_str(&w, "status", str_from(run->status));
        jw_member_i64(&w, "steps", run->steps);
        jw_member_opt(&w, "error", str_from(run->error));
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
    } else {
        cli_printf(cli, "%s%s%s  run %s%s%s\n", cli_tone_on(cli, ok ? CLI_GOOD : CLI_BAD),
                   run->status, cli_tone_off(cli, ok ? CLI_GOOD : CLI_BAD), run->id,
                   run->error[0] != '\0' ? ": " : "", run->error);
    }
    return ok ? CLI_OK : CLI_FAILED;
}

/* --- through the daemon
 * -------------------------------------------------------------------------------------------------------
 */

static bool is_daemon_gone(const struct settings *settings)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *reply = NULL;
    struct err err = {0};
    return !control_call(settings->state_dir, STR("{\"verb\":\"status\"}"), &arena, &reply, &err) &&
           err.code == ERR_OFFLINE;
}

static int say_gone(struct cli *cli)
{
    struct err err = {0};
    (void)err_set(&err, ERR_OFFLINE, "the agent ended before the run did");
    (void)err_hint(&err, "its next start records the run as failed: selvedge-agent daemon");
    return cli_error(cli, &err);
}

static int follow(struct follower *follower, const struct settings *settings, struct str run)
{
    struct cli *cli = follower->cli;
    struct view_run_span span = {0};
    struct err err = {0};
    for (int polls = 1;; polls++) {
        /* Asked before the look: what an agent that has ended recorded is all there then. */
        bool is_gone = polls % POLLS_PER_CALL == 0 && is_daemon_gone(settings);
        bool found = look(follower, settings->database, run, &span, &err);
        if (found && is_over(&span)) {
            return report(cli, &span);
        }
        if (!found && err.code != ERR_NOT_FOUND && err.code != ERR_BUSY) {
            return cli_error(cli, &err);
        }
        if (is_gone) {
            return say_gone(cli);
        }
        (void)poll(NULL, 0, POLL_MS);
    }
}

static int ask_daemon(struct cli *cli, const struct settings *settings, struct str selection,
                      struct str job, struct err *err, bool *ret_asked)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) request = buf_growing(16 << 10);
    struct json_writer w = json_writer(&request);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("materialize"));
    jw_member_opt(&w, "selection", selection);
    jw_member_opt(&w, "job", job);
    jw_end_object(&w);
    struct json *reply = NULL;
    *ret_asked = true;
    if (!control_call(settings->state_dir, buf_str(&request), &arena, &reply, err)) {
        *ret_asked = err->code != ERR_OFFLINE;
        return cli_exit_from(err->code);
    }
    const struct json *run = json_get(reply, "run");
    if (run == NULL || run->type != JSON_STRING) {
        (void)err_set(err, ERR_INTERNAL, "the agent's answer names no run");
        return CLI_FAILED;
    }
    if (cli_bool(cli, "no-wait")) {
        cli_printf(cli,
                   cli_is_json(cli) ? "{\"run\":\"" STR_FMT "\"}\n" : "queued  run " STR_FMT "\n",
                   STR_ARG(run->as.string));
        return CLI_OK;
    }
    return follow(&(struct follower){.cli = cli}, settings, run->as.string);
}

/* --- here
 * -----------------------------------------------------------------------------------------------------------------------
 */

struct here {
    struct follower follower;
    const struct settings *settings;
    struct loop *loop;
    struct loop_timer timer;
    char run[UUID_TEXT_SIZE];
};

static void on_look(void *ctx)
{
    struct here *here = ctx;
    struct view_run_span span;
    struct err err = {0};
    (void)look(&here->follower, here->settings->database, str_from(here->run), &span, &err);
    loop_timer_arm_in(here->loop, &here->timer, POLL_MS * NS_PER_MS);
}

static void on_run_ended(void *ctx, struct str run, enum run_state state)
{
    (void)run;
    (void)state;
    struct here *here = ctx;
    loop_stop(here->loop);
}

static void on_stop_signal(void *ctx, int signo)
{
    (void)signo;
    agent_shut_down(ctx);
}

static bool carry_out(struct here *here, struct agent *agent, struct str selection, struct str job,
                      struct err *err)
{
    if (!loop_on_signal(here->loop, SIGINT, on_stop_signal, agent, err) ||
        !loop_on_signal(here->loop, SIGTERM, on_stop_signal, agent, err) ||
        !agent_materialize(agent, selection, job, here->run, err)) {
        return false;
    }
    loop_timer_arm_in(here->loop, &here->timer, POLL_MS * NS_PER_MS);
    return loop_run(here->loop, err);
}

static int run_here(struct cli *cli, struct settings *settings, struct str selection,
                    struct str job)
{
    struct rng rng = rng_system();
    struct here here = {.follower = {.cli = cli}, .settings = settings};
    struct agent *agent = NULL;
    struct err err = {0};
    if (!loop_open(&here.loop, clock_system(), &err)) {
        return cli_error(cli, &err);
    }
    here.timer = (struct loop_timer){.on_due = on_look, .ctx = &here};
    struct agent_options options = {.config = &settings->config,
                                    .env = &settings->env,
                                    .problems = &settings->problems,
                                    .on_run_ended = on_run_ended,
                                    .ctx = &here};
    int code = CLI_OK;
    if (!agent_open(&agent, here.loop, &rng, &options, &err)) {
        code = cli_problems(cli, &settings->problems, &err);
    } else if (!carry_out(&here, agent, selection, job, &err)) {
        code = cli_error(cli, &err);
    }
    agent_close(agent);
    loop_close(here.loop);
    return code != CLI_OK ? code : follow(&here.follower, settings, str_from(here.run));
}

int command_materialize(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct str selection = str_from(cli_arg(cli, 0));
    struct str job = str_from(cli_text(cli, "job"));
    if (str_is_empty(selection) == str_is_empty(job)) {
        return cli_usage(cli, "give a selection or --job, and not both");
    }
    struct settings settings;
    int code = CLI_OK;
    if (!settings_load(cli, &settings, &code)) {
        settings_release(&settings);
        return code;
    }
    if (cli_text(cli, "log-level") == NULL) {
        log_set_level(LOG_ERROR); /* the events are shown instead */
    }
    struct err err = {0};
    bool asked = false;
    code = ask_daemon(cli, &settings, selection, job, &err, &asked);
    if (!asked && !cli_bool(cli, "no-wait")) {
        code = run_here(cli, &settings, selection, job);
    } else if (err.code != ERR_NONE) {
        code = cli_error(cli, &err);
    }
    settings_release(&settings);
    return code;
}
