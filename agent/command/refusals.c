#include "agent/command/refusals.h"

#include <string.h>

static bool has_untold(const struct refusals *r)
{
    for (int i = 0; i < COMMAND_CODE_COUNT; i++) {
        if (r->untold[i] > 0) {
            return true;
        }
    }
    return false;
}

static bool is_over(const struct refusals *r, struct mono_time now)
{
    return r->began.ns != 0 && now.ns - r->began.ns >= REFUSALS_WINDOW_NS;
}

bool refusals_note(struct refusals *r, enum command_code code, struct mono_time now)
{
    r->totals[code]++;
    if (is_over(r, now) && !has_untold(r)) {
        r->began.ns = 0;
    }
    if (r->began.ns == 0) {
        r->began = now;
        r->told = 0;
    }
    if (r->told < REFUSALS_TOLD_MAX) {
        r->told++;
        return true;
    }
    r->untold[code]++;
    return false;
}

struct mono_time refusals_due(const struct refusals *r)
{
    return (struct mono_time){has_untold(r) ? r->began.ns + REFUSALS_WINDOW_NS : 0};
}

bool refusals_end_window(struct refusals *r, struct mono_time now, int64_t ret[COMMAND_CODE_COUNT])
{
    if (!is_over(r, now) || !has_untold(r)) {
        return false;
    }
    memcpy(ret, r->untold, sizeof(r->untold));
    memset(r->untold, 0, sizeof(r->untold));
    r->began.ns = 0;
    return true;
}

int64_t refusals_total(const struct refusals *r)
{
    int64_t sum = 0;
    for (int i = 0; i < COMMAND_CODE_COUNT; i++) {
        sum += r->totals[i];
    }
    return sum;
}
