/* fake_clock.h - the clock port for tests: it stands still until it is told. */
#pragma once
#include "common/platform/clock.h"

struct fake_clock {
    struct mono_time mono;
    struct wall_time wall;
};

/* The clock must outlive the port. */
struct clock fake_clock_port(struct fake_clock *clock);
void fake_clock_advance(struct fake_clock *clock, int64_t ns);   /* both times */
void fake_clock_step_wall(struct fake_clock *clock, int64_t ns); /* as an operator or NTP does */
