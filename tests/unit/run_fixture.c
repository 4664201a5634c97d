#include "tests/unit/run_fixture.h"

#include "tests/support/cmocka_all.h"

struct run run;
struct mono_time now;
static struct arena arena;

int run_fixture_begin(const struct definitions *defs, const struct plan *plan)
{
    struct err err = {0};
    now.ns = NS_PER_SEC;
    arena = arena_new(1 << 16);
    return run_init(&run, defs, plan, &arena, &err) ? 0 : -1;
}

int run_fixture_end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

void expect_start(uint32_t expected)
{
    uint32_t step = UINT32_MAX;
    size_t cursor = 0;
    assert_true(run_next(&run, now, &cursor, &step));
    assert_int_equal(step, expected);
    run_step_started(&run, step);
}

void expect_none(void)
{
    uint32_t step = UINT32_MAX;
    size_t cursor = 0;
    assert_false(run_next(&run, now, &cursor, &step));
}

void expect_skip(uint32_t expected, uint32_t expected_because)
{
    uint32_t step = UINT32_MAX;
    uint32_t because = UINT32_MAX;
    assert_true(run_skip_blocked(&run, &step, &because));
    assert_int_equal(step, expected);
    assert_int_equal(because, expected_because);
}

void expect_no_skip(void)
{
    uint32_t step = UINT32_MAX;
    uint32_t because = UINT32_MAX;
    assert_false(run_skip_blocked(&run, &step, &because));
}
