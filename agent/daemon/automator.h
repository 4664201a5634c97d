/* automator.h - makes what conditions of automation ask for: a shell around
 * common/model/automation_eval.h.
 *
 * DESIGN: a tick comes a second after something happened (an asset was made or seen, a run ended,
 * the definitions are others), at the ticks of crons and when a window of time ends; at most one
 * every few seconds, and the longer one takes the fewer. It flushes, reads everything from the
 * database, evaluates, and records what it asks for in one transaction with the runs: whatever
 * happens in between, a condition asks once. What came between two ticks counts in its order, so that
 * none is too rare. Where a condition stands is written only when it has moved: an idle device writes
 * nothing. */
#pragma once
#include "agent/run/runner.h"

struct automator;
/* Reads whether it is paused. `defs` is borrowed until it is closed. */
MUST_CHECK bool automator_open(struct automator **ret, struct loop *loop, struct store *store,
                               struct runner *runner, const struct definitions *defs,
                               struct err *err);
void automator_close(struct automator *automator); /* NULL is allowed */
void automator_start(struct automator *automator);
void automator_wake(struct automator *automator); /* something happened */
void automator_clock_stepped(struct automator *automator);
void automator_stop(struct automator *automator); /* until it is started again */

/* While it is paused nothing is evaluated. What happened meanwhile is looked at once when it goes
 * on: each asset is asked for once at most. Recorded, and survives restarts. */
MUST_CHECK bool automator_pause(struct automator *automator, bool is_paused, struct str command,
                                struct err *err);
/* The record of it, for whoever has no automator. */
struct record automation_pause_record(bool is_paused, struct str command, struct wall_time now);
bool automator_is_paused(const struct automator *automator);
bool automator_is_used(const struct automator *automator); /* any asset has a condition */
