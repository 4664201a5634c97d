/* agent_control.c - what the running agent answers on its control socket. */
#include "agent/daemon/agent_internal.h"

#include <unistd.h>

struct str control_text(const struct json *request, const char *key)
{
    const struct json *node = json_get(request, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR("");
}

bool control_flag(const struct json *request, const char *key)
{
    const struct json *node = json_get(request, key);
    return node != NULL && node->type == JSON_BOOL && node->as.boolean;
}

int64_t control_number(const struct json *request, const char *key, int64_t fallback)
{
    const struct json *node = json_get(request, key);
    return node != NULL && node->type == JSON_INT ? node->as.integer : fallback;
}

bool control_map(const struct json *request, const char *key, struct arena *arena,
                 struct str_map *ret, struct err *err)
{
    const struct json *object = json_get(request, key);
    *ret = (struct str_map){0};
    if (object == NULL || object->type != JSON_OBJECT) {
        return true;
    }
    ret->keys = arena_array(arena, object->count, sizeof(*ret->keys));
    ret->values = arena_array(arena, object->count, sizeof(*ret->values));
    if (ret->keys == NULL || ret->values == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s: out of memory", key);
    }
    for (const struct json *node = object->child; node != NULL; node = node->next) {
        if (node->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "%s." STR_FMT " is no text", key, STR_ARG(node->key));
        }
        ret->keys[ret->count] = node->key;
        ret->values[ret->count++] = node->as.string;
    }
    return true;
}

static void write_link(struct agent *agent, struct json_writer *w)
{
    struct link_status status;
    if (agent->link == NULL) {
        jw_member_str(w, "link", STR("not enrolled"));
        return;
    }
    link_get_status(agent->link, &status);
    jw_member_str(w, "link", str_from(status.state));
    jw_member_str(w, "fleet", agent->identity.fleet);
    jw_member_str(w, "device", agent->identity.device);
    jw_member_bool(w, "hub_online", status.hub_online);
    jw_member_i64(w, "batches_in_flight", status.inflight);
    jw_member_i64(w, "batches_sent", status.batches_sent);
    jw_member_i64(w, "events_sent", status.events_sent);
    jw_member_i64(w, "connects", status.connects);
    jw_member_i64(w, "connects_resumed", status.resumed);
    jw_member_i64(w, "resends", status.resends);
    jw_member_opt(w, "last_error", str_from(status.last_error));
}

/* What the hub wants, and how that fares. */
static void write_desired(const struct agent *agent, struct json_writer *w)
{
    struct message_reported m = desired_answer(&agent->desired, (struct wall_time){0});
    if (m.revision == 0) {
        return;
    }
    jw_member_i64(w, "desired_in_force", m.applied);
    jw_member_i64(w, "desired_revision", m.revision);
    jw_member_str(w, "desired_status", desired_status_name(m.status));
    jw_member_opt(w, "desired_reason", m.reason);
}

bool agent_write_status(struct agent *agent, struct json_writer *w, struct err *err)
{
    struct store_position position;
    if (!store_position(agent->store, &position, err)) {
        return false;
    }
    int64_t sqlite_now = 0;
    int64_t sqlite_peak = 0;
    store_memory(&sqlite_now, &sqlite_peak);
    jw_member_str(w, "state", agent->is_stopping ? STR("stopping") : STR("running"));
    jw_member_str(w, "version", STR(SELVEDGE_VERSION));
    jw_member_i64(w, "pid", getpid());
    jw_member_i64(w, "uptime_s", (loop_now(agent->loop).ns - agent->started.ns) / NS_PER_SEC);
    jw_member_str(w, "project", agent->defs->project);
    jw_member_i64(w, "assets", (int64_t)agent->defs->asset_count);
    jw_member_i64(w, "sensors", (int64_t)agent->defs->sensor_count);
    jw_member_i64(w, "schedules", (int64_t)agent->defs->schedule_count);
    if (agent->refused.code != ERR_NONE) {
        jw_member_str(w, "definitions_refused", str_from(agent->refused.msg));
        jw_member_opt_wall(w, "refused_at", agent->refused_at);
    }
    write_desired(agent, w);
    jw_member_str(w, "clock", str_from(clock_trust_name(scheduler_clock(agent->scheduler))));
    if (agent->assets.automator != NULL && automator_is_used(agent->assets.automator)) {
        bool is_paused = automator_is_paused(agent->assets.automator);
        jw_member_str(w, "automation", is_paused ? STR("paused") : STR("running"));
    }
    jw_member_i64(w, "active_runs", (int64_t)runner_active_runs(agent->runner));
    jw_member_i64(w, "queued_runs", (int64_t)runner_queued_runs(agent->runner));
    jw_member_i64(w, "active_steps", (int64_t)runner_active_steps(agent->runner));
    jw_member_str(w, "epoch", str_from(position.epoch));
    jw_member_i64(w, "last_seq", position.last_seq);
    jw_member_i64(w, "acked_seq", position.acked_seq);
    jw_member_i64(w, "waiting_events", position.waiting_events);
    jw_member_i64(w, "waiting_bytes", position.waiting_bytes);
    jw_member_i64(w, "history_bytes", position.history_bytes);
    jw_member_i64(w, "dropped_events", position.dropped);
    jw_member_i64(w, "sqlite_peak_bytes", sqlite_peak);
    bundles_write_status(agent, w);
    write_link(agent, w);
    agent_write_commands(agent, w);
    return true;
}

static bool answer_status(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    (void)request;
    return agent_write_status(agent, w, err);
}

static const struct control_verb status_verbs[] = {{"status", answer_status}, {0}};

static const struct control_verb *const tables[] = {
    status_verbs,        control_asset_verbs,  control_run_verbs,   control_backfill_verbs,
    control_pause_verbs, control_sensor_verbs, control_bundle_verbs};

static const struct control_verb *find_verb(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        for (const struct control_verb *verb = tables[i]; verb->name != NULL; verb++) {
            if (str_eq(name, str_from(verb->name))) {
                return verb;
            }
        }
    }
    return NULL;
}

bool agent_on_control(void *ctx, const struct json *request, struct buf *reply, struct err *err)
{
    struct agent *agent = ctx;
    struct str name = control_text(request, "verb");
    const struct control_verb *verb = find_verb(name);
    struct json_writer w = json_writer(reply);
    if (verb == NULL) {
        return err_set(err, ERR_INVALID, "unknown verb \"" STR_FMT "\"", STR_ARG(name));
    }
    jw_begin_object(&w);
    bool ok = verb->answer(agent, request, &w, err);
    jw_end_object(&w);
    return ok;
}
