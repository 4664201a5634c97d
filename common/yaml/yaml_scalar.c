#include "common/yaml/yaml_scalar.h"

static bool is_one_of(struct str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct str s, size_t at)
{
    while (at < s.len && is_digit(s.ptr[at])) {
        at++;
    }
    return at;
}

enum shape { SHAPE_TEXT, SHAPE_INTEGER, SHAPE_REAL };

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static enum shape number_shape(struct str s)
{
    size_t first = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t at = skip_digits(s, first);
    size_t digits = at - first;
    if (at == s.len) {
        return digits > 0 ? SHAPE_INTEGER : SHAPE_TEXT;
    }
    if (s.ptr[at] == '.') {
        size_t fraction = at + 1;
        at = skip_digits(s, fraction);
        digits += at - fraction;
    }
    if (digits == 0) {
        return SHAPE_TEXT;
    }
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+')) {
            at++;
        }
        size_t exponent = at;
        at = skip_digits(s, exponent);
        if (at == exponent) {
            return SHAPE_TEXT;
        }
    }
    return at == s.len ? SHAPE_REAL : SHAPE_TEXT;
}

static int digit_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

/* 0x1F and 0o17. */
static bool is_based(struct str s, int *ret_base)
{
    int base = str_starts(s, STR("0x")) ? 16 : str_starts(s, STR("0o")) ? 8 : 0;
    for (size_t i = 2; base != 0 && i < s.len; i++) {
        if (digit_value(s.ptr[i]) >= base) {
            return false;
        }
    }
    *ret_base = base;
    return base != 0 && s.len > 2;
}

static bool read_based(struct str digits, int base, int64_t *ret)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit_value(digits.ptr[i]), &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

/* str_to_double() wants digits on both sides of the point; YAML does not, and allows a '+'. */
static bool read_real(struct str s, double *ret)
{
    char memory[64];
    struct buf text = buf_fixed(memory, sizeof(memory));
    bool was_digit = false;
    for (size_t i = s.ptr[0] == '+' ? 1 : 0; i < s.len; i++) {
        if (s.ptr[i] == '.' && !was_digit) {
            buf_add_char(&text, '0');
        }
        buf_add_char(&text, s.ptr[i]);
        was_digit = is_digit(s.ptr[i]);
        if (s.ptr[i] == '.' && (i + 1 == s.len || !is_digit(s.ptr[i + 1]))) {
            buf_add_char(&text, '0');
        }
    }
    return !text.overflow && str_to_double(buf_str(&text), ret);
}

static const char *set_integer(struct json *node, struct str text, int base)
{
    int64_t value = 0;
    bool ok = base != 10 ? read_based(str_slice(text, 2, text.len), base, &value)
                         : str_to_i64(str_slice(text, text.ptr[0] == '+' ? 1 : 0, text.len),
                                      INT64_MIN, INT64_MAX, &value);
    if (!ok) {
        return "integer beyond 64 bits";
    }
    node->type = JSON_INT;
    node->as.integer = value;
    node->written = text;
    return NULL;
}

const char *yaml_set_plain(struct json *node, struct str text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    bool is_true = is_one_of(text, trues, COUNT_OF(trues));
    if (is_true || is_one_of(text, falses, COUNT_OF(falses))) {
        node->type = JSON_BOOL;
        node->as.boolean = is_true;
        node->written = text;
        return NULL;
    }
    if (is_one_of(text, nulls, COUNT_OF(nulls))) {
        node->type = JSON_NULL;
        node->written = text;
        return NULL;
    }
    int base = 10;
    enum shape shape = number_shape(text);
    if (shape == SHAPE_INTEGER || is_based(text, &base)) {
        return set_integer(node, text, shape == SHAPE_INTEGER ? 10 : base);
    }
    if (shape == SHAPE_REAL) {
        double real = 0;
        if (!read_real(text, &real)) {
            return "number too large or too long";
        }
        node->type = JSON_REAL;
        node->as.real = real;
        node->written = text;
        return NULL;
    }
    node->type = JSON_STRING;
    node->as.string = text;
    node->written = text;
    return NULL;
}
