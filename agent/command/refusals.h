/* refusals.h - how often it is told that a message was refused: whoever can publish can send any
 * number of them, and must not fill the device's buffer with what is said about it. The first of an
 * hour are told one by one; how many more there were, of which kind, is told once at its end. Pure. */
#pragma once
#include "agent/command/admission.h"

enum { REFUSALS_TOLD_MAX = 20 };
#define REFUSALS_WINDOW_NS (3600 * NS_PER_SEC)

struct refusals {
    int64_t totals[COMMAND_CODE_COUNT]; /* since the agent started */
    int64_t untold[COMMAND_CODE_COUNT]; /* in this window */
    int told;
    struct mono_time began; /* the window; 0 = there is none */
};
/* Counts one; true when it is told. */
bool refusals_note(struct refusals *r, enum command_code code, struct mono_time now);
/* When to ask again; 0 = no need. */
struct mono_time refusals_due(const struct refusals *r);
/* Ends a window that is over. True: `ret` is what was not told in it. */
bool refusals_end_window(struct refusals *r, struct mono_time now, int64_t ret[COMMAND_CODE_COUNT]);
int64_t refusals_total(const struct refusals *r);
