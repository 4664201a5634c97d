/* cmd_sensor_test.c - `sensors test`: the sensor's definition and what is remembered of it. */
#include "agent/cli/sensor_trial.h"

#include "agent/sense/cursor.h"
#include "agent/store/instigators.h"
#include "common/cli/show.h"
#include "common/platform/files.h"
#include <unistd.h>

enum { LINE_BYTES_MAX = 128 << 10, ARENA_BYTES = 8 << 20 };

void trial_say(struct trial *t, const char *what, struct str subject, struct str more)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    t->runs += str_eq(str_from(what), STR("run"));
    if (cli_is_json(t->cli)) {
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "what", str_from(what));
        jw_member_str(&w, "subject", subject);
        jw_member_opt(&w, "more", more);
        jw_end_object(&w);
        cli_json(t->cli, buf_str(&out));
        return;
    }
    cli_printf(t->cli, "%-10s " STR_FMT "%s" STR_FMT "%s\n", what, STR_ARG(subject),
               more.len > 0 ? "  (" : "", STR_ARG(more), more.len > 0 ? ")" : "");
}

bool trial_say_key(struct trial *t, struct str run_key, struct str subject, struct err *err)
{
    char run[UUID_TEXT_SIZE] = "";
    bool is_known = false;
    if (t->view != NULL && run_key.len > 0 &&
        !view_run_of_key(t->view, t->sensor->name, run_key, run, &is_known, err)) {
        return false;
    }
    trial_say(t, is_known ? "known" : "run", subject,
              is_known ? arena_printf(&t->arena, "had run %s", run) : STR_NONE);
    return true;
}

static bool on_instigator(void *ctx, const struct instigator *instigator)
{
    struct trial *t = ctx;
    struct str cursor = STR_NONE;
    if (!str_eq(instigator->name, t->sensor->name)) {
        return true;
    }
    t->has_cursor = cursor_read(t->sensor->type, instigator->cursor, &cursor);
    t->cursor = arena_copy(&t->arena, cursor);
    t->ticked_at = instigator->ticked_at;
    return false;
}

static bool remember(struct trial *t, struct err *err)
{
    if (!view_open(&t->view, t->settings->database, err)) {
        return err->code == ERR_NOT_FOUND;
    }
    return view_instigators(t->view, STR("sensor"), on_instigator, t, err);
}

static bool carry_out(struct trial *t, struct err *err)
{
    switch (t->sensor->type) {
    case SENSOR_FILES:
        return trial_of_files(t, err);
    case SENSOR_MQTT:
        return trial_of_topic(t, cli_i64(t->cli, "for"), err);
    case SENSOR_ASSET:
        return trial_of_asset(t, err);
    case SENSOR_RUN_STATUS:
        return trial_of_runs(t, err);
    case SENSOR_COMMAND:
        break;
    }
    return trial_of_program(t, err);
}

static int try_sensor(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    char cwd[LIMIT_PATH_BYTES + 1];
    char state_dir[LIMIT_PATH_BYTES + 1];
    struct trial t = {
        .cli = cli, .settings = settings, .defs = defs, .arena = arena_new(ARENA_BYTES)};
    struct err err = {0};
    int code = CLI_OK;
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        cwd[0] = '\0';
    }
    bool ok = files_join(cwd, str_from(settings->state_dir), state_dir, sizeof(state_dir), &err) &&
              definitions_find_sensor(defs, str_from(cli_arg(cli, 0)), &t.sensor, &err);
    sensor_env_init(&t.env, &settings->env, state_dir);
    if (!ok || !remember(&t, &err) || !carry_out(&t, &err)) {
        code = cli_error(cli, &err);
    } else if (!cli_is_json(cli)) {
        cli_printf(cli, "it would start %lld run%s\n", (long long)t.runs, t.runs == 1 ? "" : "s");
    }
    view_close(t.view);
    arena_release(&t.arena);
    return code;
}

int command_sensors_test(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, try_sensor);
}
