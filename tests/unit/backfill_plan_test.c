/* backfill_plan_test.c - a selection cut into legs, and which partitions of each leg are made. */
#include "agent/backfill/backfill_plan.h"

#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include "tests/unit/partition_fixture.h"
#include <string.h>

#define HOURLY "%Y-%m-%d-%H:%M"

/* plain -> hours -> sums (hours as well) -> days -> report; shops of a dynamic set; other by weeks */
static const char text[] = "assets:\n"
                           "  - {key: report, deps: [days], run: [x]}\n"
                           "  - {key: days, deps: [sums, ext], run: [x]}\n"
                           "  - {key: sums, deps: [hours], run: [x]}\n"
                           "  - {key: hours, deps: [plain], run: [x]}\n"
                           "  - {key: plain, run: [x]}\n"
                           "  - {key: ext, external: true}\n"
                           "  - {key: shops, run: [x]}\n"
                           "  - {key: weeks, run: [x]}\n";

static struct loaded l;
static struct arena arena;
static struct err err;
static struct str key_memory[4];
static struct partition_keys dynamic;

static struct asset *asset(const char *key)
{
    uint32_t at = 0;
    assert_true(definitions_find_asset(l.defs, str_from(key), &at, &err));
    return &l.defs->assets[at];
}

static int begin(void **state)
{
    (void)state;
    arena = arena_new(16 << 20);
    err = (struct err){0};
    load_assets(&l, text);
    assert_loaded(&l);
    struct partitions hours =
        partition_windows_of(&arena, "0 * * * *", "europe_berlin", "2026-01-01", HOURLY);
    struct partitions days =
        partition_windows_of(&arena, "0 0 * * *", "europe_berlin", "2026-01-01", NULL);
    asset("hours")->partitions = hours;
    asset("sums")->partitions = hours;
    asset("days")->partitions = days;
    asset("report")->partitions = days;
    asset("weeks")->partitions =
        partition_windows_of(&arena, "0 0 * * 1", "europe_berlin", "2026-01-01", NULL);
    asset("shops")->partitions =
        (struct partitions){.kind = PARTITION_DYNAMIC, .set = STR("shops")};
    dynamic = (struct partition_keys){key_memory, 0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    loaded_release(&l);
    arena_release(&arena);
    return 0;
}

static bool cut(const char *selection, struct backfill_leg **legs, size_t *count)
{
    bool *set = NULL;
    assert_true(definitions_select(l.defs, str_from(selection), &arena, &set, &err));
    return backfill_legs(l.defs, set, &arena, legs, count, &err);
}

/* "plain | hours sums | days report" */
static void assert_legs(const char *selection, const char *expected)
{
    struct backfill_leg *legs = NULL;
    size_t count = 0;
    char memory[256];
    struct buf out = buf_fixed(memory, sizeof(memory));
    assert_true(cut(selection, &legs, &count));
    for (size_t i = 0; i < count; i++) {
        buf_add_text(&out, i > 0 ? "| " : "");
        for (size_t a = 0; a < legs[i].count; a++) {
            buf_addf(&out, STR_FMT " ", STR_ARG(l.defs->assets[legs[i].assets[a]].key));
        }
    }
    assert_string_equal(buf_cstr(&out), expected);
}

static void selections_are_cut_where_partitions_change(void **state)
{
    (void)state;
    assert_legs("hours", "hours ");
    assert_legs("hours+", "hours sums | days report ");
    assert_legs("plain+", "plain | hours sums | days report ");
    assert_legs("*", "plain | shops | weeks | hours sums | days report ");
    /* What is between them is not selected, so that nobody waits. */
    assert_legs("hours or report", "hours | report ");
    /* Hours behind days cannot be made with the hours before them. */
    asset("report")->partitions = asset("hours")->partitions;
    assert_legs("hours+", "hours sums | days | report ");
    struct backfill_leg *legs = NULL;
    size_t count = 0;
    assert_false(cut("ext", &legs, &count));
    assert_string_equal(err.msg, "nothing that is selected can be made");
}

/* --- which partitions ------------------------------------------------------------------------- */

static bool read_dynamic(void *ctx, struct str set, struct arena *into, struct partition_keys *ret,
                         struct err *ret_err)
{
    (void)ctx;
    (void)into;
    (void)ret_err;
    assert_true(str_eq(set, STR("shops")));
    *ret = dynamic;
    return true;
}

/* hours: 00:00 made, 01:00 made and failed since, 03:00 failed; sums: 00:00 made */
static bool read_partitions(void *ctx, struct str key,
                            void (*on_partition)(void *to, struct str key, bool is_made,
                                                 bool has_failed),
                            void *to, struct err *ret_err)
{
    (void)ctx;
    (void)ret_err;
    if (str_eq(key, STR("hours"))) {
        on_partition(to, STR("2026-01-01-00:00"), true, false);
        on_partition(to, STR("2026-01-01-01:00"), true, true);
        on_partition(to, STR("2026-01-01-03:00"), false, true);
    } else if (str_eq(key, STR("sums"))) {
        on_partition(to, STR("2026-01-01-00:00"), true, false);
    }
    return true;
}

static const struct backfill_source source = {.dynamic_keys = read_dynamic,
                                              .partitions = read_partitions};

static bool plan(const char *selection, const struct backfill_order *order,
                 struct backfill_parts **ret, size_t *ret_count)
{
    struct backfill_leg *legs = NULL;
    err = (struct err){0};
    assert_true(cut(selection, &legs, ret_count));
    struct backfill_question q = {.defs = l.defs,
                                  .legs = legs,
                                  .leg_count = *ret_count,
                                  .order = order,
                                  .source = &source,
                                  .now = partition_instant("2026-01-05T12:00:00")};
    return backfill_plan(&q, &arena, ret, &err);
}

/* "24: 0=2026-01-01-00:00..23=2026-01-01-23:00": how many, the first and the last of each leg. */
static void assert_plan(const char *selection, const struct backfill_order *order,
                        const char *expected)
{
    struct backfill_parts *parts = NULL;
    size_t count = 0;
    char memory[512];
    struct buf out = buf_fixed(memory, sizeof(memory));
    if (!plan(selection, order, &parts, &count)) {
        fail_msg("%s: %s", selection, err.msg);
    }
    for (size_t i = 0; i < count; i++) {
        buf_addf(&out, "%s%zu:", i > 0 ? " | " : "", parts[i].count);
        if (parts[i].count > 0) {
            const struct backfill_part *first = &parts[i].items[0];
            const struct backfill_part *last = &parts[i].items[parts[i].count - 1];
            buf_addf(&out, " %lld=" STR_FMT "..%lld=" STR_FMT, (long long)first->number,
                     STR_ARG(first->key), (long long)last->number, STR_ARG(last->key));
        }
    }
    assert_string_equal(buf_cstr(&out), expected);
}

static void ranges_and_keys(void **state)
{
    (void)state;
    struct backfill_order order = {0};
    assert_plan("days", &order, "4: 0=2026-01-01..3=2026-01-04");
    order.bounds = (struct partition_bounds){STR("2026-01-02"), STR("2026-01-03")};
    assert_plan("days or report", &order, "2: 1=2026-01-02..2=2026-01-03");
    order.newest_first = true;
    assert_plan("days", &order, "2: -2=2026-01-03..-1=2026-01-02");
    static const struct str keys[] = {STR_INIT("2026-01-04"), STR_INIT("2026-01-01"),
                                      STR_INIT("2026-01-04")};
    order = (struct backfill_order){.keys = keys, .key_count = 3};
    assert_plan("days", &order, "2: 0=2026-01-01..3=2026-01-04");
}

static void only_what_is_missing_or_failed(void **state)
{
    (void)state;
    struct backfill_order order = {
        .bounds = {STR("2026-01-01-00:00"), STR("2026-01-01-04:00")},
        .only = BACKFILL_MISSING,
    };
    /* A run makes both: what one of them lacks is missing. */
    assert_plan("hours", &order, "3: 2=2026-01-01-02:00..4=2026-01-01-04:00");
    assert_plan("hours or sums", &order, "4: 1=2026-01-01-01:00..4=2026-01-01-04:00");
    order.only = BACKFILL_FAILED;
    assert_plan("hours or sums", &order, "2: 1=2026-01-01-01:00..3=2026-01-01-03:00");
    struct backfill_parts *parts = NULL;
    size_t count = 0;
    assert_false(plan("sums", &order, &parts, &count));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "sums has no partition that failed");
    assert_string_equal(err.hint, "look: selvedge-agent partitions sums");
    order.only = BACKFILL_MISSING;
    order.bounds = (struct partition_bounds){STR("2026-01-01-00:00"), STR("2026-01-01-00:00")};
    assert_false(plan("hours or sums", &order, &parts, &count));
    assert_string_equal(err.msg, "hours lacks no partition");
}

static void what_is_downstream_follows(void **state)
{
    (void)state;
    struct backfill_order order = {
        .bounds = {STR("2026-01-02-22:00"), STR("2026-01-03-01:00")},
    };
    assert_plan("hours+", &order,
                "4: 46=2026-01-02-22:00..49=2026-01-03-01:00 | 2: 1=2026-01-02..2=2026-01-03");
    assert_plan("plain+", &order,
                "1: 0=..0= | 4: 46=2026-01-02-22:00..49=2026-01-03-01:00 | "
                "2: 1=2026-01-02..2=2026-01-03");
    /* Not neighbours: each is followed by its own. */
    static const struct str keys[] = {STR_INIT("2026-01-01-05:00"), STR_INIT("2026-01-04-05:00")};
    order = (struct backfill_order){.keys = keys, .key_count = 2, .newest_first = true};
    assert_plan("hours+", &order,
                "2: -77=2026-01-04-05:00..-5=2026-01-01-05:00 | "
                "2: -3=2026-01-04..0=2026-01-01");
    /* A day that is not over has no partition yet. */
    static const struct str today[] = {STR_INIT("2026-01-05-05:00")};
    order = (struct backfill_order){.keys = today, .key_count = 1};
    assert_plan("hours+", &order, "1: 101=2026-01-05-05:00..101=2026-01-05-05:00 | 0:");
}

static void dynamic_keys(void **state)
{
    (void)state;
    struct backfill_parts *parts = NULL;
    size_t count = 0;
    struct backfill_order order = {0};
    assert_false(plan("shops", &order, &parts, &count));
    assert_string_equal(err.msg, "shops has no partition yet");
    key_memory[0] = STR("berlin");
    key_memory[1] = STR("munich");
    dynamic.count = 2;
    assert_plan("shops", &order, "2: 0=berlin..1=munich");
    order.bounds.first = STR("munich");
    assert_plan("shops", &order, "1: 1=munich..1=munich");
    order.bounds.first = STR("hamburg");
    assert_false(plan("shops", &order, &parts, &count));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void what_cannot_be(void **state)
{
    (void)state;
    struct backfill_parts *parts = NULL;
    size_t count = 0;
    struct backfill_order order = {0};
    assert_false(plan("hours or weeks", &order, &parts, &count));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "hours and weeks are partitioned differently");
    assert_false(plan("plain", &order, &parts, &count));
    assert_string_equal(err.msg, "nothing that is selected has partitions");
    order.bounds.first = STR("2026-13-01");
    assert_false(plan("days", &order, &parts, &count));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    asset("days")->partitions.start = partition_instant("2027-01-01");
    order.bounds.first = STR_NONE;
    assert_false(plan("days", &order, &parts, &count));
    assert_string_equal(err.msg, "days has no partition yet: no window is over");
    struct backfill_leg *legs = NULL;
    AUTO(arena) small = arena_new(64);
    bool *set = NULL;
    assert_true(definitions_select(l.defs, STR("*"), &arena, &set, &err));
    assert_false(backfill_legs(l.defs, set, &small, &legs, &count, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(selections_are_cut_where_partitions_change, begin, end),
        cmocka_unit_test_setup_teardown(ranges_and_keys, begin, end),
        cmocka_unit_test_setup_teardown(only_what_is_missing_or_failed, begin, end),
        cmocka_unit_test_setup_teardown(what_is_downstream_follows, begin, end),
        cmocka_unit_test_setup_teardown(dynamic_keys, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
