/* town_sim_test.c - a town of whole devices and its hub (town.h): from a fresh seed that is printed;
 * `--seed S` replays it; with SELVEDGE_LONG 1,000 devices for a week (100 with sanitizers). `--mutant RULE` breaks a rule of
 * the programs on purpose and expects that it is noticed in one of some towns. */
#include "tests/sim/town.h"

#include "common/base/str.h"
#include "common/log/log.h"
#include "common/platform/rng.h"
#include "tests/support/temp_dir.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#define IS_SANITIZED __has_feature(address_sanitizer)
#else
#define IS_SANITIZED 0
#endif

enum {
    DEVICES = 8,
    HOURS = 24,
    LONG_DEVICES =
        IS_SANITIZED ? 100 : 1000, /* each takes some MB, and with sanitizers four times */
    LONG_HOURS = 7 * 24,
    MUTANT_TOWNS = 40, /* at most: a broken rule shows in most of them */
};

struct town_campaign {
    int64_t devices, hours, seed, trouble;
    enum town_mutant mutant;
};

static bool parse(struct town_campaign *c, int argc, char **argv)
{
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {{"--devices", &c->devices},
                   {"--hours", &c->hours},
                   {"--seed", &c->seed},
                   {"--trouble", &c->trouble}};
    for (int i = 1; i + 1 < argc; i += 2) {
        bool is_known = false;
        for (size_t k = 0; k < COUNT_OF(numbers); k++) {
            is_known = is_known || (strcmp(argv[i], numbers[k].name) == 0 &&
                                    str_to_i64(str_from(argv[i + 1]), 1, INT64_MAX, numbers[k].to));
        }
        for (size_t k = 0; k < TOWN_MUTANTS && strcmp(argv[i], "--mutant") == 0; k++) {
            bool is_it = strcmp(argv[i + 1], town_mutant_names[k]) == 0;
            c->mutant = is_it ? (enum town_mutant)k : c->mutant;
            is_known = is_known || is_it;
        }
        if (!is_known) {
            return false;
        }
    }
    return argc % 2 == 1;
}

/* Bundles and hub.db in memory, where there is such a folder: what a sync keeps of agent.db is the
 * simulated disk's matter. */
static void use_memory(void)
{
    struct stat st;
    struct rlimit files;
    if (stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        (void)setenv("TMPDIR", "/dev/shm", 1);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void say(const struct town_result *r)
{
    printf(
        "%lld steps, %lld turns of loops; %lld events, %lld messages, %lld lost; %lld power cuts, "
        "%lld of the hub, %lld of the broker, %lld links broken; %lld disks wiped, %lld put "
        "back, %lld clocks wrong\n",
        (long long)r->steps, (long long)r->turns, (long long)r->events, (long long)r->messages,
        (long long)r->lost, (long long)r->power_cuts, (long long)r->hub_kills,
        (long long)r->broker_kills, (long long)r->links_broken, (long long)r->wiped,
        (long long)r->put_back, (long long)r->clocks);
    printf("%lld commands, obeyed %lld times, %lld messages of the hostile broker; %lld revoked, "
           "%lld renewals; %lld ticks, %lld revisions; %lld deployments, %lld waves, %lld aborted, "
           "%lld bundles in "
           "force\n",
           (long long)r->commands, (long long)r->obeyed, (long long)r->forged,
           (long long)r->revoked, (long long)r->renewals, (long long)r->ticks,
           (long long)r->revisions, (long long)r->deployments, (long long)r->waves,
           (long long)r->aborted, (long long)r->bundles);
}

/* A week of a thousand devices takes a while. */
static void on_day(int64_t day, const struct town_result *so_far)
{
    printf("day %lld: %lld steps, %lld events\n", (long long)day, (long long)so_far->steps,
           (long long)so_far->events);
    (void)fflush(stdout);
}

/* True when all that was promised was kept. */
static bool live(const struct town_campaign *c)
{
    struct temp_dir dir = temp_dir_new();
    const struct town_options options = {.seed = (uint64_t)c->seed,
                                         .mutant = c->mutant,
                                         .devices = (int)c->devices,
                                         .for_ns = c->hours * 3600 * NS_PER_SEC,
                                         .trouble = c->trouble,
                                         .dir = dir.path,
                                         .on_day = c->devices < 100 ? NULL : on_day};
    struct town_result r;
    town_run(&options, &r);
    temp_dir_release(&dir);
    say(&r);
    if (r.failure[0] == '\0') {
        return true;
    }
    printf("step %lld: %s; replay: --devices %lld --hours %lld --seed %lld\n", (long long)r.steps,
           r.failure, (long long)c->devices, (long long)c->hours, (long long)c->seed);
    return false;
}

int main(int argc, char **argv)
{
    struct rng rng = rng_system();
    struct town_campaign c = {.devices = DEVICES,
                              .hours = HOURS,
                              .trouble = 1,
                              .seed = 1 + (int64_t)rng_below(&rng, UINT64_C(1) << 40)};
    bool is_parsed = parse(&c, argc, argv);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread */
    if (getenv("SELVEDGE_LONG") != NULL && argc == 1) {
        c.devices = LONG_DEVICES;
        c.hours = LONG_HOURS;
    }
    if (!is_parsed) {
        printf("usage: town_sim_test [--devices N] [--hours N] [--seed N] [--trouble N] "
               "[--mutant RULE]\n");
        return 2;
    }
    printf("%lld devices, %lld hours, seed=%lld, mutant: %s\n", (long long)c.devices,
           (long long)c.hours, (long long)c.seed, town_mutant_names[c.mutant]);
    (void)fflush(stdout);
    use_memory();
    log_set_level(LOG_ERROR);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(nowhere, STDERR_FILENO); /* the programs' logs */
    int towns = c.mutant == TOWN_HONEST ? 1 : MUTANT_TOWNS;
    bool held = true;
    for (int i = 0; i < towns && held; i++, c.seed++) {
        held = live(&c);
    }
    if (c.mutant != TOWN_HONEST) {
        printf(held ? "the broken rule was not noticed\n" : "the broken rule was noticed\n");
        return held ? 1 : 0;
    }
    return held ? 0 : 1;
}
