/* schedule_year SCHEDULES DAYS - the schedule core through so many days of so many schedules, as the
 * daemon asks it: sleeps until the earliest tick, looks at what is due then. */
#include "agent/schedule/schedule.h"
#include "common/platform/files.h"
#include "tests/bench/bench.h"
#include <stdlib.h>

/* Of twenty: what a device has. */
static const char *const mix[] = {
    "*/5 * * * *", "*/15 6-22 * * *", "0 * * * *",      "30 * * * *",    "15 */2 * * *",
    "@daily",      "30 2 * * *",      "0 3 * * 1-5",    "45 23 * * *",   "@weekly",
    "0 6 1 * *",   "5 4 * * sun",     "0 8-18 * * 1-5", "10 0 1,15 * *", "20 1 * * *",
    "0 12 * * *",  "40 */6 * * *",    "0 0 * * 6,0",    "50 5 * * *",    "*/30 * * * *"};

static struct tz *berlin(struct arena *arena)
{
    struct tz *tz = NULL;
    struct err err = {0};
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    bench_check(files_read("/usr/share/zoneinfo/Europe/Berlin", &bytes, &err) &&
                    tz_parse(buf_str(&bytes), arena, &tz, &err),
                &err);
    return tz;
}

struct entry {
    struct schedule schedule;
    struct wall_time decided;
    struct wall_time wake;
};

static int64_t earliest(const struct entry *entries, int64_t count)
{
    int64_t wake = INT64_MAX;
    for (int64_t i = 0; i < count; i++) {
        wake = entries[i].wake.ns < wake ? entries[i].wake.ns : wake;
    }
    return wake;
}

static int64_t live(struct entry *entries, int64_t count, struct wall_time now, int64_t until)
{
    int64_t ticks = 0;
    for (; now.ns < until; now.ns = earliest(entries, count)) {
        for (int64_t i = 0; i < count; i++) {
            struct entry *e = &entries[i];
            struct schedule_look look;
            if (e->wake.ns > now.ns) {
                continue;
            }
            schedule_look(&e->schedule, 0, e->decided, now, &look);
            e->decided = look.begin != SCHEDULE_GOES_ON ? now : look.first;
            e->wake = look.wake;
            ticks += look.fires;
        }
    }
    return ticks;
}

int main(int argc, char **argv)
{
    int64_t count = bench_count_arg(argc, argv, 1);
    int64_t days = bench_count_arg(argc, argv, 2);
    struct wall_time begin = {INT64_C(1767225600) * NS_PER_SEC}; /* 2026 */
    AUTO(arena) arena = arena_new(1 << 20);
    const struct tz *tz = berlin(&arena);
    struct entry *entries = calloc((size_t)count, sizeof(*entries));
    if (entries == NULL) {
        bench_die("out of memory");
    }
    for (int64_t i = 0; i < count; i++) {
        struct err err = {0};
        entries[i].schedule.tz = tz;
        bench_check(
            cron_parse(str_from(mix[i % (int64_t)COUNT_OF(mix)]), &entries[i].schedule.cron, &err),
            &err);
    }
    struct bench_counters start = bench_now();
    bench_print("ticks", live(entries, count, begin, begin.ns + days * 86400 * NS_PER_SEC));
    bench_print_since(&start);
    free(entries);
    return 0;
}
