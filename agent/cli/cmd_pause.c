/* cmd_pause.c - schedules and sensors paused and resumed: by the daemon, or here when none is running. */
#include "agent/cli/here.h"

#include "agent/daemon/control.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"

enum { REQUEST_BYTES_MAX = 16 << 10 };

/* What can be paused. */
static const struct pausable {
    const char *nouns;
    const char *verbs[2]; /* of the control socket: resume, pause */
} pausables[] = {
    [AGENT_SCHEDULES] = {"schedules", {"schedule_resume", "schedule_pause"}},
    [AGENT_SENSORS] = {"sensors", {"sensor_resume", "sensor_pause"}},
};

/* What was asked for, and what came of it. */
struct asked {
    struct agent_pausing pausing;
    struct settings *settings;
};

static void say(struct cli *cli, const struct agent_pausing *p)
{
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(LIMIT_JSON_BYTES);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        agent_pausing_write(p, &w);
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        cli_printf(cli, STR_FMT " %s %s\n", STR_ARG(p->names[i]),
                   p->changed[i] ? "is" : "was already", p->is_paused ? "paused" : "running");
    }
}

static bool make_room(struct asked *a, size_t count, struct err *err)
{
    struct arena *arena = &a->settings->arena;
    a->pausing.names = arena_array(arena, count + 1, sizeof(*a->pausing.names));
    a->pausing.changed = arena_array(arena, count + 1, sizeof(*a->pausing.changed));
    a->pausing.count = 0;
    return (a->pausing.names != NULL && a->pausing.changed != NULL) ||
           err_set(err, ERR_NO_MEMORY, "pause or resume: out of memory");
}

/* --- by the daemon --- */

static bool take_names(struct agent_pausing *p, const struct json *reply, const char *key,
                       bool changed, struct err *err)
{
    const struct json *list = json_get(reply, key);
    if (list == NULL || list->type != JSON_ARRAY) {
        return err_set(err, ERR_INTERNAL, "the agent's answer has no %s", key);
    }
    for (const struct json *node = list->child; node != NULL; node = node->next) {
        if (node->type == JSON_STRING) {
            p->names[p->count] = node->as.string;
            p->changed[p->count++] = changed;
        }
    }
    return true;
}

static size_t count_of(const struct json *reply, const char *key)
{
    const struct json *list = json_get(reply, key);
    return list == NULL ? 0 : list->count;
}

static bool ask_daemon(struct asked *a, struct err *err)
{
    AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
    struct agent_pausing *p = &a->pausing;
    struct json_writer w = json_writer(&request);
    struct json *reply = NULL;
    jw_begin_object(&w);
    jw_member_str(&w, "verb", str_from(pausables[p->what].verbs[p->is_paused]));
    jw_member_bool(&w, "all", p->is_all);
    jw_key(&w, STR("names"));
    jw_begin_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        jw_str(&w, p->names[i]);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    if (request.overflow) {
        return err_set(err, ERR_INVALID, "too many names at once");
    }
    return control_call(a->settings->state_dir, buf_str(&request), &a->settings->arena, &reply,
                        err) &&
           make_room(a, count_of(reply, "changed") + count_of(reply, "unchanged"), err) &&
           take_names(p, reply, "changed", true, err) &&
           take_names(p, reply, "unchanged", false, err);
}

/* --- here --- */

static bool pause_here(struct agent *agent, void *ctx, struct err *err)
{
    struct asked *a = ctx;
    return agent_pause(agent, &a->pausing, &a->settings->arena, err);
}

static int do_it(struct cli *cli, struct asked *a)
{
    struct err err = {0};
    int code = CLI_OK;
    for (; a->pausing.count < cli_arg_count(cli); a->pausing.count++) {
        a->pausing.names[a->pausing.count] = str_from(cli_arg(cli, a->pausing.count));
    }
    if (!ask_daemon(a, &err)) {
        code = err.code == ERR_OFFLINE ? here_do(cli, a->settings, pause_here, a)
                                       : cli_error(cli, &err);
    }
    if (code == CLI_OK) {
        say(cli, &a->pausing);
    }
    return code;
}

/* --- the commands --- */

static int command(struct cli *cli, enum agent_pausable what, bool is_paused)
{
    struct settings settings;
    struct asked asked = {
        .settings = &settings,
        .pausing = {.what = what, .is_paused = is_paused, .is_all = cli_bool(cli, "all")}};
    struct err err = {0};
    int code = CLI_OK;
    if (asked.pausing.is_all == (cli_arg_count(cli) > 0)) {
        return cli_usage(cli, "give the names of %s or --all, and not both", pausables[what].nouns);
    }
    if (settings_load(cli, &settings, &code)) {
        code =
            make_room(&asked, cli_arg_count(cli), &err) ? do_it(cli, &asked) : cli_error(cli, &err);
    }
    settings_release(&settings);
    return code;
}

int command_schedules_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, AGENT_SCHEDULES, true);
}

int command_schedules_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, AGENT_SCHEDULES, false);
}

int command_sensors_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, AGENT_SENSORS, true);
}

int command_sensors_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, AGENT_SENSORS, false);
}
