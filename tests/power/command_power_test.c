/* command_power_test.c - the power is cut, and calls fail, anywhere while commands arrive and are
 * carried out. Whatever is left: the hub sends again what it has heard no end of, and then each has
 * one end, was done at most once, and none is lost silently. */
#include "tests/support/cmocka_all.h"
#include "tests/support/sample.h"
#include "tests/unit/command_work.h"

enum { COMMANDS = 8 };

static struct signed_fixture keys;

static int begin_keys(void **state)
{
    (void)state;
    signed_fixture_begin(&keys);
    return 0;
}

static int end_keys(void **state)
{
    (void)state;
    signed_fixture_end(&keys);
    return 0;
}

static bool open_work(struct command_work *w)
{
    struct err err = {0};
    return command_work_open(w, &err);
}

/* As far as the disk lets it. */
static void work(struct command_work *w)
{
    for (int i = 0; i < w->count && !w->is_failing; i++) {
        command_work_receive(w, i);
        command_work_steps(w);
        if (i % 3 == 2) {
            command_work_end_what_goes_on(w);
        }
    }
    for (int i = 0; i < 2 && !w->is_failing; i++) {
        command_work_end_what_goes_on(w);
        command_work_steps(w);
    }
}

static bool cut_once(enum power_call call, int nth)
{
    struct command_work w;
    struct power_vfs *v = power_vfs_new("command_power", (uint64_t)nth);
    command_work_init(&w, &keys, COMMANDS, "agent.db", "command_power");
    power_vfs_arm(v, call, nth, POWER_CUT);
    if (open_work(&w)) {
        work(&w);
    }
    bool fired = power_vfs_disarm(v);
    command_work_close(&w);
    power_vfs_reboot(v, (uint64_t)nth);
    assert_true(open_work(&w));
    command_work_finish(&w);
    command_work_check(&w);
    command_work_release(&w);
    power_vfs_free(v);
    return fired;
}

static void cut_every(const char *name, enum power_call call, int stride)
{
    int nth = 0;
    while (cut_once(call, nth)) {
        nth += stride;
    }
    print_message("%s: %d cuts, %d apart\n", name, nth / stride, stride);
    assert_true(nth / stride > 5);
}

static void a_cut_executes_nothing_twice(void **state)
{
    (void)state;
    cut_every("cut at a sync", POWER_SYNC, sample_stride(2, 1));
    cut_every("cut at a write", POWER_WRITE, sample_stride(17, 1));
}

/* A write or a sync that fails once, without a cut: it is tried again, in the same process. */
static bool fail_once(enum power_call call, enum power_effect effect, int nth)
{
    struct command_work w;
    struct power_vfs *v = power_vfs_new("command_power", (uint64_t)nth);
    command_work_init(&w, &keys, COMMANDS, "agent.db", "command_power");
    assert_true(open_work(&w));
    power_vfs_arm(v, call, nth, effect);
    for (int i = 0; i < w.count; i++) {
        command_work_receive(&w, i);
        command_work_steps(&w);
    }
    command_work_end_what_goes_on(&w);
    bool fired = power_vfs_disarm(v);
    command_work_finish(&w);
    command_work_check(&w);
    command_work_release(&w);
    power_vfs_free(v);
    return fired;
}

static void a_failed_write_executes_nothing_twice(void **state)
{
    (void)state;
    int stride = sample_stride(11, 1);
    int nth = 0;
    while (fail_once(POWER_WRITE, POWER_FULL, nth)) {
        nth += stride;
    }
    assert_true(nth / stride > 5);
    for (nth = 0; fail_once(POWER_SYNC, POWER_FAIL, nth); nth += sample_stride(3, 1)) {
    }
    assert_true(nth > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_executes_nothing_twice),
        cmocka_unit_test(a_failed_write_executes_nothing_twice),
    };
    return cmocka_run_group_tests(tests, begin_keys, end_keys);
}
