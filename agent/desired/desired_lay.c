#include "agent/desired/desired_lay.h"

#include <stdio.h>
#include <string.h>

enum { PROBLEMS_ARENA_BYTES = 1 << 20 };

/* "schedule a: ...; pauses.sensors: ...", as many as there is room for. */
static void write_reason(const struct problems *problems, char ret[DESIRED_REASON_BYTES + 1])
{
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        char text[DESIRED_REASON_BYTES + 1];
        bool has_hint = !str_is_empty(p->hint);
        (void)snprintf(text, sizeof(text), "%s" STR_FMT "%s" STR_FMT "%s", i == 0 ? "" : "; ",
                       STR_ARG(p->text), has_hint ? " (" : "", STR_ARG(p->hint),
                       has_hint ? ")" : "");
        size_t more = strlen(text);
        if (len + more > DESIRED_REASON_BYTES - 4) {
            (void)snprintf(ret + len, DESIRED_REASON_BYTES + 1 - len, "%s",
                           i == 0 ? text : ", ...");
            return;
        }
        memcpy(ret + len, text, more + 1);
        len += more;
    }
}

bool desired_lay(struct str body, struct definitions *base, enum overlay_rule rule,
                 const struct definitions_files *files, struct desired_laid *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(DESIRED_ARENA_BYTES);
    AUTO(arena) report = arena_new(PROBLEMS_ARENA_BYTES);
    struct problems problems = {.arena = &report};
    struct desired d;
    struct desired_laid laid = {0};
    if (!desired_decode(body, &arena, &d, err)) {
        return false;
    }
    const struct definitions_overlay overlay = {
        .schedules = d.content.schedules,
        .paused_schedules = d.content.pauses.schedules,
        .paused_sensors = d.content.pauses.sensors,
        .is_automation_paused = d.content.pauses.automation,
    };
    bool ok = definitions_overlay(base, &overlay, rule, files, &problems, &laid.defs, err);
    write_reason(&problems, laid.reason);
    if (!ok) {
        return problems.total == 0 ? false : err_set(err, ERR_INVALID, "%s", laid.reason);
    }
    laid.revision = d.revision;
    laid.settings = d.content.settings;
    laid.has_bundle = d.content.bundle.ptr != NULL;
    (void)snprintf(laid.bundle, sizeof(laid.bundle), STR_FMT, STR_ARG(d.content.bundle));
    *ret = laid;
    return true;
}
