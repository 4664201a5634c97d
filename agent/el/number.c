#include "agent/el/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* An integer without leading zeros that fits; the usual case, in one pass. */
static bool parse_integer(struct str s, int64_t *ret)
{
    const char *p = s.ptr;
    const char *end = p + s.len;
    bool is_negative = p < end && *p == '-';
    p += is_negative;
    if (p == end || end - p > 19 || (*p == '0' && (end - p > 1 || is_negative))) {
        return false;
    }
    uint64_t value = 0;
    for (; p < end; p++) {
        if (!is_digit(*p)) {
            return false;
        }
        value = value * 10 + (uint64_t)(*p - '0'); /* 19 digits fit in 64 bits */
    }
    if (value > (uint64_t)INT64_MAX + is_negative) {
        return false;
    }
    *ret = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* "007", "-00.5": a code of some kind; as a number it would lose its zeros. */
static bool has_leading_zeros(struct str s)
{
    struct str digits = s.len > 0 && s.ptr[0] == '-' ? str_slice(s, 1, s.len) : s;
    return digits.len > 1 && digits.ptr[0] == '0' && is_digit(digits.ptr[1]);
}

static bool parse_real(struct str s, double *ret)
{
    return s.len > 0 && (is_digit(s.ptr[0]) || s.ptr[0] == '-') && !has_leading_zeros(s) &&
           str_to_double(s, ret);
}

/* Of a number: digits of the mantissa without leading zeros; 0 when there is no decimal point. */
static size_t significant_digits(struct str s)
{
    size_t digits = 0;
    bool has_point = false;
    for (size_t i = 0; i < s.len && s.ptr[i] != 'e' && s.ptr[i] != 'E'; i++) {
        has_point = has_point || s.ptr[i] == '.';
        digits += is_digit(s.ptr[i]) && (digits > 0 || s.ptr[i] != '0');
    }
    return !has_point ? 0 : digits == 0 ? 1 : digits;
}

bool number_parse(struct str text, struct value *ret)
{
    if (parse_integer(text, &ret->as.integer)) {
        ret->type = VALUE_INTEGER;
        return true;
    }
    if (parse_real(text, &ret->as.real)) {
        ret->type = VALUE_REAL;
        return true;
    }
    return false;
}

enum column_kind number_kind(struct str text)
{
    enum { DOUBLE_DIGITS_MAX = 17 }; /* of the shortest text that gives a double back */
    int64_t integer = 0;
    double real = 0;
    if (parse_integer(text, &integer)) {
        return COLUMN_INTEGER;
    }
    if (!parse_real(text, &real)) {
        return COLUMN_TEXT;
    }
    size_t digits = significant_digits(text);
    return digits > 0 && digits <= DOUBLE_DIGITS_MAX ? COLUMN_REAL : COLUMN_TEXT;
}

enum { EXACT_DIGITS_MAX = 40, DOUBLE_DIGITS = 15 /* that any double keeps */ };

/* The mantissa's digits without the zeros around them; false when there are too many. */
static bool collect_digits(struct str text, char digits[EXACT_DIGITS_MAX], size_t *ret_count)
{
    size_t count = 0;
    size_t zeros = 0; /* that count only before another digit */
    for (size_t i = 0; i < text.len && (text.ptr[i] | 0x20) != 'e'; i++) {
        char c = text.ptr[i];
        if (!is_digit(c)) {
            continue;
        }
        if (c == '0') {
            zeros += count > 0;
            continue;
        }
        if (count + zeros >= EXACT_DIGITS_MAX) {
            return false;
        }
        memset(digits + count, '0', zeros);
        count += zeros;
        zeros = 0;
        digits[count++] = c;
    }
    *ret_count = count;
    return true;
}

bool number_is_exact(struct str text, double real)
{
    char digits[EXACT_DIGITS_MAX];
    char written[EXACT_DIGITS_MAX + 16];
    size_t count = 0;
    double size = fabs(real);
    if (!collect_digits(text, digits, &count)) {
        return false;
    }
    if (count == 0 || size == 0) {
        return count == 0;
    }
    if (count <= DOUBLE_DIGITS && size > 1e-300) {
        return true;
    }
    (void)snprintf(written, sizeof(written), "%.*e", (int)count - 1, size);
    return written[0] == digits[0] &&
           (count == 1 || memcmp(written + 2, digits + 1, count - 1) == 0);
}
