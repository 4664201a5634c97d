#include "agent/el/number.h"

#include <limits.h>

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

/* Digits of the mantissa without leading zeros, or SIZE_MAX when the text is no decimal number. */
static size_t significant_digits(struct str s)
{
    size_t i = 0;
    size_t digits = 0;
    bool has_point = false;
    bool has_digit = false;
    i += i < s.len && s.ptr[i] == '-';
    if (i + 1 < s.len && s.ptr[i] == '0' && is_digit(s.ptr[i + 1])) {
        return SIZE_MAX;
    }
    for (; i < s.len && (is_digit(s.ptr[i]) || (s.ptr[i] == '.' && !has_point)); i++) {
        if (s.ptr[i] == '.') {
            has_point = true;
            continue;
        }
        has_digit = true;
        digits += digits > 0 || s.ptr[i] != '0';
    }
    if (!has_digit) {
        return SIZE_MAX;
    }
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        i += i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+');
        size_t exponent = i;
        while (i < s.len && is_digit(s.ptr[i])) {
            i++;
        }
        return i == s.len && i > exponent ? digits : SIZE_MAX;
    }
    return i == s.len && has_point ? digits
                                   : SIZE_MAX; /* whole numbers that do not fit stay text */
}

static bool parse_real(struct str text, double *ret)
{
    enum { DOUBLE_DIGITS_MAX = 17 };
    return text.len > 0 && significant_digits(text) <= DOUBLE_DIGITS_MAX &&
           str_to_double(text, ret);
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
    struct value value;
    if (!number_parse(text, &value)) {
        return COLUMN_TEXT;
    }
    return value.type == VALUE_INTEGER ? COLUMN_INTEGER : COLUMN_REAL;
}
