/* fleet_sim_test.c - a fleet over virtual days: `fleet_sim_test` from a fresh seed that is printed;
 * `--seed S` replays it; with SELVEDGE_LONG 1,000 devices for a week. `--sabotage RULE` breaks a rule
 * on purpose and expects that it is noticed. */
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include "tests/sim/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 60, HOURS = 24, LONG_DEVICES = 1000, LONG_HOURS = 7 * 24 };

struct fleet_run {
    int64_t devices, hours, seed;
    enum sabotage sabotage;
};

static bool parse(struct fleet_run *run, int argc, char **argv)
{
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {{"--devices", &run->devices}, {"--hours", &run->hours}, {"--seed", &run->seed}};
    for (int i = 1; i + 1 < argc; i += 2) {
        bool is_known = false;
        for (size_t k = 0; k < COUNT_OF(numbers); k++) {
            is_known = is_known || (strcmp(argv[i], numbers[k].name) == 0 &&
                                    str_to_i64(str_from(argv[i + 1]), 1, INT64_MAX, numbers[k].to));
        }
        for (size_t k = 0; k < SABOTAGE_COUNT && strcmp(argv[i], "--sabotage") == 0; k++) {
            bool is_it = strcmp(argv[i + 1], sabotage_names[k]) == 0;
            run->sabotage = is_it ? (enum sabotage)k : run->sabotage;
            is_known = is_known || is_it;
        }
        if (!is_known) {
            return false;
        }
    }
    return argc % 2 == 1;
}

/* Promise P3: the views are what the log gives. */
static bool rebuild_agrees(struct db *hub)
{
    struct rebuild_report report = {0};
    struct err err = {0};
    bool ok = rebuild_check(hub, ":memory:", NULL, NULL, &report, &err) && report.differences == 0;
    if (!ok) {
        printf("rebuild differs: %lld differences %s\n", (long long)report.differences, err.msg);
    }
    return ok;
}

static bool live(const struct fleet_run *run)
{
    struct err err = {0};
    struct db *hub = NULL;
    struct hub_store_options store = {.path = ":memory:"};
    if (!hub_store_open(&hub, &store, &err)) {
        printf("%s\n", err.msg);
        return false;
    }
    struct world_options options = {.seed = (uint64_t)run->seed,
                                    .sabotage = run->sabotage,
                                    .hub = hub,
                                    .devices = (int)run->devices,
                                    .fleet_ns = run->hours * 3600 * NS_PER_SEC};
    struct world_result r;
    world_run(&options, &r);
    printf("%lld steps, %lld events of live disks, %lld crashes, %lld messages lost, %lld harmed, "
           "%lld disks wiped, %lld put back, %lld epochs\n",
           (long long)r.steps, (long long)r.events, (long long)r.crashes,
           (long long)r.lost_messages, (long long)r.harmed, (long long)r.wipes,
           (long long)r.put_backs, (long long)r.epochs);
    bool held = r.failure[0] == '\0';
    if (!held) {
        printf("step=%lld: %s; replay: --devices %lld --hours %lld --seed %lld\n",
               (long long)r.steps, r.failure, (long long)run->devices, (long long)run->hours,
               (long long)run->seed);
    }
    held = held && (run->sabotage != SABOTAGE_NONE || rebuild_agrees(hub));
    db_close(hub);
    return held;
}

int main(int argc, char **argv)
{
    struct rng rng = rng_system();
    struct fleet_run run = {.devices = DEVICES,
                            .hours = HOURS,
                            .seed = 1 + (int64_t)rng_below(&rng, UINT64_C(1) << 40)};
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread */
    if (getenv("SELVEDGE_LONG") != NULL) {
        run.devices = LONG_DEVICES;
        run.hours = LONG_HOURS;
    }
    if (!parse(&run, argc, argv)) {
        printf("usage: fleet_sim_test [--devices N] [--hours N] [--seed N] [--sabotage RULE]\n");
        return 2;
    }
    printf("%lld devices, %lld hours, seed=%lld, sabotage: %s\n", (long long)run.devices,
           (long long)run.hours, (long long)run.seed, sabotage_names[run.sabotage]);
    bool held = live(&run);
    if (run.sabotage != SABOTAGE_NONE) {
        printf(held ? "the broken rule was not noticed\n" : "the broken rule was noticed\n");
        return held ? 1 : 0;
    }
    return held ? 0 : 1;
}
