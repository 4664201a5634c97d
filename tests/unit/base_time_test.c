/* base_time_test.c - common/base/time.h */
#include "common/base/time.h"
#include "tests/support/cmocka_all.h"

#include <string.h>
#include <time.h>

static void civil_time_agrees_with_libc_over_millennia(void **state)
{
    (void)state;
    /* A prime step of about 11 days visits every month, weekday and leap rule. */
    for (int64_t t = INT64_C(-62135596800); t < INT64_C(253402300800); t += 950021) {
        time_t libc_time = (time_t)t;
        struct tm tm;
        assert_non_null(gmtime_r(&libc_time, &tm));
        struct civil_time c = civil_from_seconds(t);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour, tm.tm_hour);
        assert_int_equal(c.minute, tm.tm_min);
        assert_int_equal(c.second, tm.tm_sec);
        assert_int_equal(c.weekday, tm.tm_wday);
        assert_true(civil_to_seconds(&c) == t);
    }
}

static void fields_out_of_range_are_carried(void **state)
{
    (void)state;
    struct civil_time c = {.year = 2026, .month = 14, .day = 0, .hour = -1, .minute = 61};
    struct civil_time same = {.year = 2027, .month = 1, .day = 31, .hour = 0, .minute = 1};
    assert_true(civil_to_seconds(&c) == civil_to_seconds(&same));
    c = (struct civil_time){.year = 2026, .month = -11, .day = 1};
    same = (struct civil_time){.year = 2025, .month = 1, .day = 1};
    assert_true(civil_to_seconds(&c) == civil_to_seconds(&same));
    c = (struct civil_time){.year = 2027, .month = 2, .day = 29};
    same = (struct civil_time){.year = 2027, .month = 3, .day = 1};
    assert_true(civil_to_seconds(&c) == civil_to_seconds(&same));
}

static void formatting(void **state)
{
    (void)state;
    char text[WALL_TEXT_SIZE];
    assert_string_equal(wall_format((struct wall_time){0}, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(wall_format((struct wall_time){-1}, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(wall_format((struct wall_time){INT64_MAX}, text),
                        "2262-04-11T23:47:16.854Z");
    assert_string_equal(wall_format((struct wall_time){INT64_MIN}, text),
                        "1677-09-21T00:12:43.145Z");
    AUTO(buf) b = buf_growing(100);
    buf_add_wall(&b, (struct wall_time){INT64_C(1795314600123999999)});
    assert_string_equal(buf_cstr(&b), "2026-11-22T02:30:00.123Z");
}

static void parsing_what_is_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01", 0},
        {"2026-11-22T02:30:00.123Z", INT64_C(1795314600123000000)},
        {"2026-11-22 02:30:00", INT64_C(1795314600000000000)},
        {"2026-11-22t03:30:00.123456789123+01:00", INT64_C(1795314600123456789)},
        {"2026-11-21T23:00:00-03:30", INT64_C(1795314600000000000)},
        {"2024-02-29", INT64_C(1709164800000000000)},
        {"2000-02-29", INT64_C(951782400000000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000000)},
        {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000000000)},
        {"1969-12-31T23:59:59.5z", INT64_C(-500000000)},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
        {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall_time t = {0};
        assert_true(wall_parse(str_from(cases[i].text), &t));
        assert_true(t.ns == cases[i].ns);
    }
}

static void refusing_what_is_not(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-1-01",
        "2026-00-10",
        "2026-13-01",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-01-00",
        "2026-01-32",
        "-026-01-01",
        "+026-01-01",
        "2026/01/01",
        "2026-01-01T",
        "2026-01-01T1:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+01",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00 Z",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T-1:00:00Z",
        "2026-01-01Z",
        "2262-04-11T23:47:16.854775808Z",
        "9999-12-31",
        "0000-01-01",
        "1677-09-20",
        "1677-09-21T00:12:43.145224191Z",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall_time t = {42};
        assert_false(wall_parse(str_from(cases[i]), &t));
        assert_int_equal(t.ns, 42);
    }
    struct wall_time t = {42};
    assert_false(wall_parse((struct str){"2026-01-01T00:00:00\0", 20}, &t));
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    for (int64_t ns = INT64_MIN / 1000000 + 1; ns < INT64_MAX / 1000000; ns += 99999999999) {
        char text[WALL_TEXT_SIZE];
        struct wall_time back = {0};
        assert_true(
            wall_parse(str_from(wall_format((struct wall_time){ns * 1000000}, text)), &back));
        assert_true(back.ns == ns * 1000000);
    }
}

static void a_clock_before_2024_is_not_set(void **state)
{
    (void)state;
    assert_false(wall_is_set((struct wall_time){0}));
    assert_false(wall_is_set((struct wall_time){INT64_C(1704067200) * NS_PER_SEC - 1}));
    assert_true(wall_is_set((struct wall_time){INT64_C(1704067200) * NS_PER_SEC}));
}

static void durations_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1 us"},
        {999999, "999 us"},
        {350 * NS_PER_MS, "350 ms"},
        {NS_PER_SEC - 1, "999 ms"},
        {1250 * NS_PER_MS, "1.2 s"},
        {60 * NS_PER_SEC - 1, "59.9 s"},
        {-60 * NS_PER_SEC, "-1 m 00 s"},
        {7500 * NS_PER_SEC, "2 h 05 m"},
        {273600 * NS_PER_SEC, "3 d 04 h"},
        {INT64_MIN, "-106751 d 23 h"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) b = buf_growing(100);
        buf_add_duration(&b, cases[i].ns);
        assert_string_equal(buf_cstr(&b), cases[i].text);
    }
}

static void as_definitions_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } durations[] = {
        {0, "0s"},
        {1, "0s"},
        {250 * NS_PER_MS, "250ms"},
        {NS_PER_SEC, "1s"},
        {90 * NS_PER_SEC, "1m30s"},
        {86400 * NS_PER_SEC, "1d"},
        {93784 * NS_PER_SEC + 5 * NS_PER_MS, "1d2h3m4s5ms"},
    };
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = {
        {0, "0"},
        {1023, "1023"},
        {1024, "1KiB"},
        {1536, "1536"},
        {1 << 20, "1MiB"},
        {(1 << 20) + 1024, "1025KiB"},
        {INT64_C(1) << 50, "1024TiB"},
    };
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        AUTO(buf) b = buf_growing(100);
        buf_add_exact_duration(&b, durations[i].ns);
        assert_string_equal(buf_cstr(&b), durations[i].text);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        AUTO(buf) b = buf_growing(100);
        buf_add_exact_bytes(&b, sizes[i].bytes);
        assert_string_equal(buf_cstr(&b), sizes[i].text);
    }
}

static void bytes_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {812, "812 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {(1 << 20) - 1, "1023.9 KiB"},
        {12897485, "12.2 MiB"},
        {INT64_C(5) << 30, "5.0 GiB"},
        {-2048, "-2.0 KiB"},
        {INT64_MAX, "7.9 EiB"},
        {INT64_MIN, "-8.0 EiB"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) b = buf_growing(100);
        buf_add_bytes(&b, cases[i].bytes);
        assert_string_equal(buf_cstr(&b), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_time_agrees_with_libc_over_millennia),
        cmocka_unit_test(fields_out_of_range_are_carried),
        cmocka_unit_test(formatting),
        cmocka_unit_test(parsing_what_is_a_time),
        cmocka_unit_test(refusing_what_is_not),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_clock_before_2024_is_not_set),
        cmocka_unit_test(durations_for_people),
        cmocka_unit_test(as_definitions_are_written),
        cmocka_unit_test(bytes_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
