/* cmd_automation.c - automation as a whole: which assets have a condition, whether it is on. */
#include "agent/cli/here.h"

#include "agent/daemon/control.h"
#include "agent/store/versions.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

enum { LINE_BYTES_MAX = 1 << 20, ARENA_BYTES = 4 << 20 };

/* --- pause and resume ----------------------------------------------------------------------- */

struct pausing {
    bool is_paused;
    bool changed;
};

static bool act(struct agent *agent, void *ctx, struct err *err)
{
    struct pausing *p = ctx;
    return agent_pause_automation(agent, p->is_paused, STR_NONE, &p->changed, err);
}

static int pause(struct cli *cli, struct settings *settings, struct pausing *p)
{
    struct str request = p->is_paused ? STR("{\"verb\":\"automation_pause\"}")
                                      : STR("{\"verb\":\"automation_resume\"}");
    struct json *reply = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (control_call(settings->state_dir, request, &settings->arena, &reply, &err)) {
        const struct json *changed = json_get(reply, "changed");
        p->changed = changed != NULL && changed->type == JSON_BOOL && changed->as.boolean;
    } else {
        code = err.code == ERR_OFFLINE ? here_do(cli, settings, act, p) : cli_error(cli, &err);
    }
    if (code == CLI_OK && cli_is_json(cli)) {
        cli_printf(cli, "{\"paused\":%s,\"changed\":%s}\n", p->is_paused ? "true" : "false",
                   p->changed ? "true" : "false");
    } else if (code == CLI_OK) {
        cli_printf(cli, "automation %s %s\n", p->changed ? "is" : "was already",
                   p->is_paused ? "paused" : "running");
    }
    return code;
}

static int command_pause_or_resume(struct cli *cli, bool is_paused)
{
    struct settings settings;
    struct pausing pausing = {.is_paused = is_paused};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = pause(cli, &settings, &pausing);
    }
    settings_release(&settings);
    return code;
}

int command_automation_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command_pause_or_resume(cli, true);
}

int command_automation_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return command_pause_or_resume(cli, false);
}

/* --- status --------------------------------------------------------------------------------- */

struct status {
    struct cli *cli;
    struct view *view; /* NULL: nothing was ever run here */
    struct table table;
    struct arena arena;
    struct wall_time now;
    bool is_paused;
};

static struct str condition_of(const struct asset *asset, struct arena *arena)
{
    const struct automation *a = &asset->automation;
    switch (a->kind) {
    case AUTOMATION_EAGER:
        return STR("eager");
    case AUTOMATION_ON_MISSING:
        return STR("on_missing");
    case AUTOMATION_ON_CRON:
        return arena_printf(arena, "on_cron \"" STR_FMT "\" " STR_FMT, STR_ARG(a->cron_text),
                            STR_ARG(a->timezone));
    case AUTOMATION_NONE:
        break;
    }
    return STR_NONE;
}

static void show_json(struct status *s, const struct asset *asset,
                      const struct stored_automation *kept)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "asset", asset->key);
    jw_member_str(&w, "condition", condition_of(asset, &s->arena));
    jw_member_bool(&w, "paused", s->is_paused);
    jw_member_opt_wall(&w, "evaluated_at", kept->evaluated_at);
    if (kept->requested_at.ns != 0) {
        jw_member_wall(&w, "requested_at", kept->requested_at);
        jw_member_str(&w, "run", kept->run);
    }
    jw_end_object(&w);
    cli_json(s->cli, buf_str(&out));
}

static bool show(struct status *s, const struct asset *asset, struct err *err)
{
    struct stored_automation kept = {0};
    bool found = false;
    arena_reset(&s->arena);
    if (s->view != NULL &&
        !store_find_automation(view_store(s->view), asset->key, &s->arena, &kept, &found, err)) {
        return false;
    }
    if (cli_is_json(s->cli)) {
        show_json(s, asset, &kept);
        return true;
    }
    table_cell(&s->table, asset->key);
    table_cell(&s->table, condition_of(asset, &s->arena));
    table_ago(&s->table, kept.evaluated_at, s->now);
    table_ago(&s->table, kept.requested_at, s->now);
    table_cell(&s->table, kept.run);
    return true;
}

static bool show_all(struct status *s, const struct definitions *defs, struct err *err)
{
    size_t count = 0;
    if (s->view != NULL && !store_automation_is_paused(view_store(s->view), &s->is_paused, err)) {
        return false;
    }
    s->is_paused = s->is_paused || defs->is_automation_held;
    for (size_t i = 0; i < defs->asset_count; i++) {
        if (defs->assets[i].automation.kind != AUTOMATION_NONE) {
            count++;
            if (!show(s, &defs->assets[i], err)) {
                return false;
            }
        }
    }
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "automation is %s; %zu assets have a condition\n",
                   defs->is_automation_held ? "paused by the hub"
                                            : (s->is_paused ? "paused" : "on"),
                   count);
        if (count > 0) {
            table_print(&s->table, s->cli);
        }
    }
    return true;
}

static int show_status(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct clock clock = clock_system();
    struct err err = {0};
    struct status s = {.cli = cli,
                       .arena = arena_new(ARENA_BYTES),
                       .now = clock_wall(&clock),
                       .table = table_new(TABLE_COLUMNS(
                           {.name = "ASSET"}, {.name = "CONDITION", .is_wide = true},
                           {.name = "MOVED"}, {.name = "ASKED"}, {.name = "FOR RUN"}))};
    bool ok = view_open(&s.view, settings->database, &err) || err.code == ERR_NOT_FOUND;
    ok = ok && show_all(&s, defs, &err);
    view_close(s.view);
    table_release(&s.table);
    arena_release(&s.arena);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_automation_status(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, show_status);
}
