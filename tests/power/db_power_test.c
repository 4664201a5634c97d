/* Cuts the power at every sync and every write of a workload, several times with different luck. */
#include "db_work.h"

#include <string.h>

enum { SEEDS = 4, BASE_SEED = 1 };

enum survival { SURVIVED_ALL, SURVIVED_FEWER };

struct cut {
    enum power_call call;
    int nth;
    uint64_t seed;
};

static void fail_at(const struct cut *c, const char *what, const char *text)
{
    fail_msg("%s nth=%d seed=%llu: %s%s", c->call == POWER_SYNC ? "sync" : "write", c->nth,
             (unsigned long long)c->seed, what, text);
}

/* The last transaction that is there; fails when it is there in part. */
static int surviving(struct db *db, const struct db_work *w, const struct cut *c)
{
    struct err err = {0};
    for (int last = w->attempted; last >= 0; last--) {
        bool matches = false;
        if (!db_work_matches(db, last, &matches, &err)) {
            fail_at(c, "read: ", err.msg);
        }
        if (matches) {
            return last;
        }
    }
    fail_at(c, "a transaction is there in part", "");
    return 0;
}

/* After the cut: opens, is sound, and can be worked with. */
static int check_survivor(struct db_work *w, const struct cut *c)
{
    struct db *db = NULL;
    struct err err = {0};
    if (!db_work_open(w, &db, &err)) {
        fail_at(c, "open: ", err.msg);
    }
    if (!db_work_is_sound(db, &err)) {
        fail_at(c, "integrity_check: ", err.msg);
    }
    int last = surviving(db, w, c);
    struct db_work after = *w;
    after.committed = last;
    for (int i = 0; i < 2; i++) {
        if (!db_work_step(&after, db, &err)) {
            fail_at(c, "work after the cut: ", err.msg);
        }
    }
    if (surviving(db, &after, c) != last + 2) {
        fail_at(c, "work after the cut is not there", "");
    }
    db_close(db);
    return last;
}

/* One run with one cut. False when the workload ended before its n-th call. */
static bool cut_once(struct db_work w, const struct cut *c, enum survival *ret)
{
    struct power_vfs *v = power_vfs_new(w.vfs, BASE_SEED);
    power_vfs_arm(v, c->call, c->nth, POWER_CUT);
    struct err err = {0};
    bool ok = db_work_run(&w, &err);
    bool fired = power_vfs_disarm(v);
    if (!fired && !ok) {
        fail_at(c, "without a cut: ", err.msg);
    }
    if (!ok && err.code != ERR_IO) {
        fail_at(c, "the cut was reported as something else: ", err.msg);
    }
    power_vfs_reboot(v, c->seed);
    int last = check_survivor(&w, c);
    *ret = last >= w.committed ? SURVIVED_ALL : SURVIVED_FEWER;
    power_vfs_free(v);
    return fired;
}

/* How many of all cuts lost something that was committed. */
static int losses(const struct db_work *w, enum power_call call)
{
    int lost = 0;
    bool fired = true;
    for (int nth = 0; fired; nth++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct cut c = {.call = call, .nth = nth, .seed = seed};
            enum survival survival = SURVIVED_ALL;
            fired = cut_once(*w, &c, &survival);
            lost += survival == SURVIVED_FEWER ? 1 : 0;
            if (survival == SURVIVED_FEWER && (w->flags & DB_NORMAL_SYNC) == 0 &&
                w->extra_sql == NULL) {
                fail_at(&c, "a committed transaction is lost", "");
            }
        }
    }
    return lost;
}

static void a_cut_at_any_sync_loses_nothing(void **state)
{
    (void)state;
    struct db_work w = {.vfs = "power"};
    assert_int_equal(losses(&w, POWER_SYNC), 0);
}

static void a_cut_at_any_write_loses_nothing(void **state)
{
    (void)state;
    struct db_work w = {.vfs = "power"};
    assert_int_equal(losses(&w, POWER_WRITE), 0);
}

static void what_is_gathered_loses_nothing(void **state)
{
    (void)state;
    struct db_work w = {.vfs = "power", .flags = DB_GATHER};
    assert_int_equal(losses(&w, POWER_SYNC), 0);
    assert_int_equal(losses(&w, POWER_WRITE), 0);
}

/* What DB_NORMAL_SYNC promises: the last commits may be gone, but each is there whole or not. */
static void normal_sync_loses_only_whole_transactions(void **state)
{
    (void)state;
    struct db_work w = {.vfs = "power", .flags = DB_NORMAL_SYNC};
    assert_true(losses(&w, POWER_SYNC) > 0);
}

/* The test of the test: a program that does not sync must be caught. Only up to the first loss, as
 * such a database may also be damaged. */
static void a_program_that_does_not_sync_is_caught(void **state)
{
    (void)state;
    struct db_work w = {.vfs = "power", .extra_sql = "PRAGMA synchronous=OFF"};
    int lost = 0;
    for (uint64_t seed = 0; seed < SEEDS && lost == 0; seed++) {
        struct power_vfs *v = power_vfs_new(w.vfs, BASE_SEED);
        struct db *db = NULL;
        struct err err = {0};
        w.committed = 0;
        assert_true(db_work_open(&w, &db, &err));
        assert_true(db_work_step(&w, db, &err));
        power_vfs_arm(v, POWER_WRITE, 0, POWER_CUT);
        assert_false(db_work_step(&w, db, &err));
        db_close(db);
        power_vfs_reboot(v, seed);
        struct cut c = {.call = POWER_WRITE, .seed = seed};
        lost += check_survivor(&w, &c) < 1 ? 1 : 0;
        power_vfs_free(v);
    }
    assert_true(lost > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_at_any_sync_loses_nothing),
        cmocka_unit_test(a_cut_at_any_write_loses_nothing),
        cmocka_unit_test(what_is_gathered_loses_nothing),
        cmocka_unit_test(normal_sync_loses_only_whole_transactions),
        cmocka_unit_test(a_program_that_does_not_sync_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
