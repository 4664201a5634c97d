/* gate.h - lets so many pass in a second and counts the rest: strangers decide how often they knock,
 * not how often we write. Pure. */
#pragma once
#include "common/base/time.h"
#include <stdbool.h>

struct gate { /* zeroed but for `per_second` */
    int64_t per_second;
    struct mono_time window; /* when the present second began */
    int64_t passed;          /* in it */
    int64_t held;            /* since gate_take_held() */
};
bool gate_pass(struct gate *g, struct mono_time now);
/* How many were held back since the last call. */
int64_t gate_take_held(struct gate *g);
