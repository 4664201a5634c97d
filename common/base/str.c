#include "common/base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct str str_from(const char *text)
{
    return text == NULL ? STR_NONE : (struct str){text, strlen(text)};
}

bool str_is_empty(struct str s)
{
    return s.len == 0;
}

/* memcmp that accepts NULL for "no bytes". */
static int compare(const char *a, const char *b, size_t len)
{
    return len == 0 ? 0 : memcmp(a, b, len);
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && compare(a.ptr, b.ptr, a.len) == 0;
}

int str_cmp(struct str a, struct str b)
{
    int order = compare(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && compare(s.ptr, prefix.ptr, prefix.len) == 0;
}

bool str_ends(struct str s, struct str suffix)
{
    return str_eq(str_slice(s, s.len - (s.len < suffix.len ? s.len : suffix.len), s.len), suffix);
}

bool str_contains(struct str s, struct str part)
{
    return part.len == 0 || (s.len > 0 && memmem(s.ptr, s.len, part.ptr, part.len) != NULL);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    to = to > s.len ? s.len : to;
    from = from > to ? to : from;
    return s.ptr == NULL ? STR_NONE : (struct str){s.ptr + from, to - from};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct str str_trim(struct str s)
{
    size_t from = 0;
    size_t to = s.len;
    while (from < to && is_space(s.ptr[from])) {
        from++;
    }
    while (to > from && is_space(s.ptr[to - 1])) {
        to--;
    }
    return str_slice(s, from, to);
}

struct str str_trim_end(struct str s, char c)
{
    while (s.len > 0 && s.ptr[s.len - 1] == c) {
        s.len--;
    }
    return s;
}

struct str str_clip(struct str s, size_t max)
{
    size_t len = s.len < max ? s.len : max;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    return (struct str){s.ptr, len};
}

void str_wipe(struct str *s)
{
    if (s->len > 0) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the caller's bytes, const only in this type */
        explicit_bzero((char *)(uintptr_t)s->ptr, s->len);
    }
    *s = STR_NONE;
}

bool str_cut(struct str s, char sep, struct str *ret_head, struct str *ret_tail)
{
    const char *at = s.len == 0 ? NULL : memchr(s.ptr, sep, s.len);
    if (at == NULL) {
        *ret_head = s;
        *ret_tail = STR_NONE;
        return false;
    }
    size_t len = (size_t)(at - s.ptr);
    *ret_head = str_slice(s, 0, len);
    *ret_tail = str_slice(s, len + 1, s.len);
    return true;
}

bool str_cut_last(struct str s, char sep, struct str *ret_head, struct str *ret_tail)
{
    const char *at = s.len == 0 ? NULL : memrchr(s.ptr, sep, s.len);
    if (at == NULL) {
        *ret_head = STR_NONE;
        *ret_tail = s;
        return false;
    }
    size_t len = (size_t)(at - s.ptr);
    *ret_head = str_slice(s, 0, len);
    *ret_tail = str_slice(s, len + 1, s.len);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Index behind the digits that start at `from`. */
static size_t skip_digits(struct str s, size_t from)
{
    while (from < s.len && is_digit(s.ptr[from])) {
        from++;
    }
    return from;
}

bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    size_t first = is_negative ? 1 : 0;
    if (first == s.len || skip_digits(s, first) != s.len) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = first; i < s.len; i++) {
        int64_t digit = s.ptr[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, is_negative ? -digit : digit, &value)) {
            return false;
        }
    }
    if (value < min || value > max) {
        return false;
    }
    *ret = value;
    return true;
}

/* -?D+(.D+)?([eE][+-]?D+)? : what strtod would also take (hexadecimal, "inf", "nan", spaces) is
 * refused. */
static bool is_decimal(struct str s)
{
    size_t first = s.len > 0 && s.ptr[0] == '-' ? 1 : 0;
    size_t at = skip_digits(s, first);
    if (at == first) {
        return false;
    }
    if (at < s.len && s.ptr[at] == '.') {
        first = at + 1;
        at = skip_digits(s, first);
        if (at == first) {
            return false;
        }
    }
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        first = at + 1;
        if (first < s.len && (s.ptr[first] == '+' || s.ptr[first] == '-')) {
            first++;
        }
        at = skip_digits(s, first);
        if (at == first) {
            return false;
        }
    }
    return at == s.len;
}

bool str_to_double(struct str s, double *ret)
{
    char text[64];
    if (s.len >= sizeof(text) || !is_decimal(s)) {
        return false;
    }
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    /* Correctly rounded by glibc and musl. Locale-independent: our programs never call setlocale.
     */
    double value = strtod(text, NULL);
    if (!isfinite(value)) {
        return false;
    }
    *ret = value;
    return true;
}

struct unit {
    struct str name;
    int64_t factor;
};

/* Splits "<digits><letters>rest" and computes digits x factor. */
static bool cut_quantity(struct str *s, const struct unit *units, size_t count, size_t *ret_unit,
                         int64_t *ret)
{
    size_t digits = skip_digits(*s, 0);
    size_t end = digits;
    while (end < s->len && !is_digit(s->ptr[end])) {
        end++;
    }
    int64_t value = 0;
    if (!str_to_i64(str_slice(*s, 0, digits), 0, INT64_MAX, &value)) {
        return false;
    }
    struct str name = str_slice(*s, digits, end);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, units[i].name)) {
            *s = str_slice(*s, end, s->len);
            *ret_unit = i;
            return !__builtin_mul_overflow(value, units[i].factor, ret);
        }
    }
    return false;
}

bool str_to_duration(struct str s, int64_t *ret_ns)
{
    static const struct unit units[] = {
        {STR_INIT("d"), INT64_C(86400000000000)}, {STR_INIT("h"), INT64_C(3600000000000)},
        {STR_INIT("m"), INT64_C(60000000000)},    {STR_INIT("s"), INT64_C(1000000000)},
        {STR_INIT("ms"), INT64_C(1000000)},
    };
    int64_t sum = 0;
    size_t first = 0; /* each part's unit is smaller than the one before: "30m1h" is a slip */
    do {
        size_t unit = 0;
        int64_t part = 0;
        if (!cut_quantity(&s, units, COUNT_OF(units), &unit, &part) || unit < first ||
            __builtin_add_overflow(sum, part, &sum)) {
            return false;
        }
        first = unit + 1;
    } while (s.len > 0);
    *ret_ns = sum;
    return true;
}

bool str_to_bytes(struct str s, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {STR_INIT(""), 1},
        {STR_INIT("B"), 1},
        {STR_INIT("kB"), 1000},
        {STR_INIT("MB"), 1000000},
        {STR_INIT("GB"), 1000000000},
        {STR_INIT("TB"), INT64_C(1000000000000)},
        {STR_INIT("KiB"), INT64_C(1) << 10},
        {STR_INIT("MiB"), INT64_C(1) << 20},
        {STR_INIT("GiB"), INT64_C(1) << 30},
        {STR_INIT("TiB"), INT64_C(1) << 40},
    };
    size_t unit = 0;
    int64_t bytes = 0;
    if (!cut_quantity(&s, units, COUNT_OF(units), &unit, &bytes) || s.len > 0) {
        return false;
    }
    *ret_bytes = bytes;
    return true;
}

/* Length of the well-formed sequence at `p` (Unicode 15, table 3-7), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char low =
        0x80; /* bounds of the second byte: no overlong form, surrogate, > U+10FFFF */
    unsigned char high = 0xBF;
    size_t len = 0;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        len = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        len = 3;
        low = p[0] == 0xE0 ? 0xA0 : low;
        high = p[0] == 0xED ? 0x9F : high;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        len = 4;
        low = p[0] == 0xF0 ? 0x90 : low;
        high = p[0] == 0xF4 ? 0x8F : high;
    }
    if (len == 0 || len > left || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t at = 0;
    while (at < s.len) {
        size_t len = p[at] < 0x80 ? 1 : utf8_sequence(p + at, s.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: a swapped pair costs 1, and no part is edited twice. */
size_t str_distance(struct str a, struct str b)
{
    enum { MAX = 63 };
    if (a.len > MAX || b.len > MAX) {
        return SIZE_MAX;
    }
    size_t rows[3][MAX + 1]; /* i - 2, i - 1 and i, by i modulo 3 */
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1;
            size_t best = min2(above[j - 1] + change, min2(above[j], row[j - 1]) + 1);
            bool is_swap =
                i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
            row[j] = is_swap ? min2(best, rows[(i - 2) % 3][j - 2] + 1) : best;
        }
    }
    return rows[a.len % 3][b.len];
}

bool str_matches(struct str s, struct str pattern)
{
    size_t at = 0;
    size_t p = 0;
    size_t star = SIZE_MAX; /* the last '*' seen, and where in `s` its match ends so far */
    size_t star_end = 0;
    while (at < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_end = at;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == s.ptr[at])) {
            p++;
            at++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            at = ++star_end;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') {
        p++;
    }
    return p == pattern.len;
}
