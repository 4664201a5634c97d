/* control_pause.c - schedules and sensors paused and resumed by hand:
 *   {"verb":"schedule_pause","names":["nightly"]}; "all":true for all
 *   "schedule_resume", "sensor_pause", "sensor_resume" likewise
 *   ->  {"changed":["nightly"],"unchanged":[]} */
#include "agent/daemon/agent_internal.h"

enum { NAMES_ARENA_BYTES = 1 << 20 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "pause or resume: out of memory");
}

/* --- pausing ---------------------------------------------------------------------------------- */

static bool name_all(const struct definitions *defs, struct agent_pausing *p, struct arena *arena,
                     struct err *err)
{
    bool is_sensors = p->what == AGENT_SENSORS;
    p->count = is_sensors ? defs->sensor_count : defs->schedule_count;
    p->names = arena_array(arena, p->count + 1, sizeof(*p->names));
    for (size_t i = 0; p->names != NULL && i < p->count; i++) {
        p->names[i] = is_sensors ? defs->sensors[i].name : defs->schedules[i].name;
    }
    return p->names != NULL || no_memory(err);
}

static bool pause_schedules(struct agent *agent, const struct agent_pausing *p, struct err *err)
{
    bool ok = agent_open_scheduler(agent, err) && scheduler_set_paused(agent->scheduler, p, err);
    if (agent->link != NULL) {
        link_recorded(agent->link, store_last_seq(agent->store));
    }
    return ok;
}

static bool pause_sensors(struct agent *agent, const struct agent_pausing *p, struct err *err)
{
    return agent_open_sensors(agent, err) && sensors_set_paused(agent->sensors, p, err);
}

bool agent_pause(struct agent *agent, struct agent_pausing *p, struct arena *arena, struct err *err)
{
    if (p->is_all && !name_all(agent->defs, p, arena, err)) {
        return false;
    }
    p->changed = arena_array(arena, p->count + 1, sizeof(*p->changed));
    if (p->changed == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < p->count; i++) { /* definitions go before the answer is read */
        p->names[i] = arena_copy(arena, p->names[i]);
        if (p->names[i].ptr == NULL) {
            return no_memory(err);
        }
    }
    return p->what == AGENT_SENSORS ? pause_sensors(agent, p, err) : pause_schedules(agent, p, err);
}

/* --- by the control socket -------------------------------------------------------------------- */

static bool read_names(const struct json *request, struct agent_pausing *p, struct arena *arena,
                       struct err *err)
{
    const struct json *list = json_get(request, "names");
    p->is_all = control_flag(request, "all");
    if (p->is_all) {
        return true;
    }
    if (list == NULL || list->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "names: a list is missing");
    }
    p->names = arena_array(arena, list->count + 1, sizeof(*p->names));
    if (p->names == NULL) {
        return no_memory(err);
    }
    for (const struct json *node = list->child; node != NULL; node = node->next) {
        if (node->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "names[%zu] is no text", p->count);
        }
        p->names[p->count++] = node->as.string;
    }
    return true;
}

static void write_names(struct json_writer *w, const char *key, const struct agent_pausing *p,
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

void agent_pausing_write(const struct agent_pausing *p, struct json_writer *w)
{
    write_names(w, "changed", p, true);
    write_names(w, "unchanged", p, false);
}

static bool answer(struct agent *agent, const struct json *request, struct agent_pausing p,
                   struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_ARENA_BYTES);
    if (!read_names(request, &p, &arena, err) || !agent_pause(agent, &p, &arena, err)) {
        return false;
    }
    agent_pausing_write(&p, w);
    return true;
}

static bool pause_of_schedules(struct agent *agent, const struct json *request,
                               struct json_writer *w, struct err *err)
{
    return answer(agent, request, (struct agent_pausing){AGENT_SCHEDULES, .is_paused = true}, w,
                  err);
}

static bool resumption_of_schedules(struct agent *agent, const struct json *request,
                                    struct json_writer *w, struct err *err)
{
    return answer(agent, request, (struct agent_pausing){AGENT_SCHEDULES, .is_paused = false}, w,
                  err);
}

static bool pause_of_sensors(struct agent *agent, const struct json *request, struct json_writer *w,
                             struct err *err)
{
    return answer(agent, request, (struct agent_pausing){AGENT_SENSORS, .is_paused = true}, w, err);
}

static bool resumption_of_sensors(struct agent *agent, const struct json *request,
                                  struct json_writer *w, struct err *err)
{
    return answer(agent, request, (struct agent_pausing){AGENT_SENSORS, .is_paused = false}, w,
                  err);
}

const struct control_verb control_pause_verbs[] = {{"schedule_pause", pause_of_schedules},
                                                   {"schedule_resume", resumption_of_schedules},
                                                   {"sensor_pause", pause_of_sensors},
                                                   {"sensor_resume", resumption_of_sensors},
                                                   {0}};
