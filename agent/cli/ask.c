#include "agent/cli/ask.h"

#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include <poll.h>
#include <string.h>

enum { POLL_MS = 150, POLLS_PER_CALL = 7 };

static bool show_new(void *ctx, struct str line)
{
    struct watcher *watcher = ctx;
    struct event event;
    struct err err = {0};
    if (event_parse(line, &event, &err) && event.seq > watcher->shown) {
        watcher->shown = event.seq;
        progress_clear(&watcher->progress);
        cli_event(watcher->cli, line);
    }
    return true;
}

struct watcher watcher_new(struct cli *cli)
{
    return (struct watcher){.cli = cli, .progress = progress_new(cli)};
}

bool ask_look(struct watcher *watcher, const char *database, struct str run,
              struct view_run_span *ret, struct err *err)
{
    struct view *view = NULL;
    if (!view_open(&view, database, err)) {
        return false;
    }
    bool ok = view_find_run(view, run, ret, err) && view_events(view, ret, show_new, watcher, err);
    view_close(view);
    return ok;
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

int ask_follow(struct watcher *watcher, const struct settings *settings, struct str run)
{
    struct cli *cli = watcher->cli;
    struct view_run_span span = {0};
    struct err err = {0};
    for (int polls = 1;; polls++) {
        /* Asked before the look: what an agent that has ended recorded is all there then. */
        bool is_call = polls % POLLS_PER_CALL == 0;
        bool is_gone = is_call && is_daemon_gone(settings);
        bool found = ask_look(watcher, settings->database, run, &span, &err);
        bool is_over = found && view_run_is_over(&span);
        bool is_wrong = !found && err.code != ERR_NOT_FOUND && err.code != ERR_BUSY;
        if (is_over || is_wrong || is_gone) {
            progress_clear(&watcher->progress);
            return is_over ? report(cli, &span) : is_wrong ? cli_error(cli, &err) : say_gone(cli);
        }
        if (is_call) {
            progress_ask(&watcher->progress, settings, run);
        }
        (void)poll(NULL, 0, POLL_MS);
    }
}

int ask_for_run(struct cli *cli, const struct settings *settings, struct str request, bool no_wait,
                struct err *err, bool *ret_asked)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *reply = NULL;
    *ret_asked = true;
    if (!control_call(settings->state_dir, request, &arena, &reply, err)) {
        *ret_asked = err->code != ERR_OFFLINE;
        return cli_exit_from(err->code);
    }
    const struct json *run = json_get(reply, "run");
    if (run == NULL || run->type != JSON_STRING) {
        (void)err_set(err, ERR_INTERNAL, "the agent's answer names no run");
        return CLI_FAILED;
    }
    if (no_wait) {
        cli_printf(cli,
                   cli_is_json(cli) ? "{\"run\":\"" STR_FMT "\"}\n" : "queued  run " STR_FMT "\n",
                   STR_ARG(run->as.string));
        return CLI_OK;
    }
    struct watcher watcher = watcher_new(cli);
    return ask_follow(&watcher, settings, run->as.string);
}
