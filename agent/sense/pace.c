#include "agent/sense/pace.h"

#include "agent/sense/digest.h"
#include "common/model/backoff.h"

#define BACKOFF_BASE_NS (1 * NS_PER_SEC)
#define BACKOFF_CAP_NS  (300 * NS_PER_SEC)

void pace_begin(struct pace *p, struct wall_time last_tick, struct wall_time wall,
                struct mono_time now)
{
    int64_t passed = wall.ns - last_tick.ns;
    p->next = now;
    if (last_tick.ns > 0 && passed >= 0 && passed < p->min_interval_ns) {
        p->next.ns = now.ns + p->min_interval_ns - passed;
    }
}

bool pace_is_due(const struct pace *p, struct mono_time now)
{
    return p->next.ns <= now.ns;
}

void pace_ticked(struct pace *p, struct mono_time now)
{
    p->failures = 0;
    p->next.ns = now.ns + p->min_interval_ns;
}

void pace_failed(struct pace *p, struct mono_time now, uint64_t random)
{
    p->failures++;
    int64_t wait = reconnect_delay_ns(BACKOFF_BASE_NS, BACKOFF_CAP_NS, p->failures, random);
    p->next.ns = now.ns + (wait > p->min_interval_ns ? wait : p->min_interval_ns);
}

bool told_is_news(struct told *told, struct str status, struct str reason, bool moves_cursor)
{
    uint64_t what = digest_join(digest_of(status), digest_of(reason));
    bool starts = str_eq(status, STR("started"));
    bool is_news = starts || moves_cursor || what != told->what;
    told->what = starts ? 0 : what;
    return is_news;
}
