/* desired_sim_test.c - devices whose schedules a hub changes, goes away for three days, and comes
 * back (desired_life.h): every tick by policy, and none twice. `desired_sim_test --seed S --device N`
 * repeats one life; `--sabotage RULE` breaks a rule on purpose and expects that it is noticed. */
#include "common/tls/identity.h"
#include "tests/sim/desired_life.h"
#include "tests/support/sample.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sabotage_names[] = {"none", "forget", "amnesia", "gullible"};

struct campaign {
    uint64_t seed;
    int64_t devices;
    int64_t only; /* -1 = all */
    enum desired_sabotage sabotage;
    struct buf key, public_key;
    struct desired_life_result sum;
};

static bool run_device(struct campaign *c, int64_t device)
{
    struct seeded_rng seeded = seeded_rng_new(c->seed * UINT64_C(1000003) + (uint64_t)device);
    struct rng rng = seeded_rng_port(&seeded);
    struct temp_dir dir = temp_dir_new();
    const struct desired_life_options options = {.rng = &rng,
                                                 .dir = dir.path,
                                                 .key = buf_str(&c->key),
                                                 .public_key = buf_str(&c->public_key),
                                                 .sabotage = c->sabotage};
    desired_life_run(&options, &c->sum);
    temp_dir_release(&dir);
    if (c->sum.failure[0] == '\0') {
        return true;
    }
    printf("device %" PRId64 ": %s; replay: --seed %" PRIu64 " --device %" PRId64 "\n", device,
           c->sum.failure, c->seed, device);
    return false;
}

static bool parse(struct campaign *c, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t number = 0;
        bool is_number = str_to_i64(str_from(argv[i + 1]), 0, INT64_MAX, &number);
        if (strcmp(argv[i], "--seed") == 0 && is_number) {
            c->seed = (uint64_t)number;
        } else if (strcmp(argv[i], "--devices") == 0 && is_number) {
            c->devices = number;
        } else if (strcmp(argv[i], "--device") == 0 && is_number) {
            c->only = number;
        } else if (strcmp(argv[i], "--sabotage") == 0) {
            for (size_t k = 0; k < COUNT_OF(sabotage_names); k++) {
                c->sabotage = strcmp(argv[i + 1], sabotage_names[k]) == 0 ? (enum desired_sabotage)k
                                                                          : c->sabotage;
            }
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

static bool make_keys(struct campaign *c)
{
    struct rng rng = rng_system();
    struct err err = {0};
    c->key = buf_growing(4096);
    c->public_key = buf_growing(4096);
    return identity_make_key(&rng, &c->key, &err) &&
           identity_public_key(&rng, buf_str(&c->key), &c->public_key, &err);
}

/* Databases in memory, where there is such a folder: what a sync keeps is tested elsewhere. */
static void use_memory(void)
{
    struct stat st;
    if (stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        (void)setenv("TMPDIR", "/dev/shm", 1);
    }
}

int main(int argc, char **argv)
{
    struct rng rng = rng_system();
    struct campaign c = {.seed = rng_below(&rng, UINT64_C(1) << 40),
                         .devices = 200 / sample_stride(25, 1),
                         .only = -1};
    if (!parse(&c, argc, argv) || !make_keys(&c)) {
        printf("usage: desired_sim_test [--devices N] [--seed S] [--device N] [--sabotage RULE]\n");
        return 2;
    }
    use_memory();
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(nowhere, STDERR_FILENO); /* the agents' logs */
    bool held = true;
    for (int64_t i = 0; held && i < c.devices; i++) {
        held = (c.only >= 0 && c.only != i) || run_device(&c, i);
    }
    const struct desired_life_result *s = &c.sum;
    printf("%" PRId64 " devices, seed=%" PRIu64 ", sabotage: %s: %" PRId64
           " revisions applied, %" PRId64 " refused, %" PRId64 " passed over, %" PRId64
           " restarts, %" PRId64 " clock steps; %" PRId64 " ticks, %" PRId64
           " while the hub was away\n",
           c.devices, c.seed, sabotage_names[c.sabotage], s->applied, s->refused, s->passed_over,
           s->restarts, s->steps_of_clock, s->ticks, s->ticks_away);
    buf_wipe(&c.key);
    buf_release(&c.public_key);
    if (c.sabotage != DESIRED_HONEST) {
        printf(held ? "the broken rule was not noticed\n" : "the broken rule was noticed\n");
        return held ? 1 : 0;
    }
    return held ? 0 : 1;
}
