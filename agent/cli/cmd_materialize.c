/* cmd_materialize.c - asks a running daemon for a run, or carries it out here when none is running;
 * shows it as it goes. */
#include "agent/cli/ask.h"
#include "agent/cli/dbt.h"

#include "agent/daemon/agent.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include <signal.h>

enum { LOOK_MS = 150, TAGS_MAX_GIVEN = 64, WANTED_ARENA_BYTES = 64 << 20 };

/* What the command line asks for. */
struct wanted {
    struct agent_request request;
    struct str keys[TAGS_MAX_GIVEN + DBT_TAGS_MAX];
    struct str values[TAGS_MAX_GIVEN + DBT_TAGS_MAX];
    struct arena arena; /* of what dbt's options came to */
};

static bool read_tags(struct cli *cli, struct wanted *wanted)
{
    struct str_map *tags = &wanted->request.tags;
    *tags = (struct str_map){.keys = wanted->keys, .values = wanted->values};
    const char *text = NULL;
    while ((text = cli_values(cli, "tag", tags->count)) != NULL) {
        struct str *key = &wanted->keys[tags->count];
        struct str *value = &wanted->values[tags->count];
        if (tags->count + 1 == TAGS_MAX_GIVEN || !str_cut(str_from(text), '=', key, value) ||
            str_is_empty(*key)) {
            return false;
        }
        tags->count++;
    }
    return true;
}

static struct str request_json(const struct agent_request *request, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("materialize"));
    jw_member_opt(&w, "selection", request->selection);
    jw_member_opt(&w, "job", request->job);
    jw_member_opt(&w, "keys", request->keys);
    jw_member_opt(&w, "partition", request->partition);
    jw_member_opt(&w, "partition_end", request->partition_end);
    jw_member_i64(&w, "priority", request->priority);
    jw_key(&w, STR("tags"));
    jw_begin_object(&w);
    for (size_t i = 0; i < request->tags.count; i++) {
        jw_key(&w, request->tags.keys[i]);
        jw_str(&w, request->tags.values[i]);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    return buf_str(out);
}

/* --- here --- */

struct here {
    struct watcher watcher;
    const struct settings *settings;
    struct loop *loop;
    struct loop_timer timer;
    struct agent *agent;
    int looks;
    char run[UUID_TEXT_SIZE];
};

enum { LOOKS_PER_PROGRESS = 7 }; /* about a second */

static void show_progress(struct here *here)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) text = buf_growing(64 << 10);
    struct json *steps = NULL;
    struct err ignored = {0};
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    agent_write_progress(here->agent, str_from(here->run), &w);
    jw_end_object(&w);
    if (json_parse(buf_str(&text), text.len, &arena, &steps, &ignored)) {
        progress_show(&here->watcher.progress, steps);
    }
}

static void on_look(void *ctx)
{
    struct here *here = ctx;
    struct view_run_span span;
    struct err err = {0};
    (void)ask_look(&here->watcher, here->settings->database, str_from(here->run), &span, &err);
    here->looks++;
    if (here->looks % LOOKS_PER_PROGRESS == 0) {
        show_progress(here);
    }
    loop_timer_arm_in(here->loop, &here->timer, LOOK_MS * NS_PER_MS);
}

static void on_run_ended(void *ctx, const struct run_end *end)
{
    struct here *here = ctx;
    if (str_eq(end->run, str_from(here->run))) {
        loop_stop(here->loop);
    }
}

static void on_stop_signal(void *ctx, int signo)
{
    (void)signo;
    agent_shut_down(ctx);
}

static bool carry_out(struct here *here, struct agent *agent, const struct agent_request *request,
                      struct err *err)
{
    if (!loop_on_signal(here->loop, SIGINT, on_stop_signal, agent, err) ||
        !loop_on_signal(here->loop, SIGTERM, on_stop_signal, agent, err) ||
        !agent_materialize(agent, request, here->run, err)) {
        return false;
    }
    here->agent = agent;
    loop_timer_arm_in(here->loop, &here->timer, LOOK_MS * NS_PER_MS);
    return loop_run(here->loop, err);
}

static int run_here(struct cli *cli, struct settings *settings, const struct agent_request *request)
{
    struct rng rng = rng_system();
    struct here here = {.watcher = watcher_new(cli), .settings = settings};
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
    } else if (!carry_out(&here, agent, request, &err)) {
        code = cli_selection_error(cli, request->selection, &err);
    }
    progress_clear(&here.watcher.progress);
    agent_close(agent);
    loop_close(here.loop);
    return code != CLI_OK ? code : ask_follow(&here.watcher, settings, str_from(here.run));
}

/* --- the commands --- */

static int materialize(struct cli *cli, struct settings *settings, struct wanted *wanted)
{
    AUTO(buf) json = buf_growing(1 << 20);
    struct err err = {0};
    bool asked = false;
    bool no_wait = cli_bool(cli, "no-wait");
    wanted->request.partition = str_from(cli_text(cli, "partition"));
    wanted->request.partition_end = str_from(cli_text(cli, "to"));
    wanted->request.priority = cli_i64(cli, "priority");
    if (!read_tags(cli, wanted)) {
        return cli_usage(cli, "--tag takes NAME=VALUE, at most %d times", TAGS_MAX_GIVEN - 1);
    }
    if (!str_is_empty(wanted->request.partition_end) && str_is_empty(wanted->request.partition)) {
        return cli_usage(cli, "--to goes with --partition, the first of the range");
    }
    if (dbt_has_options(cli) &&
        !dbt_apply_options(cli, settings, &wanted->request, &wanted->arena, &err)) {
        return settings->problems.count > 0 ? cli_problems(cli, &settings->problems, &err)
                                            : cli_error(cli, &err);
    }
    if (cli_text(cli, "log-level") == NULL) {
        log_set_level(LOG_ERROR); /* the events are shown instead */
    }
    if (cli_bool(cli, "standalone")) {
        return no_wait ? cli_usage(cli, "--standalone waits: there is nobody else to do it")
                       : run_here(cli, settings, &wanted->request);
    }
    int code =
        ask_for_run(cli, settings, request_json(&wanted->request, &json), no_wait, &err, &asked);
    if (!asked && !no_wait) {
        return run_here(cli, settings, &wanted->request);
    }
    return err.code == ERR_NONE ? code : cli_selection_error(cli, wanted->request.selection, &err);
}

static int materialize_asked(struct cli *cli, struct wanted *wanted)
{
    struct settings settings;
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = materialize(cli, &settings, wanted);
    }
    settings_release(&settings);
    arena_release(&wanted->arena);
    return code;
}

int command_materialize(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct wanted wanted = {
        .arena = arena_new(WANTED_ARENA_BYTES),
        .request = {.selection = str_from(cli_arg(cli, 0)), .job = str_from(cli_text(cli, "job"))}};
    bool has_selection = !str_is_empty(wanted.request.selection);
    bool has_job = !str_is_empty(wanted.request.job);
    bool is_dbt = dbt_has_selection(cli);
    if (has_selection == has_job && !(is_dbt && !has_job)) {
        arena_release(&wanted.arena);
        return cli_usage(cli, "give a selection, --job or --dbt-select, and no job with another");
    }
    return materialize_asked(cli, &wanted);
}

int command_job(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct wanted wanted = {.arena = arena_new(WANTED_ARENA_BYTES),
                            .request = {.job = str_from(cli_arg(cli, 0))}};
    return materialize_asked(cli, &wanted);
}
