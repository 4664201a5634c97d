/* schedule_sim_test.c - random cron expressions in five zones from 2024 to 2027, each compared
 * firing by firing with what every minute says, and lived through (schedule_life.h).
 * `schedule_sim_test --seed S` repeats a run, with --zone and --index one of its lives; `--sabotage
 * RULE` breaks a rule on purpose and expects that it is noticed. */
#include "common/platform/files.h"
#include "tests/sim/schedule_life.h"
#include "tests/support/seeded_rng.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)

enum { LOOKS_MAX = 3000, PROBES = 20, EVERY_NTH_IS_EVERY = 4 };
static const int64_t begin_2024 = INT64_C(1704067200);
static const int64_t end_2027 = INT64_C(1829952000); /* December 28: clocks run ahead by days */
static const char *const zone_names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                         "America/Sao_Paulo", "Asia/Kathmandu"};
static const char *const sabotage_names[] = {"none", "forget", "repeat", "oversleep"};

struct campaign {
    uint64_t seed;
    int64_t crons;                 /* in each zone */
    int64_t only_zone, only_index; /* -1 = all */
    enum life_sabotage sabotage;
    bool is_long;
    int64_t firings;
    struct life_result sum;
};

/* One expression in one zone. */
struct world {
    struct campaign *campaign;
    struct rng rng;
    const struct tz *tz;
    const struct oracle_zone *zone;
    struct oracle_cron cron;
    struct schedule schedule;
    struct oracle_ticks ticks;
};

static int64_t below(const struct world *w, int64_t bound)
{
    return (int64_t)rng_below(&w->rng, (uint64_t)bound);
}

static bool wrong(const struct world *w, int64_t at, int64_t ours, int64_t right)
{
    printf("%s: at %" PRId64 ": %" PRId64 " instead of %" PRId64 "\n", w->cron.text, at, ours,
           right);
    return false;
}

static bool check_next(const struct world *w)
{
    struct wall_time t = {w->zone->begin * NS_PER_SEC - 1};
    for (size_t i = 0; i < w->ticks.count; i++) {
        int64_t before = t.ns / NS_PER_SEC;
        if (!cron_next(&w->schedule.cron, w->tz, t, &t)) {
            return wrong(w, before, 0, w->ticks.at[i]);
        }
        if (t.ns != w->ticks.at[i] * NS_PER_SEC) {
            return wrong(w, before, t.ns / NS_PER_SEC, w->ticks.at[i]);
        }
    }
    int64_t end = w->zone->begin + 60 * (int64_t)w->zone->count;
    if (cron_next(&w->schedule.cron, w->tz, t, &t) && t.ns < end * NS_PER_SEC) {
        return wrong(w, end, t.ns / NS_PER_SEC, 0);
    }
    w->campaign->firings += (int64_t)w->ticks.count;
    return true;
}

static bool check_last(const struct world *w)
{
    int64_t end = w->zone->begin + 60 * (int64_t)w->zone->count;
    for (int i = 0; i < PROBES && w->ticks.count > 0; i++) {
        int64_t at = w->ticks.at[0] + below(w, end - w->ticks.at[0]);
        int64_t right = w->ticks.at[oracle_ticks_until(&w->ticks, at) - 1];
        struct wall_time last;
        if (!cron_last(&w->schedule.cron, w->tz, (struct wall_time){at * NS_PER_SEC}, &last) ||
            last.ns != right * NS_PER_SEC) {
            return wrong(w, at, last.ns / NS_PER_SEC, right);
        }
    }
    return true;
}

static bool live(struct world *w, int64_t from, int64_t until)
{
    static const int64_t splays_s[] = {0, 0, 1, 90, 3600, 2 * DAY_S};
    struct campaign *c = w->campaign;
    w->schedule.missed = (enum missed_policy)below(w, 3);
    w->schedule.missed_max = 1 + below(w, 10);
    int64_t splay_s = splays_s[below(w, COUNT_OF(splays_s))];
    const struct life_options options = {.rng = &w->rng,
                                         .schedule = &w->schedule,
                                         .splay_ns = splay_s * NS_PER_SEC,
                                         .ticks = &w->ticks,
                                         .from = from,
                                         .until = until,
                                         .looks_max = c->is_long ? 0 : LOOKS_MAX,
                                         .sabotage = c->sabotage};
    life_run(&options, &c->sum);
    if (c->sum.failure[0] != '\0') {
        printf("%s every %" PRId64 " s, policy %d (%" PRId64 "), splay %" PRId64 " s: %s\n",
               w->cron.text, w->schedule.every_ns / NS_PER_SEC, (int)w->schedule.missed,
               w->schedule.missed_max, splay_s, c->sum.failure);
    }
    return c->sum.failure[0] == '\0';
}

static bool live_by_cron(struct world *w)
{
    struct err err = {0};
    oracle_cron_random(&w->rng, &w->cron);
    w->schedule = (struct schedule){.name = STR("s"), .tz = w->tz};
    if (!cron_parse(str_from(w->cron.text), &w->schedule.cron, &err)) {
        printf("%s: %s\n", w->cron.text, err.msg);
        return false;
    }
    w->ticks = oracle_ticks_of(w->zone, &w->cron);
    /* A life of many ticks is cut short, so it begins anywhere. */
    bool is_whole = w->campaign->is_long || w->ticks.count < LOOKS_MAX;
    int64_t from = begin_2024 + (is_whole ? 0 : below(w, 3 * 365) * DAY_S);
    bool ok = check_next(w) && check_last(w) && live(w, from, end_2027);
    oracle_ticks_free(&w->ticks);
    return ok;
}

static bool live_by_interval(struct world *w)
{
    static const int64_t intervals_s[] = {1, 15, 60, 3600, 7 * 3600, DAY_S, 9 * DAY_S};
    int64_t every_s = intervals_s[below(w, COUNT_OF(intervals_s))];
    int64_t days = every_s < 60 ? 30 : 900;
    int64_t from = begin_2024 + below(w, 500) * DAY_S;
    w->cron.text[0] = '\0';
    w->schedule =
        (struct schedule){.name = STR("s"), .tz = w->tz, .every_ns = every_s * NS_PER_SEC};
    w->ticks = oracle_ticks_every(every_s, from - 10 * DAY_S, from + (days + 10) * DAY_S);
    bool ok = live(w, from, from + days * DAY_S);
    oracle_ticks_free(&w->ticks);
    return ok;
}

static bool load_zone(const char *name, struct arena *arena, struct tz **ret)
{
    char path[128];
    struct err err = {0};
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    if (!files_read(path, &bytes, &err) || !tz_parse(buf_str(&bytes), arena, ret, &err)) {
        printf("%s: %s\n", name, err.msg);
        return false;
    }
    return true;
}

static bool run_zone(struct campaign *c, size_t number)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct tz *tz = NULL;
    if (!load_zone(zone_names[number], &arena, &tz)) {
        return false;
    }
    struct oracle_zone *zone = oracle_zone_new(zone_names[number]);
    bool ok = true;
    for (int64_t i = 0; ok && i < c->crons; i++) {
        if (c->only_index >= 0 && c->only_index != i) {
            continue;
        }
        struct seeded_rng seeded =
            seeded_rng_new(c->seed * UINT64_C(1000003) + number * 1000 + (uint64_t)i);
        struct world w = {.campaign = c, .rng = seeded_rng_port(&seeded), .tz = tz, .zone = zone};
        ok = live_by_cron(&w) && (i % EVERY_NTH_IS_EVERY != 0 || live_by_interval(&w));
        if (!ok) {
            printf("%s; replay: --seed %" PRIu64 " --zone %zu --index %" PRId64 "\n",
                   zone_names[number], c->seed, number, i);
        }
    }
    oracle_zone_free(zone);
    return ok;
}

static bool parse(struct campaign *c, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t number = 0;
        bool is_number = str_to_i64(str_from(argv[i + 1]), 0, INT64_MAX, &number);
        if (strcmp(argv[i], "--seed") == 0 && is_number) {
            c->seed = (uint64_t)number;
        } else if (strcmp(argv[i], "--crons") == 0 && is_number) {
            c->crons = number;
        } else if (strcmp(argv[i], "--zone") == 0 && is_number) {
            c->only_zone = number;
        } else if (strcmp(argv[i], "--index") == 0 && is_number) {
            c->only_index = number;
        } else if (strcmp(argv[i], "--sabotage") == 0) {
            for (size_t k = 0; k < COUNT_OF(sabotage_names); k++) {
                c->sabotage = strcmp(argv[i + 1], sabotage_names[k]) == 0 ? (enum life_sabotage)k
                                                                          : c->sabotage;
            }
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    struct rng rng = rng_system();
    struct campaign c = {.seed = rng_below(&rng, UINT64_C(1) << 40),
                         .crons = 200,
                         .only_zone = -1,
                         .only_index = -1,
                         .is_long = getenv("SELVEDGE_LONG") != NULL};
    if (!parse(&c, argc, argv)) {
        printf("usage: schedule_sim_test [--crons N] [--seed S] [--zone N] [--index N] "
               "[--sabotage RULE]\n");
        return 2;
    }
    printf("%" PRId64 " expressions in each of %zu zones, seed=%" PRIu64 ", sabotage: %s\n",
           c.crons, COUNT_OF(zone_names), c.seed, sabotage_names[c.sabotage]);
    bool held = true;
    for (size_t i = 0; held && i < COUNT_OF(zone_names); i++) {
        held = (c.only_zone >= 0 && c.only_zone != (int64_t)i) || run_zone(&c, i);
    }
    printf("%" PRId64 " firings; %" PRId64 " looks, %" PRId64 " ticks fired, %" PRId64
           " skipped, %" PRId64 " refused a second time, %" PRId64 " disturbances\n",
           c.firings, c.sum.looks, c.sum.fired, c.sum.skipped, c.sum.refused, c.sum.disturbed);
    if (c.sabotage != LIFE_HONEST) {
        printf(held ? "the broken rule was not noticed\n" : "the broken rule was noticed\n");
        return held ? 1 : 0;
    }
    return held ? 0 : 1;
}
