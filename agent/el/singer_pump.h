/* singer_pump.h - a Singer tap and a Singer target that somebody else wrote: whole lines pass
 * unchanged from one to the other, but for blank ones. Of each only the type and the stream are looked at, to count;
 * a BATCH counts by the lines of its files.
 *
 * When the tap fails, what it wrote still reaches the target, which is let to end in peace: its
 * progress is real. When the target ends early, the tap is killed at once. Either way the last
 * state that the target told is kept. */
#pragma once
#include "agent/el/report.h"

/* Both sides of the load are programs? */
bool singer_pump_fits(const struct request *request);
/* As extract_load(). */
MUST_CHECK bool singer_pump(const struct request *request, struct arena *arena,
                            struct report *report, struct materialization *ret, struct err *err);
