/* instigators.h - what is remembered of schedules, sensors and automation between two starts: a
 * daemon reads it when it starts, the command line beside it. Written by records of type tick and
 * instigator only (record.h). Text in callbacks is borrowed for the call; one that returns false
 * ends the reading. */
#pragma once
#include "agent/store/store.h"
#include "agent/store/view.h"

struct instigator {
    struct str name;
    struct str status; /* "running", "paused"; empty: as its definition says */
    struct str cursor;
    struct wall_time decided; /* schedule: the last nominal time decided on, or when it began;
                                 0 = it has not begun */
    struct wall_time changed_at;
    struct wall_time ticked_at;
};
/* All of a kind ("schedule", "sensor", "automation"), by name; also those that are defined no more. */
MUST_CHECK bool store_instigators(struct store *store, struct str kind,
                                  bool (*on_each)(void *ctx, const struct instigator *instigator),
                                  void *ctx, struct err *err);
MUST_CHECK bool view_instigators(struct view *view, struct str kind,
                                 bool (*on_each)(void *ctx, const struct instigator *instigator),
                                 void *ctx, struct err *err);
