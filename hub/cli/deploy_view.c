#include "hub/cli/deploy_view.h"

#include "common/platform/clock.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { VIEW_ARENA_BYTES = 128 << 20, LOOK_MS = 300 };

static bool find(struct deploy_view *view, struct deployments *open, struct str id, struct err *err)
{
    struct deployment *all = NULL;
    size_t count = 0;
    size_t found = 0;
    if (!deployments_list(open, &view->arena, &all, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_starts(all[i].id, id) && (found == 0 || !str_is_empty(id))) {
            view->deployment = all[i];
            found++;
        }
    }
    if (found == 1) {
        return true;
    }
    (void)err_set(err, found == 0 ? ERR_NOT_FOUND : ERR_INVALID,
                  "%s deployment begins with " STR_FMT, found == 0 ? "no" : "more than one",
                  STR_ARG(str_clip(id, 64)));
    return err_hint(err, "list them: selvedge-hub deployments");
}

bool deploy_view_load(struct deploy_view *view, struct deployments *open, struct str id,
                      struct err *err)
{
    *view = (struct deploy_view){.arena = arena_new(VIEW_ARENA_BYTES)};
    if (!find(view, open, id, err) ||
        !deployments_devices(open, view->deployment.id, &view->arena, &view->devices, &view->count,
                             err) ||
        !deployment_plan(&view->deployment, &view->plan, err)) {
        return false;
    }
    view->waves =
        arena_array(&view->arena, view->count == 0 ? 1 : view->count, sizeof(*view->waves));
    if (view->waves == NULL) {
        return err_set(err, ERR_NO_MEMORY, "look at a deployment: out of memory");
    }
    view->wave_count = deployment_wave_devices(view->devices, view->count, view->waves);
    return true;
}

void deploy_view_release(struct deploy_view *view)
{
    arena_release(&view->arena);
}

void deploy_view_write_tally(const struct wave_tally *t, struct json_writer *w)
{
    jw_member_i64(w, "devices", t->devices);
    jw_member_i64(w, "asked", t->asked);
    jw_member_i64(w, "under_way", t->under_way);
    jw_member_i64(w, "healthy", t->healthy);
    jw_member_i64(w, "failed", t->failed);
    jw_member_i64(w, "rolled_back", t->rolled_back);
    jw_member_i64(w, "away", t->away);
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct waiting {
    struct cli *cli;
    char said[256];
};

static void say(struct waiting *wait, const struct deploy_view *view)
{
    char line[256];
    struct clock clock = clock_system();
    struct wave_tally t =
        waves_count(&view->plan, view->waves, view->wave_count, 0, clock_wall(&clock));
    (void)snprintf(line, sizeof(line),
                   STR_FMT ": wave %lld; %lld of %lld healthy, %lld under way, %lld failed, %lld "
                           "rolled back, %lld away",
                   STR_ARG(view->deployment.status), (long long)view->deployment.wave,
                   (long long)t.healthy, (long long)t.devices, (long long)t.under_way,
                   (long long)t.failed, (long long)t.rolled_back, (long long)t.away);
    if (strcmp(line, wait->said) != 0) {
        (void)snprintf(wait->said, sizeof(wait->said), "%s", line);
        (void)fprintf(cli_err(wait->cli), "%s\n", line);
    }
}

static int end(struct cli *cli, const struct deploy_view *view)
{
    struct err err = {0};
    if (str_eq(view->deployment.status, STR("done"))) {
        return CLI_OK;
    }
    (void)err_set(&err, ERR_CANCELLED, "deployment " STR_FMT " was aborted: " STR_FMT,
                  STR_ARG(view->deployment.id), STR_ARG(view->deployment.reason));
    (void)err_hint(&err, "what each device says: selvedge-hub deployments " STR_FMT,
                   STR_ARG(view->deployment.id));
    return cli_error(cli, &err);
}

int deploy_view_wait(struct cli *cli, struct deployments *open, struct str id)
{
    struct waiting wait = {.cli = cli};
    for (;;) {
        struct deploy_view view;
        struct err err = {0};
        int code = -1;
        if (!deploy_view_load(&view, open, id, &err)) {
            code = cli_error(cli, &err);
        } else {
            say(&wait, &view);
            code = view.deployment.ended.ns != 0 ? end(cli, &view) : -1;
        }
        deploy_view_release(&view);
        if (code >= 0) {
            return code;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}
