/* base_str_test.c - common/base/str.h */
#include "common/base/str.h"
#include "tests/support/cmocka_all.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define assert_str(s_, text_) assert_true(str_eq((s_), STR(text_)))

static void comparing(void **state)
{
    (void)state;
    assert_null(str_from(NULL).ptr);
    assert_true(str_is_empty(STR_NONE));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
    assert_true(str_cmp(STR("abc"), STR("abc")) == 0);
    assert_true(str_cmp(STR("\xC3"), STR("z")) > 0); /* bytes are unsigned */
    assert_true(str_cmp(STR_NONE, STR("a")) < 0);
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR_NONE, STR_NONE));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR("abc"), STR("")));
    assert_false(str_ends(STR("c"), STR("bc")));
    assert_true(str_contains(STR("abc"), STR("b")));
    assert_true(str_contains(STR_NONE, STR("")));
    assert_false(str_contains(STR_NONE, STR("a")));
}

static void slicing(void **state)
{
    (void)state;
    assert_str(str_slice(STR("abc"), 1, 2), "b");
    assert_str(str_slice(STR("abc"), 1, 99), "bc");
    assert_str(str_slice(STR("abc"), 9, 99), "");
    assert_str(str_slice(STR("abc"), 2, 1), "");
    assert_null(str_slice(STR_NONE, 1, 2).ptr);
    assert_str(str_trim(STR(" \t\r\n\v\fa b ")), "a b");
    assert_str(str_trim(STR("  ")), "");
    assert_str(str_trim_end(STR("a///"), '/'), "a");
    assert_str(str_trim_end(STR("///"), '/'), "");
    assert_str(str_clip(STR("abc"), 3), "abc");
    assert_str(str_clip(STR("abc"), 2), "ab");
    assert_str(str_clip(STR("a\xe2\x82\xac"), 4), "a\xe2\x82\xac");
    assert_str(str_clip(STR("a\xe2\x82\xac"), 3), "a");
    assert_str(str_clip(STR("\xe2\x82\xac"), 2), "");
    assert_str(str_clip(STR_NONE, 2), "");
}

static void wiping(void **state)
{
    (void)state;
    char secret[] = "secret";
    struct str s = {secret, 3};
    str_wipe(&s);
    assert_null(s.ptr);
    assert_int_equal(s.len, 0);
    assert_memory_equal(secret, "\0\0\0ret", 6);
    str_wipe(&s);
    assert_null(s.ptr);
}

static void cutting(void **state)
{
    (void)state;
    struct str head;
    struct str tail;
    assert_true(str_cut(STR("a/b/c"), '/', &head, &tail));
    assert_str(head, "a");
    assert_str(tail, "b/c");
    assert_true(str_cut_last(STR("a/b/c"), '/', &head, &tail));
    assert_str(head, "a/b");
    assert_str(tail, "c");
    assert_true(str_cut(STR("/"), '/', &head, &tail));
    assert_non_null(head.ptr);
    assert_non_null(tail.ptr); /* an empty tail is not the same as none */
    assert_false(str_cut(STR("abc"), '/', &head, &tail));
    assert_str(head, "abc");
    assert_null(tail.ptr);
    assert_false(str_cut_last(STR("abc"), '/', &head, &tail));
    assert_null(head.ptr);
    assert_str(tail, "abc");
    assert_false(str_cut(STR_NONE, '/', &head, &tail));
}

static void integers(void **state)
{
    (void)state;
    int64_t value = 42;
    static const char *const refused[] = {"",
                                          "-",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "0x1",
                                          "1.0",
                                          "--1",
                                          "1e3",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "99999999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_false(str_to_i64(str_from(refused[i]), INT64_MIN, INT64_MAX, &value));
        assert_int_equal(value, 42);
    }
    assert_false(str_to_i64(STR_NONE, 0, 1, &value));
    assert_false(str_to_i64(STR("11"), 0, 10, &value));
    assert_false(str_to_i64(STR("-1"), 0, 10, &value));
    assert_true(str_to_i64(STR("010"), 0, 10, &value));
    assert_int_equal(value, 10);
    assert_true(str_to_i64(STR("-9223372036854775808"), INT64_MIN, 0, &value));
    assert_true(value == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), 0, INT64_MAX, &value));
    assert_true(value == INT64_MAX);
}

static void hex_digits(void **state)
{
    static const char digits[] = "0123456789abcdef";
    (void)state;
    for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
        const char *at = c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
        assert_int_equal(str_hex_digit((char)c), at != NULL ? (int)(at - digits) : -1);
    }
}

static void doubles(void **state)
{
    (void)state;
    double value = 42;
    static const char *const refused[] = {"",    "-",     ".",     "1.",   ".5",  "+1",
                                          " 1",  "1 ",    "0x1p3", "inf",  "nan", "1e",
                                          "1e+", "1e999", "1,5",   "1.5.5"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_false(str_to_double(str_from(refused[i]), &value));
        assert_true(value == 42);
    }
    static const struct {
        const char *text;
        double value;
    } taken[] = {
        {"0", 0.0},      {"-0.5", -0.5},
        {"1e3", 1000.0}, {"1.5E-3", 0.0015},
        {"0.1", 0.1},    {"9007199254740993", 9007199254740992.0},
        {"1e-999", 0.0}, {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
    };
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        assert_true(str_to_double(str_from(taken[i].text), &value));
        assert_true(value == taken[i].value);
    }
    char text[65];
    memset(text, '1', sizeof(text));
    assert_true(str_to_double((struct str){text, 63}, &value));
    assert_false(str_to_double((struct str){text, 64}, &value));
    assert_true(str_to_double((struct str){"12x", 2}, &value)); /* the length counts, not a NUL */
    assert_true(value == 12);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } taken[] = {
        {"10s", INT64_C(10000000000)},
        {"5m", INT64_C(300000000000)},
        {"1h30m", INT64_C(5400000000000)},
        {"250ms", INT64_C(250000000)},
        {"2d", INT64_C(172800000000000)},
        {"0s", 0},
        {"1d1h1m1s1ms", INT64_C(90061001000000)},
    };
    int64_t ns = 42;
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        assert_true(str_to_duration(str_from(taken[i].text), &ns));
        assert_true(ns == taken[i].ns);
    }
    static const char *const refused[] = {"",     "10",   "s",       "-1s",
                                          "1.5h", "1 s",  "30m1h",   "1s1s",
                                          "1x",   "1h30", "106752d", "106751d23h59m"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        ns = 42;
        assert_false(str_to_duration(str_from(refused[i]), &ns));
        assert_int_equal(ns, 42);
    }
}

static void byte_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } taken[] = {
        {"1024", 1024},      {"0", 0},
        {"7B", 7},           {"1500kB", 1500000},
        {"64MiB", 64 << 20}, {"2KiB", 2048},
        {"3MB", 3000000},    {"1GiB", 1 << 30},
        {"1GB", 1000000000}, {"1TiB", INT64_C(1) << 40},
    };
    int64_t bytes = 42;
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        assert_true(str_to_bytes(str_from(taken[i].text), &bytes));
        assert_true(bytes == taken[i].bytes);
    }
    static const char *const refused[] = {"",    "MiB", "1 MiB", "-1",
                                          "1mb", "1K",  "1MiB2", "99999999TiB"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        bytes = 42;
        assert_false(str_to_bytes(str_from(refused[i]), &bytes));
        assert_int_equal(bytes, 42);
    }
}

/* RFC 3629 by the book, against which the table-driven check is held. */
static bool is_one_code_point(const unsigned char *p, size_t len)
{
    uint32_t lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t marks[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    if ((p[0] & ~lead_bits[len] & 0xFF) != marks[len]) {
        return false;
    }
    uint32_t code = p[0] & lead_bits[len];
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return false;
        }
        code = (code << 6) | (p[i] & 0x3FU);
    }
    return code >= lowest[len] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

static void utf8_of_one_code_point_is_decided_right(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        unsigned char one[] = {(unsigned char)a};
        assert_true(str_is_utf8((struct str){(char *)one, 1}) == is_one_code_point(one, 1));
        for (unsigned b = 0x70; b < 0xD0; b++) {
            unsigned char two[] = {(unsigned char)a, (unsigned char)b};
            bool is_pair = is_one_code_point(two, 1) && is_one_code_point(two + 1, 1);
            assert_true(str_is_utf8((struct str){(char *)two, 2}) ==
                        (is_pair || is_one_code_point(two, 2)));
            if (a < 0xC0) {
                continue;
            }
            unsigned char four[] = {(unsigned char)a, (unsigned char)b, 0x80, 0xBF};
            assert_true(str_is_utf8((struct str){(char *)four, 3}) == is_one_code_point(four, 3));
            assert_true(str_is_utf8((struct str){(char *)four, 4}) == is_one_code_point(four, 4));
            four[2] = 0x41;
            assert_false(str_is_utf8((struct str){(char *)four, 4}));
        }
    }
}

static void utf8_text(void **state)
{
    (void)state;
    assert_true(str_is_utf8(STR_NONE));
    assert_true(str_is_utf8(STR("gr\xC3\xBC\xC3\x9F"
                                "e \xE2\x82\xAC \xF0\x9F\x98\x80")));
    assert_false(str_is_utf8(STR("cut \xE2\x82")));
    assert_false(str_is_utf8(STR("\xC3")));
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR(""), STR("")), 0);
    assert_int_equal(str_distance(STR("abc"), STR("")), 3);
    assert_int_equal(str_distance(STR(""), STR("abc")), 3);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
    assert_int_equal(str_distance(STR("schedule"), STR("shcedule")), 1);
    assert_int_equal(str_distance(STR("ca"), STR("abc")), 3);
    char longest[64];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(str_distance((struct str){longest, 63}, STR("a")), 62);
    assert_true(str_distance((struct str){longest, 64}, STR("a")) == SIZE_MAX);
}

static void wildcards(void **state)
{
    (void)state;
    assert_true(str_matches(STR(""), STR("")));
    assert_true(str_matches(STR(""), STR("**")));
    assert_false(str_matches(STR(""), STR("?")));
    assert_true(str_matches(STR("raw/orders"), STR("raw/*")));
    assert_true(str_matches(STR("raw/orders"), STR("*ord?rs")));
    assert_true(str_matches(STR("aXbXc"), STR("a*X*c")));
    assert_true(str_matches(STR("abab"), STR("*ab")));
    assert_false(str_matches(STR("raw/orders"), STR("raw")));
    assert_false(str_matches(STR("raw"), STR("raw?")));
    assert_false(str_matches(STR("[a]"), STR("[ab]")));
    char many[2000];
    memset(many, 'a', sizeof(many));
    assert_false(str_matches((struct str){many, sizeof(many)}, STR("*a*a*a*a*a*a*a*a*b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),   cmocka_unit_test(slicing),
        cmocka_unit_test(wiping),      cmocka_unit_test(cutting),
        cmocka_unit_test(integers),    cmocka_unit_test(hex_digits),
        cmocka_unit_test(doubles),     cmocka_unit_test(durations),
        cmocka_unit_test(byte_counts), cmocka_unit_test(utf8_of_one_code_point_is_decided_right),
        cmocka_unit_test(utf8_text),   cmocka_unit_test(distances),
        cmocka_unit_test(wildcards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
