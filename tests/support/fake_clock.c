#include "tests/support/fake_clock.h"

static struct mono_time mono(void *ctx)
{
    return ((struct fake_clock *)ctx)->mono;
}

static struct wall_time wall(void *ctx)
{
    return ((struct fake_clock *)ctx)->wall;
}

struct clock fake_clock_port(struct fake_clock *clock)
{
    return (struct clock){.mono = mono, .wall = wall, .ctx = clock};
}

void fake_clock_advance(struct fake_clock *clock, int64_t ns)
{
    clock->mono.ns += ns;
    clock->wall.ns += ns;
}

void fake_clock_step_wall(struct fake_clock *clock, int64_t ns)
{
    clock->wall.ns += ns;
}
