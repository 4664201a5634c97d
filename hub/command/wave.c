#include "hub/command/wave.h"

int64_t wave_room(const struct wave *w)
{
    return w->working < w->at_once ? w->at_once - w->working : 0;
}

bool wave_is_hopeless(const struct wave *w, struct buf *why)
{
    int64_t bad = w->failed + w->overdue;
    bool is_above_count = w->abort_failed > 0 && bad > w->abort_failed;
    bool is_above_share = w->abort_percent > 0 && bad * 100 > w->abort_percent * w->devices;
    if (!is_above_count && !is_above_share) {
        return false;
    }
    buf_addf(why, "%lld of %lld devices failed", (long long)bad, (long long)w->devices);
    if (is_above_count) {
        buf_addf(why, ", more than %lld", (long long)w->abort_failed);
    } else {
        buf_addf(why, ", more than %lld %%", (long long)w->abort_percent);
    }
    return true;
}

bool wave_is_overdue(const struct wave *w, struct wall_time since, struct wall_time now)
{
    return w->patience_ns > 0 && now.ns - since.ns >= w->patience_ns;
}
