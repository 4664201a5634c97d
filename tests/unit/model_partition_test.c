#include "common/model/partition.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/partition_fixture.h"
#include "tests/unit/tzif_fixture.h"
#include <string.h>

#define HOURLY            "%Y-%m-%d-%H:%M"
#define LAST(p, now, ...) assert_last_keys(p, now, (const char *const[]){__VA_ARGS__, NULL})

/* --- windows of time: what Dagster 1.13 gives ------------------------------------------------- */

static void days(void **state)
{
    struct arena *arena = *state;
    struct partitions p = partition_windows_of(arena, "0 0 * * *", "etc_utc", "2024-01-30", NULL);
    LAST(&p, "2024-03-02T23:59:59", "2024-02-28", "2024-02-29", "2024-03-01");
    LAST(&p, "2024-03-03", "2024-03-01", "2024-03-02");
    assert_window(&p, "2024-02-29", "2024-02-29", "2024-03-01");
    assert_window(&p, "2030-12-31", "2030-12-31", "2031-01-01"); /* not over, and yet a window */
    struct partition_view v = {.of = &p, .now = partition_instant("2024-01-30T23:00:00")};
    assert_int_equal(partition_count(&v), 0);
    v.now = partition_instant("2024-01-31");
    assert_int_equal(partition_count(&v), 1);
    v.now = partition_instant("1971-01-01");
    assert_int_equal(partition_count(&v), 0);
}

/* The first of two equal hours has the plain key, the second its offset behind it. */
static void hours_when_the_clock_changes(void **state)
{
    struct arena *arena = *state;
    struct partitions p =
        partition_windows_of(arena, "0 * * * *", "europe_berlin", "2024-03-30", HOURLY);
    LAST(&p, "2024-10-27T03:30:00", "2024-10-27-01:00", "2024-10-27-02:00", "2024-10-27-02:00+0100",
         "2024-10-27-03:00");
    assert_window(&p, "2024-10-27-02:00", "2024-10-27T00:00:00", "2024-10-27T01:00:00");
    assert_window(&p, "2024-10-27-02:00+0100", "2024-10-27T01:00:00", "2024-10-27T02:00:00");
    LAST(&p, "2024-03-31T03:30:00", "2024-03-31-01:00", "2024-03-31-03:00", "2024-03-31-04:00");
    assert_window(&p, "2024-03-31-01:00", "2024-03-31T00:00:00", "2024-03-31T01:00:00");
    /* A format with an offset needs no more. */
    p.format = STR("%Y-%m-%dT%H:%M%z");
    LAST(&p, "2024-10-27T02:00:00", "2024-10-27T02:00+0200", "2024-10-27T02:00+0100");
    /* Half an hour: the windows stay on the full hour of the clock, one of them is longer. */
    p = partition_windows_of(arena, "0 * * * *", "australia_lord_howe", "2024-04-06", HOURLY);
    LAST(&p, "2024-04-06T16:30:00", "2024-04-07-01:00", "2024-04-07-02:00");
    assert_window(&p, "2024-04-07-01:00", "2024-04-06T14:00:00", "2024-04-06T15:30:00");
    p = partition_windows_of(arena, "*/30 * * * *", "australia_lord_howe", "2024-04-06", HOURLY);
    LAST(&p, "2024-04-06T16:00:00", "2024-04-07-01:00", "2024-04-07-01:30", "2024-04-07-01:30+1030",
         "2024-04-07-02:00");
}

static void days_when_the_clock_changes(void **state)
{
    struct arena *arena = *state;
    struct partitions p =
        partition_windows_of(arena, "0 0 * * *", "australia_lord_howe", "2024-04-04", NULL);
    p.end_offset = -2;
    LAST(&p, "2024-04-09T20:30:00", "2024-04-05", "2024-04-06", "2024-04-07");
    assert_window(&p, "2024-04-07", "2024-04-06T13:00:00", "2024-04-07T13:30:00");
    /* No midnight on November 4: that day begins at one. */
    p = partition_windows_of(arena, "0 0 * * *", "america_sao_paulo", "2018-11-02", NULL);
    LAST(&p, "2018-11-07", "2018-11-03", "2018-11-04", "2018-11-05");
    assert_window(&p, "2018-11-04", "2018-11-04T03:00:00", "2018-11-05T02:00:00");
    p = partition_windows_of(arena, "30 2 * * *", "europe_berlin", "2024-03-29", HOURLY);
    LAST(&p, "2024-04-02T03:30:00", "2024-03-30-02:30", "2024-03-31-03:00", "2024-04-01-02:30");
    /* The second of two half past two. */
    LAST(&p, "2024-10-29", "2024-10-26-02:30", "2024-10-27-02:30");
    assert_window(&p, "2024-10-27-02:30", "2024-10-27T01:30:00", "2024-10-28T01:30:00");
    assert_window(&p, "2024-10-26-02:30", "2024-10-26T00:30:00", "2024-10-27T01:30:00");
}

static void weeks_months_and_any_cron(void **state)
{
    struct arena *arena = *state;
    struct partitions p = partition_windows_of(arena, "0 7 * * 3", "etc_utc", "2024-02-01", NULL);
    LAST(&p, "2024-04-09T20:30:00", "2024-03-20", "2024-03-27");
    assert_window(&p, "2024-03-27", "2024-03-27T07:00:00", "2024-04-03T07:00:00");
    p = partition_windows_of(arena, "0 0 1 * *", "etc_utc", "2024-01-15", NULL);
    p.end_offset = 1;
    LAST(&p, "2024-04-01", "2024-02-01", "2024-03-01", "2024-04-01");
    p = partition_windows_of(arena, "0 0 1 * *", "etc_utc", "2024-01-15", "%Y-%m");
    LAST(&p, "2024-04-01", "2024-02", "2024-03");
    p = partition_windows_of(arena, "0 0 31 * *", "etc_utc", "2024-01-01", NULL);
    LAST(&p, "2024-09-01", "2024-01-31", "2024-03-31", "2024-05-31", "2024-07-31");
    assert_window(&p, "2024-05-31", "2024-05-31", "2024-07-31");
    p = partition_windows_of(arena, "15 */6 * * 1-5", "america_new_york", "2024-01-01", HOURLY);
    LAST(&p, "2024-01-09", "2024-01-05-18:15", "2024-01-08-00:15", "2024-01-08-06:15",
         "2024-01-08-12:15");
    assert_window(&p, "2024-01-08-12:15", "2024-01-08T17:15:00", "2024-01-08T23:15:00");
}

static size_t count_at(const struct partitions *p, const char *now)
{
    struct partition_view v = {.of = p, .now = partition_instant(now)};
    return partition_count(&v);
}

static void end_and_offset(void **state)
{
    struct arena *arena = *state;
    struct partitions p = partition_windows_of(arena, "0 0 * * *", "etc_utc", "2024-01-10", NULL);
    struct err err = {0};
    p.end = partition_instant("2024-01-12T12:00:00"); /* the day that would end after it is out */
    assert_true(partition_check(&p, &err));
    LAST(&p, "2024-01-20", "2024-01-10", "2024-01-11");
    p.end_offset = 5;
    LAST(&p, "2024-01-20", "2024-01-10", "2024-01-11");
    p.end_offset = -1;
    assert_int_equal(count_at(&p, "2024-01-12"), 1);
    assert_int_equal(count_at(&p, "2024-01-13"), 2);
    p.end = p.start;
    assert_int_equal(count_at(&p, "2024-01-20"), 0);
    p.end.ns = 0;
    p.end_offset = -3;
    assert_int_equal(count_at(&p, "2024-01-13"), 0);
    assert_int_equal(count_at(&p, "2024-01-14"), 1);
    p.end_offset = 2;
    assert_int_equal(count_at(&p, "2024-01-10"), 2);
    assert_int_equal(count_at(&p, "2024-01-09"), 1);
    assert_int_equal(count_at(&p, "2024-01-08T12:00:00"), 1); /* as Dagster has it */
    assert_int_equal(count_at(&p, "2024-01-08"), 0);
}

/* 100,000 hours, each asked for by its number and by its name: this must not take the square. */
static void many(void **state)
{
    struct arena *arena = *state;
    struct partitions p =
        partition_windows_of(arena, "0 * * * *", "europe_berlin", "2012-01-01", HOURLY);
    struct partition_view v = {.of = &p, .now = p.start};
    v.now.ns += INT64_C(100000) * 3600 * NS_PER_SEC;
    assert_int_equal(partition_count(&v), PARTITIONS_MAX);
    AUTO(arena) room = arena_new(16 << 20);
    struct partition_keys keys;
    struct err err = {0};
    assert_true(partition_range(&v, (struct partition_bounds){0}, &room, &keys, &err));
    assert_int_equal(keys.count, PARTITIONS_MAX);
    for (size_t i = 0; i < keys.count; i += 101) {
        size_t index = 0;
        char memory[PARTITION_KEY_BYTES_MAX + 1];
        struct buf key = buf_fixed(memory, sizeof(memory));
        assert_true(partition_find(&v, keys.items[i], &index, &err));
        assert_int_equal(index, i);
        assert_true(partition_key_at(&v, i, &key));
        assert_true(str_eq(buf_str(&key), keys.items[i]));
    }
    v.now.ns += 3600 * NS_PER_SEC;
    assert_false(partition_range(&v, (struct partition_bounds){0}, &room, &keys, &err));
    assert_int_equal(err.code, ERR_FULL);
}

/* --- asking for what is not there ------------------------------------------------------------- */

static void assert_refused(const struct partition_view *v, const char *key, const char *message,
                           const char *hint)
{
    struct err err = {0};
    size_t index = 0;
    if (partition_find(v, str_from(key), &index, &err)) {
        fail_msg("%s was taken", key);
    }
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, message);
    assert_string_equal(err.hint, hint);
}

static void bad_keys_of_windows(void **state)
{
    struct arena *arena = *state;
    struct partitions p = partition_windows_of(arena, "0 0 * * 1", "etc_utc", "2024-01-01", NULL);
    struct partition_view v = {.of = &p, .now = partition_instant("2024-03-01")};
    assert_refused(&v, "2024-13-01",
                   "\"2024-13-01\" is no partition: the month is not from 1 to 12",
                   "keys look like 2024-01-01");
    assert_refused(&v, "2024-02-30",
                   "\"2024-02-30\" is no partition: there is no day 30 in that month",
                   "keys look like 2024-01-01");
    assert_refused(&v, "2024-1-8", "\"2024-1-8\" is no partition: the month is not 2 digits",
                   "keys look like 2024-01-01");
    assert_refused(&v, "today", "\"today\" is no partition: the year is not 4 digits",
                   "keys look like 2024-01-01");
    assert_refused(&v, "2024-01-08x", "\"2024-01-08x\" is no partition: \"x\" is too much",
                   "keys look like 2024-01-01");
    assert_refused(&v, "2024/01/08",
                   "\"2024/01/08\" is no partition: '-' is missing before \"/01/08\"",
                   "keys look like 2024-01-01");
    assert_refused(&v, "2024-01-09", "\"2024-01-09\" is no partition: no window begins then",
                   "the next begins at 2024-01-15");
    assert_refused(&v, "2023-12-25", "\"2023-12-25\" is no partition: it lies before all of them",
                   "the first is 2024-01-01");
    assert_refused(&v, "2024-02-26", "\"2024-02-26\" is no partition: its window is not over yet",
                   "the last is 2024-02-19");
    p.end_offset = -1;
    assert_refused(&v, "2024-02-19",
                   "\"2024-02-19\" is no partition: it is held back by end_offset",
                   "the last is 2024-02-12");
    p.end_offset = 0;
    p.end = partition_instant("2024-02-05");
    assert_refused(&v, "2024-02-05", "\"2024-02-05\" is no partition: it lies behind all of them",
                   "the last is 2024-01-29");
    /* An offset where no hour is repeated is another name for the same: names are unique. */
    p = partition_windows_of(arena, "0 * * * *", "europe_berlin", "2024-01-01", HOURLY);
    v.now = partition_instant("2024-11-01");
    assert_refused(&v, "2024-10-27-03:00+0100",
                   "\"2024-10-27-03:00+0100\" is no partition: no window begins then",
                   "the next begins at 2024-10-27-03:00");
    assert_refused(&v, "2024-03-31-02:00",
                   "\"2024-03-31-02:00\" is no partition: no window begins then",
                   "the next begins at 2024-03-31-03:00");
    assert_refused(&v, "2024-10-27-02:00+1",
                   "\"2024-10-27-02:00+1\" is no partition: the hour of the "
                   "UTC offset is not 2 digits",
                   "keys look like 2024-01-01-00:00");
}

static const struct str colours[] = {STR_INIT("red"), STR_INIT("green"), STR_INIT("blue")};

static void written_and_added_keys(void **state)
{
    (void)state;
    struct partitions p = {.kind = PARTITION_STATIC, .keys = colours, .key_count = 3};
    struct partition_view v = {.of = &p};
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf key = buf_fixed(memory, sizeof(memory));
    size_t index = 0;
    struct err err = {0};
    assert_int_equal(partition_count(&v), 3);
    assert_true(partition_key_at(&v, 2, &key));
    assert_string_equal(buf_cstr(&key), "blue");
    assert_true(partition_find(&v, STR("green"), &index, &err));
    assert_int_equal(index, 1);
    assert_refused(&v, "gren", "there is no partition \"gren\"", "did you mean \"green\"?");
    assert_refused(&v, "ultraviolet", "there is no partition \"ultraviolet\"",
                   "there are 3, from \"red\" to \"blue\"");
    struct partition_window w;
    assert_false(partition_window(&p, STR("red"), &w, &err));
    assert_string_equal(err.msg, "partition red is no window of time");
    p = (struct partitions){.kind = PARTITION_DYNAMIC, .set = STR("shops")};
    assert_int_equal(partition_count(&v), 0);
    v.dynamic = &(struct partition_keys){colours, 3};
    assert_int_equal(partition_count(&v), 3);
    assert_refused(&v, "berlin-2", "there is no partition \"berlin-2\"",
                   "selvedge-agent partitions add shops berlin-2");
    p.kind = PARTITION_NONE;
    assert_refused(&v, "red", "there is no partition \"red\"", "the asset has no partitions");
    assert_int_equal(partition_count(&v), 0);
}

static void assert_range(const struct partition_view *v, const char *first, const char *last,
                         const char *expected)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct partition_keys keys;
    struct err err = {0};
    char memory[256];
    struct buf text = buf_fixed(memory, sizeof(memory));
    struct partition_bounds bounds = {str_from(first), str_from(last)};
    if (!partition_range(v, bounds, &arena, &keys, &err)) {
        fail_msg("%s", err.msg);
    }
    for (size_t i = 0; i < keys.count; i++) {
        buf_addf(&text, "%s" STR_FMT, i > 0 ? " " : "", STR_ARG(keys.items[i]));
    }
    assert_string_equal(buf_cstr(&text), expected);
}

static void ranges(void **state)
{
    struct arena *arena = *state;
    struct partitions p =
        partition_windows_of(arena, "0 0 * * *", "europe_berlin", "2024-10-25", NULL);
    struct partition_view v = {.of = &p, .now = partition_instant("2024-10-29")};
    assert_range(&v, "", "", "2024-10-25 2024-10-26 2024-10-27 2024-10-28");
    assert_range(&v, "2024-10-27", "", "2024-10-27 2024-10-28");
    assert_range(&v, "", "2024-10-26", "2024-10-25 2024-10-26");
    assert_range(&v, "2024-10-26", "2024-10-26", "2024-10-26");
    v.now = p.start;
    assert_range(&v, "", "", "");
    struct partition_keys keys;
    struct err err = {0};
    v.now = partition_instant("2024-10-29");
    assert_false(partition_range(
        &v, (struct partition_bounds){STR("2024-10-27"), STR("2024-10-26")}, arena, &keys, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg,
                        "the range ends with \"2024-10-26\", before its begin \"2024-10-27\"");
    assert_false(
        partition_range(&v, (struct partition_bounds){STR("x"), STR_NONE}, arena, &keys, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    p = (struct partitions){.kind = PARTITION_STATIC, .keys = colours, .key_count = 3};
    assert_range(&v, "green", "", "green blue");
    AUTO(arena) small = arena_new(16);
    assert_false(partition_range(&v, (struct partition_bounds){0}, &small, &keys, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
}

/* --- what was written ------------------------------------------------------------------------- */

static void assert_bad(struct partitions p, const char *message)
{
    struct err err = {0};
    assert_false(partition_check(&p, &err));
    assert_string_equal(err.msg, message);
}

static void definitions(void **state)
{
    struct arena *arena = *state;
    struct partitions p = partition_windows_of(arena, "0 * * * *", "etc_utc", "2024-01-01", HOURLY);
    p.format = STR("%Y-%m-%d");
    assert_bad(p, "the format %Y-%m-%d does not tell the windows of 0 * * * * apart");
    p.format = STR("%m-%d-%H:%M");
    assert_bad(p, "the format of a key needs the year, or keys would repeat");
    p.format = STR("%Y-%j");
    assert_bad(p, "\"%j\" is not supported in the format of a key");
    p.format = STR("%Y%");
    assert_bad(p, "\"%\" is not supported in the format of a key");
    p.format = STR("%Y\n");
    assert_bad(p, "control characters cannot be in a key");
    struct err err = {0};
    assert_true(cron_parse(STR("0 0 30 2 *"), &p.cron, &err));
    p.format = STR(HOURLY);
    p.cron_text = STR("0 0 30 2 *");
    assert_bad(p, "no window ever begins: 0 0 30 2 * does not fire");
    static const struct str twice[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("a")};
    static const struct str dots[] = {STR_INIT("a...b")};
    static const struct str tab[] = {STR_INIT("a\tb")};
    static const struct str empty[] = {STR_INIT("")};
    assert_bad((struct partitions){.kind = PARTITION_STATIC, .keys = twice, .key_count = 3},
               "the partition \"a\" is given twice");
    assert_bad((struct partitions){.kind = PARTITION_STATIC, .keys = dots, .key_count = 1},
               "\"a...b\" cannot be a partition key: \"...\" stands for ranges");
    assert_bad((struct partitions){.kind = PARTITION_STATIC, .keys = tab, .key_count = 1},
               "a partition key cannot hold control characters");
    assert_bad((struct partitions){.kind = PARTITION_STATIC, .keys = empty, .key_count = 1},
               "a partition key cannot be empty");
}

static void sameness(void **state)
{
    struct arena *arena = *state;
    struct partitions a = partition_windows_of(arena, "0 0 * * *", "etc_utc", "2024-01-01", NULL);
    struct partitions b = partition_windows_of(arena, "@daily", "etc_utc", "2024-01-01", NULL);
    assert_true(partition_same(&a, &b));
    b.end_offset = 1;
    assert_false(partition_same(&a, &b));
    b = (struct partitions){.kind = PARTITION_STATIC, .keys = colours, .key_count = 3};
    assert_false(partition_same(&a, &b));
    a = b;
    assert_true(partition_same(&a, &b));
    a.key_count = 2;
    assert_false(partition_same(&a, &b));
    a = (struct partitions){.kind = PARTITION_DYNAMIC, .set = STR("shops")};
    b = (struct partitions){.kind = PARTITION_DYNAMIC, .set = STR("tills")};
    assert_false(partition_same(&a, &b));
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
        cmocka_unit_test(days),
        cmocka_unit_test(hours_when_the_clock_changes),
        cmocka_unit_test(days_when_the_clock_changes),
        cmocka_unit_test(weeks_months_and_any_cron),
        cmocka_unit_test(end_and_offset),
        cmocka_unit_test(many),
        cmocka_unit_test(bad_keys_of_windows),
        cmocka_unit_test(written_and_added_keys),
        cmocka_unit_test(ranges),
        cmocka_unit_test(definitions),
        cmocka_unit_test(sameness),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
