#include "common/model/tz.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"
#include <string.h>

enum { HOUR = 3600 };

static int64_t at(const char *text)
{
    struct wall_time t;
    assert_true(wall_parse(str_from(text), &t));
    return t.ns / NS_PER_SEC;
}

static void assert_instants(const struct tz *tz, const char *local, int count, const char *first,
                            const char *second)
{
    struct tz_instants found = tz_from_local(tz, at(local));
    assert_int_equal(found.count, count);
    assert_int_equal(found.first, at(first));
    if (second != NULL) {
        assert_int_equal(found.second, at(second));
    }
}

static void utc_never_changes(void **state)
{
    (void)state;
    assert_int_equal(tz_offset_at(tz_utc(), INT64_MAX), 0);
    assert_int_equal(tz_next_change(tz_utc(), INT64_MIN), INT64_MAX);
    assert_instants(tz_utc(), "2026-03-29T02:30:00", 1, "2026-03-29T02:30:00", NULL);
}

/* The same zone from its table (real data until 2037) and from its rule alone. */
static void berlin(const struct tz *tz)
{
    assert_int_equal(tz_offset_at(tz, at("2026-01-01")), HOUR);
    assert_int_equal(tz_offset_at(tz, at("2026-07-01")), 2 * HOUR);
    assert_int_equal(tz_offset_at(tz, at("2026-03-29T00:59:59")), HOUR);
    assert_int_equal(tz_offset_at(tz, at("2026-03-29T01:00:00")), 2 * HOUR);
    assert_int_equal(tz_next_change(tz, at("2026-01-01")), at("2026-03-29T01:00:00"));
    assert_int_equal(tz_next_change(tz, at("2026-03-29T01:00:00")), at("2026-10-25T01:00:00"));
    assert_int_equal(tz_next_change(tz, at("2026-12-01")), at("2027-03-28T01:00:00"));
    assert_int_equal(tz_offset_at(tz, at("2226-07-01")), 2 * HOUR);
    assert_instants(tz, "2026-03-29T01:59:59", 1, "2026-03-29T00:59:59", NULL);
    assert_instants(tz, "2026-03-29T02:00:00", 0, "2026-03-29T01:00:00", NULL);
    assert_instants(tz, "2026-03-29T02:59:59", 0, "2026-03-29T01:00:00", NULL);
    assert_instants(tz, "2026-03-29T03:00:00", 1, "2026-03-29T01:00:00", NULL);
    assert_instants(tz, "2026-10-25T01:59:59", 1, "2026-10-24T23:59:59", NULL);
    assert_instants(tz, "2026-10-25T02:00:00", 2, "2026-10-25T00:00:00", "2026-10-25T01:00:00");
    assert_instants(tz, "2026-10-25T02:59:59", 2, "2026-10-25T00:59:59", "2026-10-25T01:59:59");
    assert_instants(tz, "2026-10-25T03:00:00", 1, "2026-10-25T02:00:00", NULL);
}

static void berlin_by_table_and_by_rule(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    berlin(tzif_real_zone(&arena, "europe_berlin"));
    berlin(tzif_zone(&arena, "CET-1CEST,M3.5.0,M10.5.0/3"));
    /* Before 1893-04-01 the city had its own time. */
    assert_int_equal(tz_offset_at(tzif_real_zone(&arena, "europe_berlin"), INT64_MIN),
                     53 * 60 + 28);
}

static void unusual_zones(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    /* Half an hour of daylight saving time, in a southern summer. */
    const struct tz *lord_howe = tzif_real_zone(&arena, "australia_lord_howe");
    assert_int_equal(tz_offset_at(lord_howe, at("2050-01-01")), 11 * HOUR);
    assert_int_equal(tz_offset_at(lord_howe, at("2050-07-01")), 10 * HOUR + HOUR / 2);
    assert_instants(lord_howe, "2050-10-02T02:15:00", 0, "2050-10-01T15:30:00", NULL);
    /* Winter time as negative daylight saving time. */
    const struct tz *dublin = tzif_zone(&arena, "IST-1GMT0,M10.5.0,M3.5.0/1");
    assert_int_equal(tz_offset_at(dublin, at("2026-01-01")), 0);
    assert_int_equal(tz_offset_at(dublin, at("2026-07-01")), HOUR);
    /* Changes on the Saturday evening before, by a negative time of day. */
    const struct tz *nuuk = tzif_zone(&arena, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    assert_int_equal(tz_next_change(nuuk, at("2027-01-01")), at("2027-03-28T01:00:00"));
    /* A whole day that did not exist: 2011-12-30. */
    const struct tz *apia = tzif_real_zone(&arena, "pacific_apia");
    assert_instants(apia, "2011-12-30T12:00:00", 0, "2011-12-30T10:00:00", NULL);
    /* Daylight saving time all the year round, as RFC 8536 spells it. */
    const struct tz *always = tzif_zone(&arena, "EST5EDT,0/0,J365/25");
    assert_int_equal(tz_offset_at(always, at("2026-01-01T05:00:00")), -4 * HOUR);
    assert_int_equal(tz_offset_at(always, at("2026-07-01")), -4 * HOUR);
    assert_int_equal(tz_next_change(always, at("2026-07-01")), INT64_MAX);
}

static void days_of_the_year(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    /* J60 is always March 1; 59, counted from 0, is February 29 in a leap year. */
    const struct tz *julian = tzif_zone(&arena, "AAA0BBB,J60/0,J300/0");
    assert_int_equal(tz_next_change(julian, at("2028-01-01")), at("2028-03-01"));
    assert_int_equal(tz_next_change(julian, at("2027-01-01")), at("2027-03-01"));
    const struct tz *counted = tzif_zone(&arena, "AAA0BBB,59/0,300/0");
    assert_int_equal(tz_next_change(counted, at("2028-01-01")), at("2028-02-29"));
    assert_int_equal(tz_next_change(counted, at("2027-01-01")), at("2027-03-01"));
    const struct tz *seconds = tzif_zone(&arena, "AAA-1:02:03");
    assert_int_equal(tz_offset_at(seconds, 0), 3723);
}

static void tables_without_a_rule_end(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    static const struct tzif_change changes[] = {
        {-1000, 3600}, {500, 3600}, {1000, -7200}, {2000, 0}};
    char memory[512];
    struct buf bytes = buf_fixed(memory, sizeof(memory));
    tzif_write(&bytes, 60, changes, COUNT_OF(changes), "");
    struct tz *tz = NULL;
    struct err err = {0};
    assert_true(tz_parse(buf_str(&bytes), &arena, &tz, &err));
    assert_int_equal(tz_offset_at(tz, -1001), 60);
    assert_int_equal(tz_offset_at(tz, -1000), 3600);
    assert_int_equal(tz_next_change(tz, -1000), 1000); /* the one at 500 changes nothing */
    assert_int_equal(tz_offset_at(tz, 5000), 0);
    assert_int_equal(tz_next_change(tz, 2000), INT64_MAX);
}

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC", "Europe/Berlin", "Etc/GMT+5",
                                       "America/Port-au-Prince", "America/Argentina/Buenos_Aires"};
    static const char *const bad[] = {"",    "/etc/passwd", "../x",     "Europe//Berlin", "Europe/",
                                      "a.b", "a b",         "Europe\n", "caf\xc3\xa9"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(tz_name_is_valid(str_from(good[i])));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(tz_name_is_valid(str_from(bad[i])));
    }
    char text[TZ_NAME_MAX + 1];
    memset(text, 'a', sizeof(text));
    assert_false(tz_name_is_valid((struct str){text, sizeof(text)}));
}

static void bad_rules_are_refused(void **state)
{
    (void)state;
    static const char *const rules[] = {"C-1",
                                        "CET",
                                        "CET-1CEST",
                                        "CET-25",
                                        "CET-1CEST,",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "<CET-1",
                                        "CET-1CEST,M3.5.0,M10.5.0/3x",
                                        "CET-1:60",
                                        "CET-1CEST,J0,J5",
                                        "CET-1CEST,366,5",
                                        "CET-1CEST,M3.5.0/168,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET--1"};
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        char memory[512];
        struct buf bytes = buf_fixed(memory, sizeof(memory));
        tzif_write(&bytes, 0, NULL, 0, rules[i]);
        struct tz *tz = NULL;
        struct err err = {0};
        assert_false(tz_parse(buf_str(&bytes), &arena, &tz, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        assert_non_null(strstr(err.msg, "is not a POSIX time zone rule"));
        assert_null(tz);
    }
}

static void assert_refused(struct str bytes, const char *why)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct tz *tz = NULL;
    struct err err = {0};
    assert_false(tz_parse(bytes, &arena, &tz, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.msg, why));
    assert_null(tz);
}

static void bad_data_is_refused(void **state)
{
    (void)state;
    static const struct tzif_change good[] = {{0, 3600}, {10, 0}};
    static const struct tzif_change backwards[] = {{10, 3600}, {10, 0}};
    static const struct tzif_change absurd[] = {{10, 100000}};
    char memory[512];
    struct buf bytes = buf_fixed(memory, sizeof(memory));
    tzif_write(&bytes, 0, good, COUNT_OF(good), "UTC0");
    for (size_t len = 0; len < bytes.len; len++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct tz *tz = NULL;
        struct err err = {0};
        assert_false(tz_parse(str_slice(buf_str(&bytes), 0, len), &arena, &tz, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
    }
    memory[4] = '\0';
    assert_refused(buf_str(&bytes), "version 1");
    memory[4] = '2';
    memory[44 + 20 + 11] = 1;
    assert_refused(buf_str(&bytes), "leap seconds");
    memory[0] = 'X';
    assert_refused(buf_str(&bytes), "not a TZif file");

    buf_reset(&bytes);
    tzif_write(&bytes, 0, backwards, COUNT_OF(backwards), "");
    assert_refused(buf_str(&bytes), "out of order");
    buf_reset(&bytes);
    tzif_write(&bytes, 0, absurd, COUNT_OF(absurd), "");
    assert_refused(buf_str(&bytes), "out of range");

    static char large[TZ_BYTES_MAX + 1];
    assert_refused((struct str){large, sizeof(large)}, "larger than 64 KiB");
}

static void every_lack_of_memory_is_reported(void **state)
{
    (void)state;
    static const struct tzif_change changes[] = {{0, 3600}, {10, 0}};
    char memory[512];
    struct buf bytes = buf_fixed(memory, sizeof(memory));
    tzif_write(&bytes, 0, changes, COUNT_OF(changes), "UTC0");
    bool done = false;
    size_t failures = 0;
    for (size_t max = 0; !done; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct tz *tz = NULL;
        struct err err = {0};
        done = tz_parse(buf_str(&bytes), &arena, &tz, &err);
        assert_true(done || (err.code == ERR_NO_MEMORY && tz == NULL));
        failures += !done;
    }
    assert_true(failures > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_never_changes),
        cmocka_unit_test(berlin_by_table_and_by_rule),
        cmocka_unit_test(unusual_zones),
        cmocka_unit_test(days_of_the_year),
        cmocka_unit_test(tables_without_a_rule_end),
        cmocka_unit_test(names),
        cmocka_unit_test(bad_rules_are_refused),
        cmocka_unit_test(bad_data_is_refused),
        cmocka_unit_test(every_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
