#include "agent/el/pace.h"

#include <time.h>

struct pace pace_begin(const struct pace_options *options, struct mono_time start)
{
    return (struct pace){.options = options, .start = start};
}

bool pace_is_over(const struct pace *p)
{
    const struct pace_options *o = p->options;
    int64_t lasts = pace_lasts(o);
    int64_t samples = o->samples == 0 && lasts == 0 ? 1 : o->samples;
    return (samples > 0 && p->taken >= samples) || (lasts > 0 && p->turn * o->every > lasts);
}

int64_t pace_wait_ns(const struct pace *p, struct mono_time now)
{
    return p->start.ns + p->turn * p->options->every - now.ns;
}

void pace_taken(struct pace *p, struct mono_time now)
{
    p->taken++;
    p->turn++;
    int64_t every = p->options->every;
    int64_t late = -pace_wait_ns(p, now);
    if (every > 0 && late > 0) {
        p->turn += (late + every - 1) / every;
    }
}

bool pace_sleep_until_due(const struct pace *p, const struct clock *clock, int64_t idle_ns)
{
    int64_t wait = pace_wait_ns(p, clock_mono(clock));
    if (wait > 0) {
        wait = wait < idle_ns ? wait : idle_ns;
        const struct timespec time = {.tv_sec = wait / NS_PER_SEC, .tv_nsec = wait % NS_PER_SEC};
        (void)nanosleep(&time, NULL);
        wait = pace_wait_ns(p, clock_mono(clock));
    }
    return wait <= 0;
}
