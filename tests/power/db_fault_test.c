/* Fails every single I/O call and every single allocation of a workload, once each: the fault is
 * reported or survived, what was committed stays, and the work can go on. */
#include "db_work.h"

#include "tests/support/fault_sqlite.h"

#include <stdio.h>

static const char *const call_names[] = {
    [POWER_READ] = "read",         [POWER_WRITE] = "write",   [POWER_SYNC] = "sync",
    [POWER_TRUNCATE] = "truncate", [POWER_DELETE] = "delete", [POWER_OPEN] = "open",
};

struct fault {
    const char *name;
    int nth;
    unsigned flags;         /* of db_open */
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

/* The database holds what was committed, and perhaps the one whose commit failed. */
static void check_state(struct db_work *w, struct db *db, const struct fault *f)
{
    struct err err = {0};
    bool matches = false;
    bool next_matches = false;
    if (!db_work_is_sound(db, &err) || !db_work_matches(db, w->committed, &matches, &err) ||
        !db_work_matches(db, w->attempted, &next_matches, &err)) {
        fail_at(f, "reading afterwards", &err);
    }
    if (!matches && !next_matches) {
        fail_at(f, "the database is not as committed", &err);
    }
    w->committed = matches ? w->committed : w->attempted;
}

/* The fault is over: opening, reading and writing work. */
static void finish_work(struct db_work *w, const struct fault *f)
{
    struct err err = {0};
    struct db *db = NULL;
    if (!db_work_open(w, &db, &err)) {
        fail_at(f, "opening afterwards", &err);
    }
    check_state(w, db, f);
    for (int i = 0; i < 2; i++) {
        if (!db_work_step(w, db, &err)) {
            fail_at(f, "working afterwards", &err);
        }
    }
    check_state(w, db, f);
    db_close(db);
}

/* Reads everything back, as a part of what may fail. */
static bool work_and_read(struct db_work *w, struct err *err)
{
    struct db *db = NULL;
    bool matches = false;
    bool ok = db_work_run(w, err) && db_work_open(w, &db, err) &&
              db_work_matches(db, w->committed, &matches, err);
    db_close(db);
    if (ok && !matches) {
        return err_set(err, ERR_INTERNAL, "read something else than was written");
    }
    return ok;
}

static void fail_every(enum power_call call, enum power_effect effect, const struct fault *kind)
{
    struct fault f = *kind;
    f.name = call_names[call];
    bool fired = true;
    for (f.nth = 0; fired; f.nth++) {
        struct db_work w = {.vfs = "faulty", .flags = f.flags};
        struct err err = {0};
        struct power_vfs *v = power_vfs_new(w.vfs, (uint64_t)f.nth);
        power_vfs_arm(v, call, f.nth, effect);
        bool ok = work_and_read(&w, &err);
        fired = power_vfs_disarm(v);
        if (!ok && !fired) {
            fail_at(&f, "without a fault", &err);
        }
        if (!ok) {
            expect_code(&f, &err);
        }
        finish_work(&w, &f);
        power_vfs_free(v);
    }
    print_message("%s: %d faults\n", f.name, f.nth - 1);
}

static void every_io_error_is_reported_or_survived(void **state)
{
    (void)state;
    const struct fault io = {.codes = {ERR_IO, ERR_IO, ERR_IO}};
    fail_every(POWER_READ, POWER_FAIL, &io);
    fail_every(POWER_WRITE, POWER_FAIL, &io);
    fail_every(POWER_SYNC, POWER_FAIL, &io);
    fail_every(POWER_TRUNCATE, POWER_FAIL, &io);
    fail_every(POWER_DELETE, POWER_FAIL, &io);
    fail_every(POWER_OPEN, POWER_FAIL, &io);
}

static void a_fault_of_what_is_gathered_is_reported_or_survived(void **state)
{
    (void)state;
    const struct fault io = {.flags = DB_GATHER, .codes = {ERR_IO, ERR_IO, ERR_IO}};
    const struct fault full = {.flags = DB_GATHER, .codes = {ERR_FULL, ERR_FULL, ERR_FULL}};
    fail_every(POWER_WRITE, POWER_FAIL, &io);
    fail_every(POWER_SYNC, POWER_FAIL, &io);
    fail_every(POWER_OPEN, POWER_FAIL, &io);
    fail_every(POWER_WRITE, POWER_FULL, &full);
}

static void a_full_disk_is_reported_or_survived(void **state)
{
    (void)state;
    const struct fault full = {.codes = {ERR_FULL, ERR_FULL, ERR_FULL}};
    fail_every(POWER_WRITE, POWER_FULL, &full);
}

/* The same connection goes on after the error, without being opened again. */
static void work_on_after_every(enum power_call call, unsigned flags)
{
    struct fault f = {.name = call_names[call]};
    bool fired = true;
    for (f.nth = 0; fired; f.nth++) {
        struct db_work w = {.vfs = "faulty", .flags = flags};
        struct err err = {0};
        struct db *db = NULL;
        struct power_vfs *v = power_vfs_new(w.vfs, (uint64_t)f.nth);
        assert_true(db_work_open(&w, &db, &err));
        power_vfs_arm(v, call, f.nth, POWER_FAIL);
        bool ok = true;
        while (ok && w.committed < DB_WORK_TRANSACTIONS) {
            ok = db_work_step(&w, db, &err);
        }
        fired = power_vfs_disarm(v);
        check_state(&w, db, &f);
        while (w.committed < DB_WORK_TRANSACTIONS) {
            if (!db_work_step(&w, db, &err)) {
                fail_at(&f, "going on", &err);
            }
        }
        check_state(&w, db, &f);
        db_close(db);
        power_vfs_free(v);
    }
}

static void a_connection_works_on_after_an_error(void **state)
{
    (void)state;
    static const enum power_call calls[] = {POWER_READ, POWER_WRITE, POWER_SYNC};
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        work_on_after_every(calls[c], 0);
        work_on_after_every(calls[c], DB_GATHER);
    }
}

/* A disk that stays full: nothing is lost, and writing works again once there is room. */
static void a_disk_that_stays_full_keeps_what_is_there(void **state)
{
    (void)state;
    const struct fault f = {.name = "full disk", .codes = {ERR_FULL, ERR_FULL, ERR_FULL}};
    struct db_work w = {.vfs = "faulty"};
    struct power_vfs *v = power_vfs_new(w.vfs, 1);
    power_vfs_limit(v, 100 << 10);
    struct err err = {0};
    assert_false(db_work_run(&w, &err));
    expect_code(&f, &err);
    assert_true(w.committed > 0);
    assert_false(db_work_run(&w, &err));
    expect_code(&f, &err);
    power_vfs_limit(v, 0);
    finish_work(&w, &f);
    power_vfs_free(v);
}

static void every_failed_allocation_is_reported_or_survived(void **state)
{
    (void)state;
    struct fault f = {.name = "allocation", .codes = {ERR_NO_MEMORY, ERR_NO_MEMORY, ERR_NO_MEMORY}};
    bool fired = true;
    for (f.nth = 0; fired; f.nth++) {
        struct db_work w = {.vfs = "faulty"};
        struct err err = {0};
        struct power_vfs *v = power_vfs_new(w.vfs, (uint64_t)f.nth);
        fault_sqlite_arm(f.nth);
        bool ok = work_and_read(&w, &err);
        fired = fault_sqlite_disarm();
        if (!ok && !fired) {
            fail_at(&f, "without a fault", &err);
        }
        if (!ok) {
            expect_code(&f, &err);
        }
        finish_work(&w, &f);
        power_vfs_free(v);
    }
    print_message("%s: %d faults\n", f.name, f.nth - 1);
}

int main(void)
{
    fault_sqlite_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_io_error_is_reported_or_survived),
        cmocka_unit_test(a_fault_of_what_is_gathered_is_reported_or_survived),
        cmocka_unit_test(a_full_disk_is_reported_or_survived),
        cmocka_unit_test(a_connection_works_on_after_an_error),
        cmocka_unit_test(a_disk_that_stays_full_keeps_what_is_there),
        cmocka_unit_test(every_failed_allocation_is_reported_or_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
