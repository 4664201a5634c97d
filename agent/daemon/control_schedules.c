/* control_schedules.c - schedules paused and resumed by hand:
 *   {"verb":"schedule_pause","names":["nightly"]}; "schedule_resume" likewise; "all":true for all
 *   ->  {"changed":["nightly"],"unchanged":[]} */
#include "agent/daemon/agent_internal.h"

enum { NAMES_ARENA_BYTES = 1 << 20 };

struct names {
    struct str *items;
    size_t count;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "pause or resume: out of memory");
}

static bool all_names(const struct definitions *defs, struct arena *arena, struct names *ret,
                      struct err *err)
{
    ret->items = arena_array(arena, defs->schedule_count + 1, sizeof(*ret->items));
    if (ret->items == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < defs->schedule_count; i++) {
        ret->items[ret->count++] = defs->schedules[i].name;
    }
    return true;
}

static bool named(const struct json *request, struct arena *arena, struct names *ret,
                  struct err *err)
{
    const struct json *list = json_get(request, "names");
    if (list == NULL || list->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "names: a list is missing");
    }
    ret->items = arena_array(arena, list->count + 1, sizeof(*ret->items));
    if (ret->items == NULL) {
        return no_memory(err);
    }
    for (const struct json *node = list->child; node != NULL; node = node->next) {
        if (node->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "names[%zu] is no text", ret->count);
        }
        ret->items[ret->count++] = node->as.string;
    }
    return true;
}

static void write_names(struct json_writer *w, const char *key, const struct names *names,
                        const bool *changed, bool wanted)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < names->count; i++) {
        if (changed[i] == wanted) {
            jw_str(w, names->items[i]);
        }
    }
    jw_end_array(w);
}

static bool set_paused(struct agent *agent, const struct json *request, bool is_paused,
                       struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_ARENA_BYTES);
    struct names names = {0};
    if (!(control_flag(request, "all") ? all_names(agent->defs, &arena, &names, err)
                                       : named(request, &arena, &names, err))) {
        return false;
    }
    bool *changed = arena_array(&arena, names.count + 1, sizeof(*changed));
    if (changed == NULL) {
        return no_memory(err);
    }
    bool ok =
        scheduler_set_paused(agent->scheduler, names.items, names.count, is_paused, changed, err);
    if (agent->link != NULL) {
        link_recorded(agent->link, store_last_seq(agent->store));
    }
    write_names(w, "changed", &names, changed, true);
    write_names(w, "unchanged", &names, changed, false);
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
