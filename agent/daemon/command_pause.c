/* command_pause.c - schedules, sensors and automation paused and resumed by the hub. */
#include "agent/daemon/agent_internal.h"

enum { NAMES_ARENA_BYTES = 1 << 20 };

struct by_command {
    struct str id; /* of the command */
    bool is_paused;
};

static bool pause_named(struct agent *agent, enum agent_pausable what, struct by_command by,
                        const struct str_list *names, struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_ARENA_BYTES);
    struct agent_pausing p = {.what = what,
                              .is_paused = by.is_paused,
                              .command = by.id,
                              .is_all = names->count == 0,
                              .names = names->items,
                              .count = names->count};
    if (!agent_pause(agent, &p, &arena, err)) {
        return false;
    }
    jw_key(w, what == AGENT_SENSORS ? STR("sensors") : STR("schedules"));
    jw_begin_object(w);
    agent_pausing_write(&p, w);
    jw_end_object(w);
    return true;
}

static bool pause_automation(struct agent *agent, struct by_command by, struct json_writer *w,
                             struct err *err)
{
    bool changed = false;
    if (!agent_pause_automation(agent, by.is_paused, by.id, &changed, err)) {
        return false;
    }
    jw_key(w, STR("automation"));
    jw_begin_object(w);
    jw_member_bool(w, "paused", by.is_paused);
    jw_member_bool(w, "changed", changed);
    jw_end_object(w);
    return true;
}

static enum command_outcome set_paused(struct agent *agent, const struct command_call *call,
                                       bool is_paused, struct json_writer *w, struct err *err)
{
    const struct by_command by = {.id = call->id, .is_paused = is_paused};
    const struct command_args *given = call->given;
    bool is_all = given->what == COMMAND_EVERYTHING;
    bool ok = true;
    if (is_all || given->what == COMMAND_SCHEDULES) {
        ok = pause_named(agent, AGENT_SCHEDULES, by, &given->names, w, err);
    }
    if (ok && (is_all || given->what == COMMAND_SENSORS)) {
        ok = pause_named(agent, AGENT_SENSORS, by, &given->names, w, err);
    }
    if (ok && (is_all || given->what == COMMAND_AUTOMATION)) {
        ok = pause_automation(agent, by, w, err);
    }
    return ok ? COMMAND_DONE : COMMAND_NOT_DONE;
}

static enum command_outcome pause(struct agent *agent, struct command_call *call,
                                  struct json_writer *result, struct err *err)
{
    return set_paused(agent, call, true, result, err);
}

static enum command_outcome resume(struct agent *agent, struct command_call *call,
                                   struct json_writer *result, struct err *err)
{
    return set_paused(agent, call, false, result, err);
}

const struct command_verb command_pause_verbs[] = {
    {.name = "pause", .run = pause, .is_idempotent = true},
    {.name = "resume", .run = resume, .is_idempotent = true},
    {0}};
