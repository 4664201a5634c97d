/* clock.h - the clock port: production reads the kernel, simulation is told. Only shells hold one;
 * cores take times. */
#pragma once
#include "common/base/time.h"
#include <stdbool.h>

struct clock {
    struct mono_time (*mono)(void *ctx);
    struct wall_time (*wall)(void *ctx);
    void *ctx;
};

/* CLOCK_BOOTTIME and CLOCK_REALTIME. */
struct clock clock_system(void);
/* Whether the kernel says that something (NTP, PTP, a GPS receiver) keeps CLOCK_REALTIME right. It
 * stops saying so some hours after the last correction. False also where it may not be asked. */
bool clock_is_synced(void);
static inline struct mono_time clock_mono(const struct clock *c)
{
    return c->mono(c->ctx);
}
static inline struct wall_time clock_wall(const struct clock *c)
{
    return c->wall(c->ctx);
}
