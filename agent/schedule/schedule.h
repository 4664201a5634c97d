/* schedule.h - when a schedule's next tick is, and whether one is due. Pure. A tick's identity is
 * its nominal time, so one nominal tick starts at most one run, whatever restarts and clock steps
 * happen in between. Ticks that were missed while the agent was down or the clock stood wrong are
 * folded into the latest one. */
#pragma once
#include "agent/definitions/definitions.h"

/* The first nominal time strictly after `after`; false when there is none (an impossible date).
 * `every` counts from 1970, so that its times do not depend on when the agent started. */
bool schedule_next(const struct schedule *schedule, struct wall_time after, struct wall_time *ret);
/* The latest nominal time in (last, now]; false when none is due. */
bool schedule_due(const struct schedule *schedule, struct wall_time last, struct wall_time now,
                  struct wall_time *ret);
