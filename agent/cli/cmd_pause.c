/* cmd_pause.c - schedules and sensors paused and resumed: by the daemon, or here when none is running. */
#include "agent/cli/here.h"

#include "agent/daemon/control.h"
#include "agent/daemon/scheduler.h"
#include "agent/store/instigators.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include <stdio.h>

enum { REQUEST_BYTES_MAX = 16 << 10, TIMES_BYTES_MAX = 512 };

struct pausing;
/* What can be paused. */
struct pausable {
    const char *nouns;
    const char *verbs[2];                  /* of the control socket: resume, pause */
    int (*change_here)(struct pausing *p); /* without a daemon */
};

/* What was asked for, and what came of it. */
struct pausing {
    const struct pausable *of;
    struct cli *cli;
    struct settings *settings;
    bool is_pause;
    bool is_all;
    struct str *names;
    bool *changed;
    size_t count;
};

static void write_names(struct json_writer *w, const char *key, const struct pausing *p,
                        bool wanted)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < p->count; i++) {
        if (p->changed[i] == wanted) {
            jw_str(w, p->names[i]);
        }
    }
    jw_end_array(w);
}

static void say(const struct pausing *p)
{
    if (cli_is_json(p->cli)) {
        AUTO(buf) out = buf_growing(LIMIT_JSON_BYTES);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        write_names(&w, "changed", p, true);
        write_names(&w, "unchanged", p, false);
        jw_end_object(&w);
        cli_json(p->cli, buf_str(&out));
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        cli_printf(p->cli, STR_FMT " %s %s\n", STR_ARG(p->names[i]),
                   p->changed[i] ? "is" : "was already", p->is_pause ? "paused" : "running");
    }
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "pause or resume: out of memory");
}

static bool make_room(struct pausing *p, size_t count, struct err *err)
{
    struct arena *arena = &p->settings->arena;
    p->names = arena_array(arena, count + 1, sizeof(*p->names));
    p->changed = arena_array(arena, count + 1, sizeof(*p->changed));
    p->count = 0;
    return (p->names != NULL && p->changed != NULL) || no_memory(err);
}

/* --- by the daemon --- */

static bool take_names(struct pausing *p, const struct json *reply, const char *key, bool changed,
                       struct err *err)
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

static bool ask_daemon(struct pausing *p, struct err *err)
{
    AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
    struct json_writer w = json_writer(&request);
    struct json *reply = NULL;
    jw_begin_object(&w);
    jw_member_str(&w, "verb", str_from(p->of->verbs[p->is_pause]));
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
    return control_call(p->settings->state_dir, buf_str(&request), &p->settings->arena, &reply,
                        err) &&
           make_room(p, count_of(reply, "changed") + count_of(reply, "unchanged"), err) &&
           take_names(p, reply, "changed", true, err) &&
           take_names(p, reply, "unchanged", false, err);
}

/* --- here: schedules --- */

struct status_search {
    struct str name;
    const struct schedule *schedule;
    bool is_paused;
};

static bool on_instigator(void *ctx, const struct instigator *instigator)
{
    struct status_search *search = ctx;
    if (str_eq(instigator->name, search->name)) {
        search->is_paused = scheduler_is_paused(search->schedule, instigator->status);
        return false;
    }
    return true;
}

static bool change_one(struct pausing *p, struct store *store, const struct schedule *schedule,
                       size_t i, struct err *err)
{
    struct clock clock = clock_system();
    struct wall_time now = clock_wall(&clock);
    struct status_search search = {
        .name = schedule->name, .schedule = schedule, .is_paused = schedule->starts_paused};
    if (!store_instigators(store, STR("schedule"), on_instigator, &search, err)) {
        return false;
    }
    p->changed[i] = search.is_paused != p->is_pause;
    if (!p->changed[i]) {
        return true;
    }
    char text[TIMES_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    const struct clock_rule rule = {.built = scheduler_built(),
                                    .requires_sync =
                                        p->settings->config.clock == CLOCK_REQUIRE_SYNC,
                                    .has_been_synced = clock_is_synced()};
    struct record state = scheduler_status_record(
        schedule, p->is_pause, now, schedule_trust(&rule, now) == CLOCK_TRUSTED, &times);
    return store_record(store, &state, err);
}

static bool change(struct pausing *p, struct store *store, const struct definitions *defs,
                   struct err *err)
{
    const struct schedule *schedule = NULL;
    if (p->is_all) {
        if (!make_room(p, defs->schedule_count, err)) {
            return false;
        }
        for (; p->count < defs->schedule_count; p->count++) {
            p->names[p->count] = defs->schedules[p->count].name;
        }
    }
    for (size_t i = 0; i < p->count; i++) { /* all or none */
        if (!definitions_find_schedule(defs, p->names[i], &schedule, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < p->count; i++) {
        if (!definitions_find_schedule(defs, p->names[i], &schedule, err) ||
            !change_one(p, store, schedule, i, err)) {
            return false;
        }
    }
    struct clock clock = clock_system();
    return store_flush(store, clock_wall(&clock), err);
}

/* With the lock that the daemon would have. */
static bool change_here(struct pausing *p, const struct definitions *defs, struct err *err)
{
    AUTO(fd) lock = {-1};
    char path[LIMIT_PATH_BYTES + 8];
    struct rng rng = rng_system();
    struct clock clock = clock_system();
    struct store *store = NULL;
    (void)snprintf(path, sizeof(path), "%s/lock", p->settings->state_dir);
    struct store_options options = {.path = p->settings->database,
                                    .quota_bytes = p->settings->config.buffer_quota,
                                    .history_bytes = p->settings->config.buffer_history,
                                    .rng = &rng};
    if (!files_make_dirs(p->settings->state_dir, 0700, err) || !files_lock(path, &lock, err) ||
        !store_open(&store, &options, clock_wall(&clock), NULL, err)) {
        return false;
    }
    bool ok = change(p, store, defs, err);
    store_close(store);
    return ok;
}

static int schedules_here(struct pausing *p)
{
    struct definitions *defs = NULL;
    struct definitions_files files = definitions_system_files();
    struct err err = {0};
    int code = CLI_OK;
    if (!definitions_load(p->settings->definitions, &files, &p->settings->problems, &defs, &err)) {
        code = cli_problems(p->cli, &p->settings->problems, &err);
    } else if (!change_here(p, defs, &err)) {
        code = cli_error(p->cli, &err);
    } else {
        say(p);
    }
    definitions_close(defs);
    return code;
}

/* --- here: sensors --- */

static bool pause_sensors(struct agent *agent, void *ctx, struct err *err)
{
    struct pausing *p = ctx;
    struct agent_pausing pausing = {
        .is_paused = p->is_pause, .is_all = p->is_all, .names = p->names, .count = p->count};
    if (!agent_pause_sensors(agent, &pausing, &p->settings->arena, err)) {
        return false;
    }
    p->names = pausing.names;
    p->changed = pausing.changed;
    p->count = pausing.count;
    return true;
}

static int sensors_here(struct pausing *p)
{
    int code = here_do(p->cli, p->settings, pause_sensors, p);
    if (code == CLI_OK) {
        say(p);
    }
    return code;
}

/* --- the commands --- */

static const struct pausable schedules = {
    "schedules", {"schedule_resume", "schedule_pause"}, schedules_here};
static const struct pausable sensors = {"sensors", {"sensor_resume", "sensor_pause"}, sensors_here};

static int set_paused(struct pausing *p)
{
    struct err err = {0};
    if (ask_daemon(p, &err)) {
        say(p);
        return CLI_OK;
    }
    return err.code == ERR_OFFLINE ? p->of->change_here(p) : cli_error(p->cli, &err);
}

static int command(struct cli *cli, const struct pausable *of, bool is_pause)
{
    bool is_all = cli_bool(cli, "all");
    if (is_all == (cli_arg_count(cli) > 0)) {
        return cli_usage(cli, "give the names of %s or --all, and not both", of->nouns);
    }
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        struct pausing p = {
            .of = of, .cli = cli, .settings = &settings, .is_pause = is_pause, .is_all = is_all};
        if (make_room(&p, cli_arg_count(cli), &err)) {
            for (; p.count < cli_arg_count(cli); p.count++) {
                p.names[p.count] = str_from(cli_arg(cli, p.count));
            }
            code = set_paused(&p);
        } else {
            code = cli_error(cli, &err);
        }
    }
    settings_release(&settings);
    return code;
}

int command_schedules_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, &schedules, true);
}

int command_schedules_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, &schedules, false);
}

int command_sensors_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, &sensors, true);
}

int command_sensors_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command(cli, &sensors, false);
}
