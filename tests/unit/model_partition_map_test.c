#include "common/model/partition_map.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/partition_fixture.h"

#define HOURLY "%Y-%m-%d-%H:%M"

struct expected {
    const char *first;
    const char *last;
    size_t count;
    bool is_whole;
};

static void assert_maps(const struct partition_view *from, struct partition_bounds keys,
                        const struct partition_view *to, const struct expected *expected)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct partition_mapped mapped;
    struct err err = {0};
    if (!partition_map(from, keys, to, &arena, &mapped, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(mapped.keys.count, expected->count);
    assert_int_equal(mapped.is_whole, expected->is_whole);
    if (expected->count > 0) {
        assert_true(str_eq(mapped.keys.items[0], str_from(expected->first)));
        assert_true(str_eq(mapped.keys.items[expected->count - 1], str_from(expected->last)));
    }
}

static struct partition_bounds one(const char *key)
{
    return (struct partition_bounds){str_from(key), str_from(key)};
}

static void hours_and_days(void **state)
{
    struct arena *arena = *state;
    struct partitions hours =
        partition_windows_of(arena, "0 * * * *", "europe_berlin", "2024-03-30", HOURLY);
    struct partitions days =
        partition_windows_of(arena, "0 0 * * *", "europe_berlin", "2024-03-01", NULL);
    struct partition_view h = {.of = &hours, .now = partition_instant("2024-10-27T10:30:00")};
    struct partition_view d = {.of = &days, .now = h.now};
    assert_maps(&d, one("2024-04-02"), &h,
                &(struct expected){"2024-04-02-00:00", "2024-04-02-23:00", 24, true});
    assert_maps(&d, one("2024-03-31"), &h,
                &(struct expected){"2024-03-31-00:00", "2024-03-31-23:00", 23, true});
    assert_maps(&h, one("2024-04-02-07:00"), &d,
                &(struct expected){"2024-04-02", "2024-04-02", 1, true});
    assert_maps(&h, (struct partition_bounds){STR("2024-04-02-07:00"), STR("2024-04-04-00:00")}, &d,
                &(struct expected){"2024-04-02", "2024-04-04", 3, true});
    /* Neither before the first nor beyond the last. */
    assert_maps(&d, (struct partition_bounds){STR("2024-03-28"), STR("2024-03-30")}, &h,
                &(struct expected){"2024-03-30-00:00", "2024-03-30-23:00", 24, false});
    assert_maps(&d, one("2024-03-28"), &h, &(struct expected){.is_whole = false});
    assert_maps(&d, one("2024-10-27"), &h,
                &(struct expected){"2024-10-27-00:00", "2024-10-27-10:00", 12, false});
    assert_maps(&h, one("2024-10-27-02:00+0100"), &d, &(struct expected){.is_whole = false});
}

static void windows_that_do_not_align(void **state)
{
    struct arena *arena = *state;
    struct partitions weeks =
        partition_windows_of(arena, "0 7 * * 3", "etc_utc", "2024-01-01", NULL);
    struct partitions months =
        partition_windows_of(arena, "0 0 1 * *", "etc_utc", "2024-01-01", "%Y-%m");
    struct partition_view w = {.of = &weeks, .now = partition_instant("2024-06-30")};
    struct partition_view m = {.of = &months, .now = w.now};
    assert_maps(&w, one("2024-02-28"), &m, &(struct expected){"2024-02", "2024-03", 2, true});
    assert_maps(&w, one("2024-03-06"), &m, &(struct expected){"2024-03", "2024-03", 1, true});
    assert_maps(&m, one("2024-03"), &w, &(struct expected){"2024-02-28", "2024-03-27", 5, true});
    assert_maps(&m, one("2024-01"), &w, &(struct expected){"2024-01-03", "2024-01-31", 5, false});
    struct partition_mapped mapped;
    struct err err = {0};
    assert_false(partition_map(&w, one("2024-02-29"), &m, arena, &mapped, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static const struct str colours[] = {STR_INIT("red"), STR_INIT("green"), STR_INIT("blue")};
static const struct str others[] = {STR_INIT("blue"), STR_INIT("black"), STR_INIT("red")};

static void other_kinds(void **state)
{
    struct arena *arena = *state;
    struct partitions a = {.kind = PARTITION_STATIC, .keys = colours, .key_count = 3};
    struct partitions b = {.kind = PARTITION_DYNAMIC, .set = STR("more")};
    struct partitions none = {.kind = PARTITION_NONE};
    struct partitions days =
        partition_windows_of(arena, "0 0 * * *", "etc_utc", "2024-01-01", NULL);
    struct partition_keys added = {others, 3};
    struct partition_view va = {.of = &a};
    struct partition_view vb = {.of = &b, .dynamic = &added};
    struct partition_view vn = {.of = &none};
    struct partition_view vd = {.of = &days, .now = partition_instant("2024-01-04")};
    assert_maps(&va, one("red"), &va, &(struct expected){"red", "red", 1, true});
    assert_maps(&va, one("blue"), &vb, &(struct expected){"blue", "blue", 1, true});
    assert_maps(&va, one("green"), &vb, &(struct expected){.is_whole = false});
    assert_maps(&va, (struct partition_bounds){STR("red"), STR("blue")}, &vb,
                &(struct expected){"red", "blue", 2, false});
    assert_maps(&vn, one(""), &vd, &(struct expected){"2024-01-01", "2024-01-03", 3, true});
    assert_maps(&vd, one("2024-01-02"), &vn, &(struct expected){.is_whole = true});
    assert_maps(&vn, one(""), &vn, &(struct expected){.is_whole = true});
    assert_maps(&vd, one("2024-01-02"), &va, &(struct expected){.is_whole = false});
}

static int set_up(void **state)
{
    static struct arena arena;
    arena = arena_new(8 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_and_days),
        cmocka_unit_test(windows_that_do_not_align),
        cmocka_unit_test(other_kinds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
