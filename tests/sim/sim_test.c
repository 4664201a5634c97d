/* sim_test.c - runs worlds: `sim_test --seeds 10000` from a fresh base seed that is printed;
 * `--from S --seeds 1` replays one.
 * `--sabotage RULE` breaks a rule on purpose and expects that it is noticed. */
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include "tests/sim/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLDS_PER_HUB = 250, REAL_STORE_EVERY = 25 };

struct campaign {
    uint64_t from;
    int64_t seeds;
    enum sabotage sabotage;
    struct db *hub;
    struct world_result sum;
    int64_t with_real_store;
};

static bool open_hub(struct campaign *c, struct err *err)
{
    struct hub_store_options options = {.path = ":memory:"};
    return hub_store_open(&c->hub, &options, err);
}

/* Promise P3 on what all these worlds left: the views are what the log gives. */
static bool close_hub(struct campaign *c)
{
    struct rebuild_report result = {0};
    struct err err = {0};
    bool ok =
        c->sabotage != SABOTAGE_NONE ||
        (rebuild_check(c->hub, ":memory:", NULL, NULL, &result, &err) && result.differences == 0);
    if (!ok) {
        printf("rebuild differs: %lld differences %s\n", (long long)result.differences, err.msg);
    }
    db_close(c->hub);
    c->hub = NULL;
    return ok;
}

static void add(struct world_result *sum, const struct world_result *one)
{
    sum->steps += one->steps;
    sum->events += one->events;
    sum->crashes += one->crashes;
    sum->lost_messages += one->lost_messages;
    sum->gaps += one->gaps;
}

/* True when every world held. */
static bool run_worlds(struct campaign *c)
{
    struct err err = {0};
    for (int64_t i = 0; i < c->seeds; i++) {
        if (c->hub == NULL && !open_hub(c, &err)) {
            printf("%s\n", err.msg);
            return false;
        }
        uint64_t seed = c->from + (uint64_t)i;
        struct world_options options = {.seed = seed,
                                        .sabotage = c->sabotage,
                                        .real_store = seed % REAL_STORE_EVERY == 0,
                                        .hub = c->hub};
        struct world_result result;
        world_run(&options, &result);
        add(&c->sum, &result);
        c->with_real_store += options.real_store;
        if (result.failure[0] != '\0') {
            printf("seed=%llu step=%lld: %s\n", (unsigned long long)seed, (long long)result.steps,
                   result.failure);
            return false;
        }
        if ((i + 1) % WORLDS_PER_HUB == 0 && !close_hub(c)) {
            printf("seeds %llu to %llu\n", (unsigned long long)(seed + 1 - WORLDS_PER_HUB),
                   (unsigned long long)seed);
            return false;
        }
    }
    return c->hub == NULL || close_hub(c);
}

static bool parse(struct campaign *c, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t number = 0;
        bool is_number = str_to_i64(str_from(argv[i + 1]), 0, INT64_MAX, &number);
        if (strcmp(argv[i], "--seeds") == 0 && is_number) {
            c->seeds = number;
        } else if (strcmp(argv[i], "--from") == 0 && is_number) {
            c->from = (uint64_t)number;
        } else if (strcmp(argv[i], "--sabotage") == 0) {
            for (size_t k = 0; k < COUNT_OF(sabotage_names); k++) {
                c->sabotage =
                    strcmp(argv[i + 1], sabotage_names[k]) == 0 ? (enum sabotage)k : c->sabotage;
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
    struct campaign c = {.from = rng_below(&rng, UINT64_C(1) << 40), .seeds = 1000};
    if (!parse(&c, argc, argv)) {
        printf("usage: sim_test [--seeds N] [--from SEED] [--sabotage RULE]\n");
        return 2;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread */
    const char *long_run = getenv("SELVEDGE_LONG");
    if (long_run != NULL && c.sabotage == SABOTAGE_NONE) {
        c.seeds *= 20;
    }
    printf("%lld worlds from seed=%llu, sabotage: %s\n", (long long)c.seeds,
           (unsigned long long)c.from, sabotage_names[c.sabotage]);
    bool held = run_worlds(&c);
    db_close(c.hub); /* still open after a failure */
    printf("%lld steps, %lld events, %lld crashes, %lld messages lost, %lld gap records; %lld "
           "worlds on the real store\n",
           (long long)c.sum.steps, (long long)c.sum.events, (long long)c.sum.crashes,
           (long long)c.sum.lost_messages, (long long)c.sum.gaps, (long long)c.with_real_store);
    if (c.sabotage != SABOTAGE_NONE) {
        printf(held ? "the broken rule was not noticed\n" : "the broken rule was noticed\n");
        return held ? 1 : 0;
    }
    return held ? 0 : 1;
}
