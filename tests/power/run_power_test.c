/* run_power_test.c - the power is cut, and calls and allocations fail, anywhere in the life of runs.
 * After a cut the database holds exactly what it held after the last turn that was told to be
 * recorded, or after the one that was cut, never anything in between; after a fault nothing is
 * missing once it was tried again. */
#include "run_work.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/fault_sqlite.h"
#include "tests/support/sample.h"
#include "tests/support/temp_dir.h"
#include <string.h>

static struct buf known[RUN_WORK_TURNS + 1]; /* what the database holds after so many turns */

struct fault {
    const char *name;
    enum power_call call;
    enum power_effect effect;
    int nth;
    bool (*disarm)(void); /* NULL: of the disk */
    struct power_vfs *vfs;
    enum err_code code;
};

static void fail_at(const struct fault *f, const char *what, const char *text)
{
    fail_msg("%s nth=%d: %s: %s", f->name, f->nth, what, text);
}

static bool is_known(struct run_work *w, int turn)
{
    AUTO(buf) now = buf_growing(RUN_WORK_DUMP_MAX);
    run_work_dump(w, &now);
    return str_eq(buf_str(&now), buf_str(&known[turn]));
}

/* Shows the first line that differs. */
static void expect_known(const struct fault *f, struct run_work *w, int turn)
{
    AUTO(buf) now = buf_growing(RUN_WORK_DUMP_MAX);
    run_work_dump(w, &now);
    struct str is = buf_str(&now);
    struct str should = buf_str(&known[turn]);
    while (!str_eq(is, should)) {
        struct str is_line;
        struct str should_line;
        bool has_line = str_cut(is, '\n', &is_line, &is);
        bool has_both = str_cut(should, '\n', &should_line, &should) && has_line;
        if (!has_both || !str_eq(is_line, should_line)) {
            fail_msg("%s nth=%d: after turn %d: is " STR_FMT ", should be " STR_FMT, f->name,
                     f->nth, turn, STR_ARG(is_line), STR_ARG(should_line));
        }
    }
}

/* --- undisturbed ------------------------------------------------------------------------------ */

static void every_turn_leaves_what_fits_together(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("run_power", 1);
    struct run_work w;
    struct err err = {0};
    run_work_init(&w, "agent.db", "run_power");
    assert_true(run_work_open(&w, &err));
    for (;;) {
        known[w.turn] = buf_growing(RUN_WORK_DUMP_MAX);
        run_work_dump(&w, &known[w.turn]);
        run_work_check(&w);
        if (w.turn == RUN_WORK_TURNS) {
            break;
        }
        assert_true(run_work_turn(&w, &err));
        assert_false(is_known(&w, w.turn - 1));
    }
    run_work_release(&w);
    power_vfs_free(v);
}

/* --- cuts ------------------------------------------------------------------------------------- */

static void check_survivor(const struct fault *f, struct run_work *w)
{
    struct err err = {0};
    bool may_be_between = run_work_expires_next(w);
    if (!run_work_open(w, &err)) {
        fail_at(f, "open", err.msg);
    }
    run_work_check(w);
    if (w->turn < RUN_WORK_TURNS && is_known(w, w->turn + 1)) {
        w->turn++; /* all of it was there before the cut */
    } else if (!may_be_between) {
        expect_known(f, w, w->turn);
    } else if (!is_known(w, w->turn)) {
        return; /* the records of the turn may be there already */
    }
    if (!run_work_run(w, &err)) {
        fail_at(f, "the turns after the cut", err.msg);
    }
    expect_known(f, w, RUN_WORK_TURNS);
}

static bool cut_once(struct fault *f)
{
    struct run_work w;
    struct err err = {0};
    f->vfs = power_vfs_new("run_power", (uint64_t)f->nth);
    run_work_init(&w, "agent.db", "run_power");
    power_vfs_arm(f->vfs, f->call, f->nth, POWER_CUT);
    bool ok = run_work_run(&w, &err);
    bool fired = power_vfs_disarm(f->vfs);
    if (!ok && (!fired || err.code != ERR_IO)) {
        fail_at(f, fired ? "reported as something else" : "without a cut", err.msg);
    }
    run_work_close(&w);
    power_vfs_reboot(f->vfs, (uint64_t)f->nth);
    check_survivor(f, &w);
    run_work_release(&w);
    power_vfs_free(f->vfs);
    return fired;
}

static void cut_every(const char *name, enum power_call call, int stride)
{
    struct fault f = {.name = name, .call = call};
    bool fired = true;
    for (; fired; f.nth += stride) {
        fired = cut_once(&f);
    }
    print_message("%s: %d cuts, %d apart\n", name, f.nth / stride - 1, stride);
    assert_true(f.nth / stride > 5);
}

static void a_cut_leaves_a_whole_turn(void **state)
{
    (void)state;
    cut_every("cut at a sync", POWER_SYNC, sample_stride(3, 1));
    cut_every("cut at a write", POWER_WRITE, sample_stride(37, 1));
}

/* --- faults ----------------------------------------------------------------------------------- */

/* Tries again what failed; in the end nothing is missing and nothing is there twice. */
static bool run_over(struct fault *f, const char *path, const char *vfs)
{
    struct run_work w;
    struct err err = {0};
    bool fired = false;
    run_work_init(&w, path, vfs);
    if (!run_work_run(&w, &err)) {
        fired = f->disarm != NULL ? f->disarm() : power_vfs_disarm(f->vfs);
        if (!fired || (err.code != f->code && !(f->disarm != NULL && err.code == ERR_FULL))) {
            fail_at(f, fired ? "reported as another class" : "without a fault", err.msg);
        }
        if (!run_work_run(&w, &err)) {
            fail_at(f, "trying again", err.msg);
        }
    } else {
        fired = f->disarm != NULL ? f->disarm() : power_vfs_disarm(f->vfs);
    }
    run_work_check(&w);
    expect_known(f, &w, RUN_WORK_TURNS);
    run_work_close(&w);
    if (!run_work_open(&w, &err)) {
        fail_at(f, "open again", err.msg);
    }
    expect_known(f, &w, RUN_WORK_TURNS);
    run_work_release(&w);
    return fired;
}

static void fail_every(struct fault f, int stride)
{
    bool fired = true;
    for (; fired; f.nth += stride) {
        f.vfs = power_vfs_new("run_power", (uint64_t)f.nth);
        power_vfs_arm(f.vfs, f.call, f.nth, f.effect);
        fired = run_over(&f, "agent.db", "run_power");
        power_vfs_free(f.vfs);
    }
    print_message("%s: %d faults, %d apart\n", f.name, f.nth / stride - 1, stride);
    assert_true(f.nth / stride > 1);
}

static void a_failed_call_loses_nothing(void **state)
{
    (void)state;
    fail_every((struct fault){"failed write", POWER_WRITE, POWER_FAIL, .code = ERR_IO},
               sample_stride(101, 1));
    fail_every((struct fault){"failed sync", POWER_SYNC, POWER_FAIL, .code = ERR_IO},
               sample_stride(9, 1));
    fail_every((struct fault){"full disk", POWER_WRITE, POWER_FULL, .code = ERR_FULL},
               sample_stride(103, 1));
}

/* Ours in a folder: the disk in memory allocates too, and would be hit instead. Of SQLite's some
 * 50,000 never all: store_fault_test and db_fault_test have them one by one. */
static void a_failed_allocation_loses_nothing(void **state)
{
    (void)state;
    struct fault f = {
        .name = "failed allocation", .disarm = fault_malloc_disarm, .code = ERR_NO_MEMORY};
    int stride = sample_stride(3, 1);
    bool fired = true;
    for (; fired; f.nth += stride) {
        AUTO(temp_dir) dir = temp_dir_new();
        const char *path = temp_dir_path(&dir, "agent.db");
        fault_malloc_arm(f.nth);
        fired = run_over(&f, path, NULL);
    }
    print_message("%s: %d faults, %d apart\n", f.name, f.nth / stride - 1, stride);
    f = (struct fault){.name = "failed allocation of SQLite",
                       .disarm = fault_sqlite_disarm,
                       .code = ERR_NO_MEMORY};
    stride = sample_stride(2503, 101);
    for (fired = true; fired; f.nth += stride) {
        struct power_vfs *v = power_vfs_new("run_power", (uint64_t)f.nth);
        fault_sqlite_arm(f.nth);
        fired = run_over(&f, "agent.db", "run_power");
        power_vfs_free(v);
    }
    print_message("%s: %d faults, %d apart\n", f.name, f.nth / stride - 1, stride);
}

static int forget_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        buf_release(&known[i]);
    }
    return 0;
}

int main(void)
{
    fault_sqlite_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_turn_leaves_what_fits_together), /* first: the others compare */
        cmocka_unit_test(a_cut_leaves_a_whole_turn),
        cmocka_unit_test(a_failed_call_loses_nothing),
        cmocka_unit_test(a_failed_allocation_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, forget_known);
}
