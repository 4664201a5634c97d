/* bundle_power_test.c - the power is cut, writes fail and the disk is full at seeded moments while a
 * bundle comes in: it goes on with what is there, and what gets its name in the end is what the hub
 * has, byte for byte. SEED in the environment repeats a run; `./dev test --long` cuts a thousand times. */
#include "tests/support/bundle_world.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/power_files.h"
#include "tests/support/sample.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 12, FILE_BYTES_MAX = 6000, PIECE_BYTES = 1024, CUTS_MAX = 12 };

static uint64_t below(struct seeded_rng *rng, uint64_t n)
{
    struct rng port = seeded_rng_port(rng);
    return rng_u64(&port) % n;
}

static void fill(struct bundle_world *w, struct seeded_rng *rng)
{
    static char names[FILES][16];
    bundle_world_begin(w);
    for (int i = 0; i < FILES; i++) {
        AUTO(buf) content = buf_growing(FILE_BYTES_MAX);
        size_t len = (size_t)below(rng, FILE_BYTES_MAX);
        for (size_t b = 0; b < len; b++) {
            buf_add_char(&content, (char)below(rng, 256));
        }
        (void)snprintf(names[i], sizeof(names[i]), "f%02d", i);
        bundle_world_add(w, names[i], buf_str(&content), i % 3 == 0);
    }
    bundle_world_add(w, BUNDLE_ENTRY, STR("project: shop\n"), false);
    bundle_world_sign(w);
}

/* Takes it in until all files are there, but gives it no name yet. False: a fault struck. */
static bool take_files(const struct bundle_world *w, const struct incoming_options *options,
                       int64_t *ret_fetched)
{
    struct incoming *in = NULL;
    enum incoming_need need = INCOMING_WORK;
    struct bundle_want want;
    struct err err = {0};
    bool taken = false;
    bool ok = incoming_open(&in, options, &err);
    while (ok && incoming_progress(in).bytes_total == 0) {
        ok = incoming_next(in, &need, &want, &err);
        want.max = PIECE_BYTES;
        struct bundle_piece piece = bundle_world_piece(w, &want);
        ok = ok && incoming_add(in, &piece, &taken, &err);
    }
    int64_t manifest = in == NULL ? 0 : incoming_progress(in).fetched;
    while (ok && incoming_progress(in).files < (int64_t)w->manifest.count) {
        ok = incoming_next(in, &need, &want, &err);
        if (ok && need == INCOMING_PIECE) {
            want.max = PIECE_BYTES;
            struct bundle_piece piece = bundle_world_piece(w, &want);
            ok = incoming_add(in, &piece, &taken, &err);
        }
    }
    *ret_fetched = in == NULL ? 0 : incoming_progress(in).fetched - manifest;
    incoming_close(in);
    if (!ok && err.code != ERR_IO && err.code != ERR_FULL && err.code != ERR_CORRUPT) {
        fail_msg("told as something else: %s", err.msg);
    }
    return ok;
}

static void one_life(uint64_t seed)
{
    static const enum power_effect effects[] = {POWER_CUT, POWER_CUT, POWER_FAIL, POWER_FULL};
    struct seeded_rng rng = seeded_rng_new(seed);
    struct temp_dir dir = temp_dir_new();
    struct bundle_world w;
    char part[256];
    struct err err = {0};
    int64_t fetched = 0;
    fill(&w, &rng);
    struct incoming_options options = {.state_dir = dir.path,
                                       .hash = str_from(w.hash),
                                       .keys = buf_str(&w.keys),
                                       .bytes_max = BUNDLE_BYTES_MAX};
    assert_true(folder_path(dir.path, str_from(w.hash), ".part", part, sizeof(part), &err));
    assert_true(files_make_dirs(part, 0755, &err));
    power_files_begin(part);
    int cuts = (int)below(&rng, CUTS_MAX);
    for (int i = 0; i < cuts; i++) {
        power_files_arm((int)below(&rng, 60), effects[below(&rng, 4)]);
        (void)take_files(&w, &options, &fetched);
        (void)power_files_disarm();
        power_files_reboot(seed + (uint64_t)i);
    }
    while (!take_files(&w, &options, &fetched)) { /* torn files are noticed, and fetched anew */
    }
    /* All that was said to be there is safe: after a cut now nothing is fetched again. */
    power_files_reboot(seed);
    if (!take_files(&w, &options, &fetched) || fetched != 0) {
        fail_msg("seed %llu: %lld bytes were lost after they were synced", (unsigned long long)seed,
                 (long long)fetched);
    }
    power_files_end();
    assert_true(bundle_world_take(&w, &options, PIECE_BYTES, NULL, &err));
    bundle_world_check(&w, dir.path);
    bundle_world_end(&w);
    temp_dir_release(&dir);
}

static void what_gets_its_name_is_whole(void **state)
{
    (void)state;
    const char *text = getenv("SEED"); /* NOLINT(concurrency-mt-unsafe) */
    int64_t given = 0;
    uint64_t seed = 0;
    struct rng rng = rng_system();
    rng.fill(rng.ctx, (uint8_t *)&seed, 3);
    bool is_given = text != NULL && str_to_i64(str_from(text), 0, INT64_MAX, &given);
    seed = is_given ? (uint64_t)given : seed;
    int lives = is_given ? 1 : sample_stride(8, 1000);
    for (int i = 0; i < lives; i++) {
        print_message("SEED=%llu\n", (unsigned long long)(seed + (uint64_t)i));
        one_life(seed + (uint64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_gets_its_name_is_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
