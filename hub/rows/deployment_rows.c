#include "hub/rows/deployment_rows.h"

enum { VIEW_ARENA_BYTES = 128 << 20 };

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

void row_tally(struct json_writer *w, const struct wave_tally *t)
{
    jw_member_i64(w, "devices", t->devices);
    jw_member_i64(w, "asked", t->asked);
    jw_member_i64(w, "under_way", t->under_way);
    jw_member_i64(w, "healthy", t->healthy);
    jw_member_i64(w, "failed", t->failed);
    jw_member_i64(w, "rolled_back", t->rolled_back);
    jw_member_i64(w, "away", t->away);
}

void row_deployment(struct json_writer *w, const struct deployment *d)
{
    jw_member_str(w, "deployment", d->id);
    jw_member_str(w, "status", d->status);
    jw_member_str(w, "bundle", d->bundle);
    jw_member_i64(w, "files", d->files);
    jw_member_i64(w, "bytes", d->bytes);
    jw_member_str(w, "source", d->source);
    jw_member_str(w, "to", d->targets);
    jw_member_str(w, "waves", d->waves);
    jw_member_str(w, "abort_if", d->abort_if);
    jw_member_str(w, "on_abort", d->keeps_on_abort ? STR("keep") : STR("rollback"));
    jw_member_i64(w, "wave", d->wave);
    jw_member_wall(w, "made_at", d->made);
    jw_member_opt_wall(w, "ended_at", d->ended);
    jw_member_opt(w, "reason", d->reason);
}

struct str deployment_device_state(const struct deployment_device *device)
{
    if (device->is_superseded) {
        return STR("superseded");
    }
    if (device->asked.ns == 0) {
        return STR("waiting");
    }
    if (str_is_empty(device->said)) {
        return STR("asked");
    }
    return device->said;
}

void row_deployment_device(struct json_writer *w, const struct deployment_device *device)
{
    jw_member_str(w, "device", device->device);
    jw_member_i64(w, "wave", device->wave);
    jw_member_str(w, "state", deployment_device_state(device));
    jw_member_opt(w, "current", device->current);
    jw_member_bool(w, "online", device->is_online);
    jw_member_bool(w, "taken_back", device->is_taken_back);
    jw_member_opt_wall(w, "asked_at", device->asked);
    jw_member_opt_wall(w, "at", device->at);
    jw_member_opt(w, "reason", device->reason);
}
