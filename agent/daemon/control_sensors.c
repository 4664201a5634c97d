/* control_sensors.c - sensors by hand:
 *   {"verb":"sensors"}  ->  {"sensors":{"door":{"state":"running",...}}}
 *   {"verb":"sensor_pause","names":["door"]}; "sensor_resume" likewise; "all":true for all
 *   ->  {"changed":["door"],"unchanged":[]}
 *   {"verb":"sensor_cursor","sensor":"door","cursor":"..."}  ->  {} */
#include "agent/daemon/agent_internal.h"

enum { NAMES_ARENA_BYTES = 1 << 20 };

bool agent_pause_sensors(struct agent *agent, struct agent_pausing *p, struct arena *arena,
                         struct err *err)
{
    const struct definitions *defs = agent->defs;
    if (p->is_all) {
        p->names = arena_array(arena, defs->sensor_count + 1, sizeof(*p->names));
        p->count = 0;
        for (size_t i = 0; p->names != NULL && i < defs->sensor_count; i++) {
            p->names[p->count++] = defs->sensors[i].name;
        }
    }
    p->changed = arena_array(arena, p->count + 1, sizeof(*p->changed));
    if (p->names == NULL || p->changed == NULL) {
        return err_set(err, ERR_NO_MEMORY, "pause sensors: out of memory");
    }
    for (size_t i = 0; i < p->count; i++) { /* definitions go before the answer is read */
        p->names[i] = arena_copy(arena, p->names[i]);
        if (p->names[i].ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "pause sensors: out of memory");
        }
    }
    return agent_open_sensors(agent, err) &&
           sensors_set_paused(agent->sensors, p->names, p->count, p->is_paused, p->changed, err);
}

bool agent_set_cursor(struct agent *agent, struct str sensor, struct str text, struct err *err)
{
    return agent_open_sensors(agent, err) && sensors_set_cursor(agent->sensors, sensor, text, err);
}

static bool set_paused(struct agent *agent, const struct json *request, bool is_paused,
                       struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_ARENA_BYTES);
    struct control_names names;
    if (!control_names_read(request, 0, &arena, &names, err)) {
        return false;
    }
    struct agent_pausing pausing = {
        .is_paused = is_paused, .is_all = names.is_all, .names = names.items, .count = names.count};
    if (!agent_pause_sensors(agent, &pausing, &arena, err)) {
        return false;
    }
    names.items = pausing.names;
    names.changed = pausing.changed;
    names.count = pausing.count;
    control_names_write(w, &names);
    return true;
}

static bool answer_pause(struct agent *agent, const struct json *request, struct json_writer *w,
                         struct err *err)
{
    return set_paused(agent, request, true, w, err);
}

static bool answer_resume(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    return set_paused(agent, request, false, w, err);
}

static bool answer_cursor(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    (void)w;
    return agent_set_cursor(agent, control_text(request, "sensor"), control_text(request, "cursor"),
                            err);
}

static bool answer_sensors(struct agent *agent, const struct json *request, struct json_writer *w,
                           struct err *err)
{
    (void)request;
    (void)err;
    jw_key(w, STR("sensors"));
    jw_begin_object(w);
    sensors_write(agent->sensors, w);
    jw_end_object(w);
    return true;
}

const struct control_verb control_sensor_verbs[] = {{"sensors", answer_sensors},
                                                    {"sensor_pause", answer_pause},
                                                    {"sensor_resume", answer_resume},
                                                    {"sensor_cursor", answer_cursor},
                                                    {0}};
