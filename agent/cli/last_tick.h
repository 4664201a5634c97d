/* last_tick.h - the last tick of a schedule or sensor, and what came of it. */
#pragma once
#include "agent/cli/commands.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"

struct last_tick {
    struct wall_time at; /* 0 = it never ticked */
    struct wall_time nominal;
    struct str status; /* of the tick */
    struct str run, reason;
    struct str run_status; /* of the run that it started; empty when it is not kept any more */
};
/* `kind`: "schedule" or "sensor". Text is in `arena`. */
MUST_CHECK bool last_tick_read(struct view *view, struct str kind, struct str name,
                               struct arena *arena, struct last_tick *ret, struct err *err);
void last_tick_write(const struct last_tick *last, struct json_writer *w); /* all but its times */
/* A cell: "success", "skipped: the previous run is still going". */
void last_tick_cell(const struct last_tick *last, struct table *table);
