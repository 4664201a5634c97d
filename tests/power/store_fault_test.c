/* store_fault_test.c - fails every single I/O call and every single allocation of the store's
 * workload, once each: the operation says so and has done nothing, and when it is tried again it
 * does all of it, once. */
#include "store_work.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/fault_sqlite.h"
#include "tests/support/sample.h"
#include "tests/support/temp_dir.h"

struct fault {
    const char *name;
    int nth;
    int steps;            /* of the workload */
    bool (*disarm)(void); /* NULL: of the disk */
    struct power_vfs *vfs;
    enum err_code codes[3]; /* what may be reported */
};

static void fail_at(const struct fault *f, const char *what, const struct err *err)
{
    fail_msg("%s nth=%d: %s: %s %s", f->name, f->nth, what, err_code_name(err->code), err->msg);
}

static void expect_code(const struct fault *f, const struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(f->codes); i++) {
        if (err->code == f->codes[i]) {
            return;
        }
    }
    fail_at(f, "reported as another class", err);
}

static bool disarm(const struct fault *f)
{
    return f->disarm != NULL ? f->disarm() : power_vfs_disarm(f->vfs);
}

/* Nothing of a failed operation is there. */
static void expect_undone(struct store_work *w)
{
    if (w->fixture.store != NULL) {
        int64_t last = store_last_seq(w->fixture.store);
        assert_int_equal(last, w->reported_seq);
        assert_int_equal(last + (int64_t)store_pending(w->fixture.store), w->next_number);
        assert_int_equal(store_acked_seq(w->fixture.store), w->acked_seq);
        store_fixture_expect_exact(&w->fixture);
    }
}

/* Runs the workload over the armed fault, trying again what failed. False when nothing fired. */
static bool run_over(const struct fault *f, const char *path, const char *vfs)
{
    struct store_work w;
    store_work_init(&w, path, vfs);
    w.steps = f->steps;
    struct err err = {0};
    bool fired = false;
    if (!store_work_run(&w, &err)) {
        fired = disarm(f);
        if (!fired) {
            fail_at(f, "without a fault", &err);
        }
        expect_code(f, &err);
        expect_undone(&w);
        if (!store_work_run(&w, &err)) {
            fail_at(f, "trying again", &err);
        }
    } else {
        fired = disarm(f); /* survived, or it is over */
    }
    store_fixture_flush(&w.fixture);
    assert_int_equal(store_last_seq(w.fixture.store), w.next_number);
    assert_int_equal(w.next_number, f->steps / 10 * 6);
    store_fixture_expect_exact(&w.fixture);
    store_fixture_reopen(&w.fixture);
    assert_int_equal(store_last_seq(w.fixture.store), w.next_number);
    store_fixture_expect_exact(&w.fixture);
    store_work_release(&w);
    return fired;
}

/* Writes are many: a third of them in the ordinary run. */
static void fail_every_call(const char *name, enum power_call call, enum power_effect effect,
                            enum err_code code)
{
    int stride = call == POWER_WRITE ? sample_stride(3, 1) : 1;
    struct fault f = {.name = name, .steps = STORE_WORK_STEPS, .codes = {code, code, code}};
    bool fired = true;
    for (f.nth = 0; fired; f.nth += stride) {
        f.vfs = power_vfs_new("store_fault", (uint64_t)f.nth);
        power_vfs_arm(f.vfs, call, f.nth, effect);
        fired = run_over(&f, "agent.db", "store_fault");
        power_vfs_free(f.vfs);
    }
    print_message("%s: %d faults\n", name, f.nth / stride - 1);
}

static void every_io_error_is_reported_or_survived(void **state)
{
    (void)state;
    fail_every_call("read", POWER_READ, POWER_FAIL, ERR_IO);
    fail_every_call("write", POWER_WRITE, POWER_FAIL, ERR_IO);
    fail_every_call("sync", POWER_SYNC, POWER_FAIL, ERR_IO);
    fail_every_call("truncate", POWER_TRUNCATE, POWER_FAIL, ERR_IO);
    fail_every_call("delete", POWER_DELETE, POWER_FAIL, ERR_IO);
    fail_every_call("open", POWER_OPEN, POWER_FAIL, ERR_IO);
}

static void a_full_disk_is_reported_or_survived(void **state)
{
    (void)state;
    fail_every_call("full", POWER_WRITE, POWER_FULL, ERR_FULL);
}

/* While the disk is full, what happens waits in memory, up to its bound; then all is written. */
static void a_disk_that_stays_full_delays_and_loses_nothing(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("store_fault", 1);
    struct store_work w;
    store_work_init(&w, "agent.db", "store_fault");
    struct err err = {0};
    while (w.step < 50) {
        assert_true(store_work_step(&w, &err));
    }
    power_vfs_limit(v, 1);
    int refused = 0;
    for (int i = 0; i < 1000 && refused < 10; i++) {
        if (store_work_next(&w) == WORK_REOPEN) {
            w.step++; /* it would give up what waits, as a restart does */
        }
        if (store_work_step(&w, &err)) {
            continue;
        }
        assert_int_equal(err.code, ERR_FULL);
        expect_undone(&w);
        if (store_work_next(&w) == WORK_RECORD) {
            refused++; /* the bound on the memory: intake stops */
        } else {
            w.step++; /* the engine goes on and tries to flush later */
        }
    }
    assert_int_equal(refused, 10);
    power_vfs_limit(v, 0);
    store_fixture_flush(&w.fixture);
    assert_int_equal(store_last_seq(w.fixture.store), w.next_number);
    store_fixture_expect_exact(&w.fixture);
    store_work_release(&w);
    power_vfs_free(v);
}

/* In a folder: the disk in memory allocates too, and would be hit instead. */
static void every_failed_allocation_of_ours_is_reported(void **state)
{
    (void)state;
    /* A record that finds no memory is refused as one that finds no room. */
    struct fault f = {.name = "allocation",
                      .steps = STORE_WORK_STEPS,
                      .disarm = fault_malloc_disarm,
                      .codes = {ERR_NO_MEMORY, ERR_FULL, ERR_NO_MEMORY}};
    bool fired = true;
    for (f.nth = 0; fired; f.nth++) {
        AUTO(temp_dir) dir = temp_dir_new();
        const char *path = temp_dir_path(&dir, "agent.db");
        fault_malloc_arm(f.nth);
        fired = run_over(&f, path, NULL);
    }
    print_message("%s: %d faults\n", f.name, f.nth - 1);
}

/* They are many, most of them in opening, which db_fault_test fails one by one: here a sample,
 * with `./dev test --long` each. */
static void every_failed_allocation_of_sqlite_is_reported_or_survived(void **state)
{
    (void)state;
    int stride = sample_stride(53, 1);
    struct fault f = {.name = "SQLite's allocation",
                      .steps = 60,
                      .disarm = fault_sqlite_disarm,
                      .codes = {ERR_NO_MEMORY, ERR_NO_MEMORY, ERR_NO_MEMORY}};
    bool fired = true;
    for (f.nth = 0; fired; f.nth += stride) {
        struct power_vfs *v = power_vfs_new("store_fault", (uint64_t)f.nth);
        fault_sqlite_arm(f.nth);
        fired = run_over(&f, "agent.db", "store_fault");
        power_vfs_free(v);
    }
    print_message("%s: %d faults\n", f.name, f.nth / stride - 1);
}

int main(void)
{
    fault_sqlite_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_io_error_is_reported_or_survived),
        cmocka_unit_test(a_full_disk_is_reported_or_survived),
        cmocka_unit_test(a_disk_that_stays_full_delays_and_loses_nothing),
        cmocka_unit_test(every_failed_allocation_of_ours_is_reported),
        cmocka_unit_test(every_failed_allocation_of_sqlite_is_reported_or_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
