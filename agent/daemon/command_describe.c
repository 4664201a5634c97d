/* command_describe.c - what this device is and has, for the hub: as the command's result when it is
 * short, else in pieces on channel `log`. Nothing of how assets are made leaves the device. */
#include "agent/daemon/agent_internal.h"

#include "agent/assets/asset_states.h"
#include "agent/store/instigators.h"
#include <sys/statvfs.h>

enum {
    TEXT_BYTES_MAX = 8 << 20,
    RESULT_BYTES_MAX = 16 << 10, /* of what stands in the event */
    STATES_ARENA_BYTES = 64 << 20,
    SCRATCH_ARENA_BYTES = 4 << 20,
    REASON_BYTES_MAX = 200,
};

/* --- the device ------------------------------------------------------------------------------- */

static void write_disk(const struct agent *agent, struct json_writer *w)
{
    struct statvfs disk;
    if (statvfs(agent->state_dir, &disk) == 0) {
        jw_member_i64(w, "disk_bytes", (int64_t)disk.f_blocks * (int64_t)disk.f_frsize);
        jw_member_i64(w, "disk_free_bytes", (int64_t)disk.f_bavail * (int64_t)disk.f_frsize);
    }
}

static bool write_device(struct agent *agent, struct json_writer *w, struct err *err)
{
    jw_key(w, STR("device"));
    jw_begin_object(w);
    jw_member_str(w, "board", str_from(agent->facts.board));
    jw_member_str(w, "boot_id", str_from(agent->facts.boot_id));
    jw_member_wall(w, "at", clock_wall(loop_clock(agent->loop)));
    write_disk(agent, w);
    bool ok = agent_write_status(agent, w, err);
    jw_end_object(w);
    return ok;
}

/* --- definitions ------------------------------------------------------------------------------ */

static void write_names(struct json_writer *w, const char *key, const void *items, size_t count,
                        struct str (*name)(const void *items, size_t i))
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_str(w, name(items, i));
    }
    jw_end_array(w);
}

static struct str job_name(const void *items, size_t i)
{
    return ((const struct job *)items)[i].name;
}

static struct str sensor_name(const void *items, size_t i)
{
    return ((const struct sensor *)items)[i].name;
}

static bool write_definitions(struct agent *agent, struct json_writer *w, struct err *err)
{
    const struct definitions *defs = agent->defs;
    (void)err;
    jw_key(w, STR("definitions"));
    jw_begin_object(w);
    jw_member_str(w, "project", defs->project);
    jw_member_str(w, "hash", str_from(defs->hash));
    jw_member_i64(w, "assets", (int64_t)defs->asset_count);
    write_names(w, "jobs", defs->jobs, defs->job_count, job_name);
    write_names(w, "sensors", defs->sensors, defs->sensor_count, sensor_name);
    jw_end_object(w);
    return true;
}

/* --- schedules -------------------------------------------------------------------------------- */

struct status_of {
    struct str name;
    char status[16];
    struct wall_time ticked_at;
};

static bool on_instigator(void *ctx, const struct instigator *i)
{
    struct status_of *wanted = ctx;
    if (!str_eq(i->name, wanted->name)) {
        return true;
    }
    struct buf text = buf_fixed(wanted->status, sizeof(wanted->status) - 1);
    buf_add(&text, str_slice(i->status, 0, sizeof(wanted->status) - 1));
    wanted->ticked_at = i->ticked_at;
    return false;
}

static bool write_schedule(struct agent *agent, const struct schedule *s, struct json_writer *w,
                           struct err *err)
{
    struct status_of known = {.name = s->name};
    if (!store_instigators(agent->store, STR("schedule"), on_instigator, &known, err)) {
        return false;
    }
    bool is_paused = scheduler_is_paused(s, str_from(known.status));
    jw_begin_object(w);
    jw_member_str(w, "name", s->name);
    jw_member_str(w, "status", is_paused ? STR("paused") : STR("running"));
    jw_member_opt(w, "job", s->job_name);
    jw_member_opt(w, "cron", s->cron_text);
    if (s->every_ns > 0) {
        jw_member_i64(w, "every_s", s->every_ns / NS_PER_SEC);
    }
    jw_member_opt(w, "timezone", s->timezone);
    jw_member_opt_wall(w, "ticked_at", known.ticked_at);
    jw_end_object(w);
    return true;
}

static bool write_schedules(struct agent *agent, struct json_writer *w, struct err *err)
{
    jw_key(w, STR("schedules"));
    jw_begin_array(w);
    for (size_t i = 0; i < agent->defs->schedule_count; i++) {
        if (!write_schedule(agent, &agent->defs->schedules[i], w, err)) {
            return false;
        }
    }
    jw_end_array(w);
    return true;
}

/* --- assets ----------------------------------------------------------------------------------- */

static bool write_asset(struct asset_states *states, uint32_t i, struct json_writer *w,
                        struct arena *scratch, struct err *err)
{
    const struct asset *asset = &states->defs->assets[i];
    const struct stored_asset *known = &states->known[i];
    struct staleness staleness;
    if (!asset_states_staleness(states, i, scratch, &staleness, err)) {
        return false;
    }
    jw_begin_object(w);
    jw_member_str(w, "key", asset->key);
    jw_member_str(w, "status", str_from(stale_status_name(staleness.status)));
    jw_member_opt_wall(w, "materialized_at", known->materialized_at);
    jw_member_opt(w, "run", known->run);
    jw_member_opt(w, "data_version", known->data_version);
    jw_member_opt_wall(w, "failed_at", known->failed_at);
    jw_member_opt(w, "error", str_clip(known->error, REASON_BYTES_MAX));
    jw_member_opt(w, "freshness", known->freshness);
    jw_end_object(w);
    return true;
}

static bool write_assets(struct agent *agent, struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(STATES_ARENA_BYTES);
    AUTO(arena) scratch = arena_new(SCRATCH_ARENA_BYTES);
    struct asset_states states;
    if (!asset_states_load(agent->store, agent->defs, &arena, &states, err)) {
        return false;
    }
    jw_key(w, STR("assets"));
    jw_begin_array(w);
    for (size_t i = 0; i < agent->defs->asset_count; i++) {
        arena_reset(&scratch);
        if (!write_asset(&states, (uint32_t)i, w, &scratch, err)) {
            return false;
        }
    }
    jw_end_array(w);
    return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool is_wanted(const struct str_list *parts, const char *part)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (str_eq(parts->items[i], str_from(part))) {
            return true;
        }
    }
    return parts->count == 0;
}

static bool write_all(struct agent *agent, const struct str_list *parts, struct json_writer *w,
                      struct err *err)
{
    static bool (*const writers[])(struct agent *, struct json_writer *, struct err *) = {
        write_device, write_assets, write_schedules, write_definitions}; /* as command_parts */
    for (size_t i = 0; command_parts[i] != NULL; i++) {
        if (is_wanted(parts, command_parts[i]) && !writers[i](agent, w, err)) {
            return false;
        }
    }
    return !w->out->overflow ||
           err_set(err, ERR_FULL, "what there is takes more than %d bytes", TEXT_BYTES_MAX);
}

static enum command_outcome describe(struct agent *agent, struct command_call *call,
                                     struct json_writer *result, struct err *err)
{
    struct buf text = buf_growing(TEXT_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    bool ok = write_all(agent, &call->given->parts, &w, err);
    jw_end_object(&w);
    if (!ok || text.len <= RESULT_BYTES_MAX) {
        jw_member_raw(result, "described", ok ? buf_str(&text) : STR("{}"));
        buf_release(&text);
        return ok ? COMMAND_DONE : COMMAND_NOT_DONE;
    }
    struct piece_source source = {
        .text = text, .name = STR("describe"), .bytes = INT64_MAX, .expires_at = call->expires_at};
    bool is_going = agent_send_pieces(agent, call->id, &source);
    buf_release(&source.text);
    return is_going ? COMMAND_GOES_ON : COMMAND_LATER;
}

const struct command_verb command_describe_verbs[] = {
    {.name = "describe", .run = describe, .is_idempotent = true}, {0}};
