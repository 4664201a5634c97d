/* platform_clock_test.c - common/platform/clock.h and its fake */
#include "common/platform/clock.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"

#include <sys/timex.h>
#include <time.h>

static void the_system_clock_is_the_kernels(void **state)
{
    (void)state;
    struct clock clock = clock_system();
    struct timespec ts;
    struct mono_time mono = clock_mono(&clock);
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &ts), 0);
    int64_t later = (int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
    assert_true(mono.ns > 0 && mono.ns <= later && later - mono.ns < 60 * NS_PER_SEC);
    assert_true(clock_mono(&clock).ns >= later);

    struct wall_time wall = clock_wall(&clock);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
    assert_true((int64_t)ts.tv_sec - wall.ns / NS_PER_SEC < 60);
}

static void synchronized_is_what_the_kernel_says(void **state)
{
    (void)state;
    struct timex asked = {.modes = 0};
    int answer = adjtimex(&asked);
    assert_int_equal(clock_is_synced(),
                     answer >= 0 && answer != TIME_ERROR && (asked.status & STA_UNSYNC) == 0);
}

static void the_fake_clock_moves_only_when_told(void **state)
{
    (void)state;
    struct fake_clock fake = {.mono = {5}, .wall = {1000}};
    struct clock clock = fake_clock_port(&fake);
    assert_int_equal(clock_mono(&clock).ns, 5);
    assert_int_equal(clock_wall(&clock).ns, 1000);
    fake_clock_advance(&fake, 10);
    fake_clock_step_wall(&fake, -500);
    assert_int_equal(clock_mono(&clock).ns, 15);
    assert_int_equal(clock_wall(&clock).ns, 510);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_is_the_kernels),
        cmocka_unit_test(synchronized_is_what_the_kernel_says),
        cmocka_unit_test(the_fake_clock_moves_only_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
