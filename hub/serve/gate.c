#include "hub/serve/gate.h"

bool gate_pass(struct gate *g, struct mono_time now)
{
    if (g->window.ns == 0 || now.ns - g->window.ns >= NS_PER_SEC) {
        g->window = now;
        g->passed = 0;
    }
    if (g->passed >= g->per_second) {
        g->held++;
        return false;
    }
    g->passed++;
    return true;
}

int64_t gate_take_held(struct gate *g)
{
    int64_t held = g->held;
    g->held = 0;
    return held;
}
