/* el_power_test.c - the power is cut, and calls fail, at seeded moments of incremental loads whose
 * source goes on changing: afterwards what the state claims is in the target, nothing is there
 * twice, and a load in peace makes source and target agree row for row. SEED in the environment
 * repeats a run; `./dev test --long` cuts a thousand times. */
#include "agent/el/state_file.h"
#include "common/platform/rng.h"
#include "el_work.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/sample.h"
#include <stdlib.h>
#include <string.h>

enum { CUTS_OF_A_LIFE = 8 };

static uint64_t first_seed;

struct moment {
    enum power_call call;
    enum power_effect effect;
    int nth;
};
/* Changes of the last load in peace. */
struct calls {
    int syncs;
    int writes;
    int changes;
};

static void arm(struct el_work *w, const struct calls *calls, struct moment *ret)
{
    static const enum power_effect effects[] = {POWER_CUT, POWER_CUT, POWER_CUT, POWER_FAIL,
                                                POWER_FULL};
    ret->effect = effects[el_work_below(w, COUNT_OF(effects))];
    ret->call = ret->effect == POWER_FULL || el_work_below(w, 2) == 0 ? POWER_WRITE : POWER_SYNC;
    int of = w->setup->is_in_files     ? calls->changes
             : ret->call == POWER_SYNC ? calls->syncs
                                       : calls->writes;
    ret->nth = (int)el_work_below(w, (uint64_t)of + 1);
    if (w->setup->is_in_files) {
        power_files_arm(ret->nth, ret->effect);
    } else {
        power_vfs_arm(w->vfs, ret->call, ret->nth, ret->effect);
    }
}

static bool disarm(struct el_work *w)
{
    return w->setup->is_in_files ? power_files_disarm() : power_vfs_disarm(w->vfs);
}

static struct calls load_in_peace(struct el_work *w)
{
    struct err err = {0};
    power_vfs_arm(w->vfs, POWER_SYNC, -1, POWER_FAIL);
    power_files_arm(-1, POWER_FAIL);
    if (!el_work_load(w, &err)) {
        el_work_fail(w, "in peace: ", err.msg);
    }
    struct calls calls = {power_vfs_count(w->vfs, POWER_SYNC), power_vfs_count(w->vfs, POWER_WRITE),
                          power_files_count()};
    w->setup->check(w, true);
    return calls;
}

/* What the load said of its fault. */
static void check_told(struct el_work *w, const struct moment *m, bool ok, bool fired,
                       const struct err *err)
{
    if (ok) {
        return; /* behind the last commit, or made good by SQLite itself */
    }
    if (!fired) {
        el_work_fail(w, "without a fault: ", err->msg);
    }
    if (err->code != (m->effect == POWER_FULL ? ERR_FULL : ERR_IO)) {
        el_work_fail(w, "told as something else: ", err->msg);
    }
}

/* Whether something happened. */
static bool suffer_once(struct el_work *w, const struct calls *calls)
{
    struct moment m;
    struct err err = {0};
    el_work_change(w);
    arm(w, calls, &m);
    bool ok = el_work_load(w, &err);
    bool fired = disarm(w);
    check_told(w, &m, ok, fired, &err);
    if (m.effect == POWER_CUT) {
        power_vfs_reboot(w->vfs, w->seed + (uint64_t)w->cut);
        power_files_reboot(w->seed + (uint64_t)w->cut);
    }
    w->setup->check(w, false);
    return fired;
}

static void live(const struct el_setup *setup, uint64_t seed)
{
    struct el_work w;
    el_work_init(&w, setup, seed);
    struct calls calls = load_in_peace(&w);
    while (w.cut < CUTS_OF_A_LIFE) {
        w.cut += suffer_once(&w, &calls);
        if (el_work_below(&w, 4) == 0) {
            el_work_change(&w);
            calls = load_in_peace(&w);
        }
    }
    (void)load_in_peace(&w);
    el_work_release(&w);
}

static void source_and_target_agree_whatever_happens(void **state)
{
    (void)state;
    int lives = sample_stride(2, 21);
    for (int i = 0; i < lives; i++) {
        for (size_t s = 0; s < el_setups_count; s++) {
            live(&el_setups[s], first_seed + (uint64_t)i);
        }
    }
    print_message("%d cuts and faults\n", lives * (int)el_setups_count * CUTS_OF_A_LIFE);
}

/* From the very first row: what is cut is the making of the target. */
static void a_first_load_is_cut(void **state)
{
    (void)state;
    int seeds = sample_stride(4, 40);
    for (int i = 0; i < seeds; i++) {
        for (size_t s = 0; s < el_setups_count; s++) {
            struct el_work w;
            struct calls few = {6, 12, 12};
            el_work_init(&w, &el_setups[s], first_seed + (uint64_t)i);
            (void)suffer_once(&w, &few);
            (void)load_in_peace(&w);
            el_work_release(&w);
        }
    }
}

/* --- the state of targets that keep none ------------------------------------------------------ */

static bool set_states(const char *folder, int *last, struct err *err)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(state_file) file;
    if (!state_file_open(&file, str_from(folder), STR("shop/sales"), &arena, err)) {
        return false;
    }
    for (int i = 0; i < 5; i++) {
        struct str value = arena_printf(&arena, "{\"at\":%d}", *last + 1);
        if (!state_file_set(&file, value, err) || !state_file_flush(&file, err)) {
            return false;
        }
        ++*last;
    }
    return true;
}

static void a_state_file_is_the_old_or_the_new(void **state)
{
    (void)state;
    int cuts = 0;
    bool fired = true;
    for (int nth = 0; fired; nth++) {
        AUTO(temp_dir) dir = temp_dir_new();
        AUTO(arena) arena = arena_new(1 << 20);
        int last = 0;
        struct err err = {0};
        AUTO(state_file) file;
        power_files_begin(dir.path);
        assert_true(set_states(dir.path, &last, &err));
        power_files_arm(nth, POWER_CUT);
        bool ok = set_states(dir.path, &last, &err);
        fired = power_files_disarm();
        assert_true(ok != fired);
        power_files_reboot(first_seed + (uint64_t)nth);
        assert_true(state_file_open(&file, str_from(dir.path), STR("shop/sales"), &arena, &err));
        struct str old = arena_printf(&arena, "{\"at\":%d}", last);
        struct str new = arena_printf(&arena, "{\"at\":%d}", last + 1);
        struct str is = buf_str(&file.kept.value);
        assert_true(str_eq(is, old) || (fired && str_eq(is, new)));
        power_files_end();
        cuts += fired;
    }
    print_message("%d cuts of a state file\n", cuts);
    assert_true(cuts > 15);
}

int main(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv */
    const char *seed = getenv("SEED");
    struct rng rng = rng_system();
    int64_t given = 0;
    bool is_given = seed != NULL && str_to_i64(str_from(seed), 0, INT64_MAX, &given);
    first_seed = is_given ? (uint64_t)given : rng_below(&rng, 1000000000);
    print_message("SEED=%llu\n", (unsigned long long)first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_file_is_the_old_or_the_new),
        cmocka_unit_test(a_first_load_is_cut),
        cmocka_unit_test(source_and_target_agree_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
