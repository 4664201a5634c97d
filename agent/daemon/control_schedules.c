/* control_schedules.c - schedules paused and resumed by hand:
 *   {"verb":"schedule_pause","names":["nightly"]}; "schedule_resume" likewise; "all":true for all
 *   ->  {"changed":["nightly"],"unchanged":[]} */
#include "agent/daemon/agent_internal.h"

enum { NAMES_ARENA_BYTES = 1 << 20 };

static bool set_paused(struct agent *agent, const struct json *request, bool is_paused,
                       struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_ARENA_BYTES);
    struct control_names names;
    const struct definitions *defs = agent->defs;
    if (!control_names_read(request, defs->schedule_count, &arena, &names, err)) {
        return false;
    }
    for (size_t i = 0; names.is_all && i < defs->schedule_count; i++) {
        names.items[names.count++] = defs->schedules[i].name;
    }
    bool ok = scheduler_set_paused(agent->scheduler, names.items, names.count, is_paused,
                                   names.changed, err);
    if (agent->link != NULL) {
        link_recorded(agent->link, store_last_seq(agent->store));
    }
    control_names_write(w, &names);
    return ok;
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

const struct control_verb control_schedule_verbs[] = {
    {"schedule_pause", answer_pause}, {"schedule_resume", answer_resume}, {0}};
