/* store_power_test.c - promises P1 and P2 on the device: the power is cut at every sync and every
 * write of a workload, several times with different luck. After each cut the store opens, holds
 * every event that a flush reported as recorded, once, with what it means, and has forgotten none
 * that was not acknowledged. */
#include "store_work.h"
#include "tests/support/cmocka_all.h"

enum { SYNC_SEEDS = 4, WRITE_SEEDS = 2, AFTER_STEPS = 30 };

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

/* What may be there: what was reported, or also the group whose flush was cut, whole. */
static void check_survivor(struct store_work *w, const struct cut *c, int64_t pending)
{
    struct err err = {0};
    int64_t reported = w->reported_seq;
    int64_t acked = w->acked_seq;
    if (!store_work_open(w, &err)) {
        fail_at(c, "open: ", err.msg);
    }
    if (w->reported_seq != reported && w->reported_seq != reported + pending) {
        fail_at(c, "neither what was reported nor the whole group after it", "");
    }
    if (w->acked_seq != acked && w->acked_seq != w->acking_seq) {
        fail_at(c, "an acknowledgement that nobody gave, or one that is gone", "");
    }
    store_fixture_expect_exact(&w->fixture);
    int last = w->step + AFTER_STEPS;
    while (w->step < last) {
        if (!store_work_step(w, &err)) {
            fail_at(c, "work after the cut: ", err.msg);
        }
    }
    store_fixture_expect_exact(&w->fixture);
}

/* One run with one cut. False when the workload ended before its n-th call. */
static bool cut_once(const struct cut *c)
{
    struct power_vfs *v = power_vfs_new("store_power", c->seed);
    struct store_work w;
    store_work_init(&w, "agent.db", "store_power");
    struct err err = {0};
    power_vfs_arm(v, c->call, c->nth, POWER_CUT);
    bool ok = store_work_run(&w, &err);
    bool fired = power_vfs_disarm(v);
    if (!ok && !fired) {
        fail_at(c, "without a cut: ", err.msg);
    }
    if (!ok && err.code != ERR_IO) {
        fail_at(c, "the cut was reported as something else: ", err.msg);
    }
    int64_t pending = w.fixture.store == NULL ? 0 : (int64_t)store_pending(w.fixture.store);
    store_fixture_close(&w.fixture);
    power_vfs_reboot(v, c->seed);
    check_survivor(&w, c, pending);
    store_work_release(&w);
    power_vfs_free(v);
    return fired;
}

static void cut_every(enum power_call call, uint64_t seeds)
{
    bool fired = true;
    int nth = 0;
    for (; fired; nth++) {
        for (uint64_t seed = 0; seed < seeds; seed++) {
            struct cut c = {.call = call, .nth = nth, .seed = seed};
            fired = cut_once(&c);
        }
    }
    print_message("%d cuts, %d times each\n", nth - 1, (int)seeds);
    assert_true(nth > 40);
}

static void a_cut_at_any_sync_loses_nothing(void **state)
{
    (void)state;
    cut_every(POWER_SYNC, SYNC_SEEDS);
}

static void a_cut_at_any_write_loses_nothing(void **state)
{
    (void)state;
    cut_every(POWER_WRITE, WRITE_SEEDS);
}

/* The workload does what this test is about. */
static void the_workload_drops_and_trims(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("store_power", 1);
    struct store_work w;
    store_work_init(&w, "agent.db", "store_power");
    struct err err = {0};
    assert_true(store_work_run(&w, &err));
    struct store_position at = store_fixture_position(&w.fixture);
    assert_true(at.dropped > 20);
    assert_true(at.acked_seq > 40);
    assert_true(at.history_bytes > 0);
    struct batch_header header;
    assert_true(store_read_batch(w.fixture.store, 1, 1, &header, &w.lines, &err));
    assert_true(header.first > 20); /* trimmed */
    store_fixture_expect_exact(&w.fixture);
    store_work_release(&w);
    power_vfs_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_workload_drops_and_trims),
        cmocka_unit_test(a_cut_at_any_sync_loses_nothing),
        cmocka_unit_test(a_cut_at_any_write_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
