#include "common/dbt/seed_number.h"

#include <string.h>

#include "common/dbt/unicode_scan.h"

/* In agate's order, which matters: each is taken off both ends once all before it are. */
static const struct str currencies[] = {
    STR_INIT("\xd8\x8b"), /* afghani */
    STR_INIT("$"),
    STR_INIT("\xc6\x92"),     /* florin */
    STR_INIT("\xe1\x9f\x9b"), /* riel */
    STR_INIT("\xc2\xa5"),     /* yen */
    STR_INIT("\xe2\x82\xa1"), /* colon */
    STR_INIT("\xe2\x82\xb1"), /* peso */
    STR_INIT("\xc2\xa3"),     /* pound */
    STR_INIT("\xe2\x82\xac"), /* euro */
    STR_INIT("\xc2\xa2"),     /* cent */
    STR_INIT("\xef\xb7\xbc"), /* rial */
    STR_INIT("\xe2\x82\xaa"), /* sheqel */
    STR_INIT("\xe2\x82\xa9"), /* won */
    STR_INIT("\xe2\x82\xad"), /* kip */
    STR_INIT("\xe2\x82\xae"), /* tugrik */
    STR_INIT("\xe2\x82\xa6"), /* naira */
    STR_INIT("\xe0\xb8\xbf"), /* baht */
    STR_INIT("\xe2\x82\xa4"), /* lira */
    STR_INIT("\xe2\x82\xab"), /* dong */
};

/* The characters that Decimal sees: ASCII, digits of all scripts as ASCII ones, without `_` and the
 * commas that agate takes out. -1: one that it refuses. */
struct scan {
    struct str rest;
    int now; /* 0 at the end */
};

static void scan_next(struct scan *s)
{
    for (;;) {
        size_t bytes;
        uint32_t c = unicode_first(s->rest, &bytes);
        s->rest = str_slice(s->rest, bytes, s->rest.len);
        if (bytes > 0 && (c == '_' || c == ',')) {
            continue;
        }
        int digit = unicode_digit(c);
        s->now = bytes == 0 ? 0 : digit >= 0 ? '0' + digit : c < 0x80 && c > 0 ? (int)c : -1;
        return;
    }
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool take(struct scan *s, char lower)
{
    if (s->now > 0 && (s->now | 0x20) == lower) {
        scan_next(s);
        return true;
    }
    return false;
}

static bool take_word(struct scan *s, const char *word)
{
    for (; *word != '\0'; word++) {
        if (!take(s, *word)) {
            return false;
        }
    }
    return true;
}

/* "inf", "infinity", "nan", "nan123". A signalling NaN is not to be calculated with. */
static bool read_special(struct scan *s, struct seed_number *n)
{
    if (take(s, 'i')) {
        n->kind = SEED_INFINITY;
        return take_word(s, "nf") && (s->now == 0 || take_word(s, "inity")) && s->now == 0;
    }
    n->kind = SEED_NAN;
    if (!take_word(s, "nan")) {
        return false;
    }
    for (; is_digit(s->now); scan_next(s)) {
        if (n->count == 0 && s->now == '0') {
            continue;
        }
        if (n->count == SEED_DIGITS) { /* Python keeps the last ones */
            memmove(n->digits, n->digits + 1, SEED_DIGITS - 1);
            n->count--;
        }
        n->digits[n->count++] = (char)s->now;
    }
    return s->now == 0;
}

/* What rounding needs of the digits that do not fit. */
struct beyond {
    int first;    /* '0' when there is none */
    bool is_more; /* behind it something other than zeros */
};

static void take_digit(struct seed_number *n, struct beyond *b, int64_t *dropped, int digit)
{
    if (n->count == 0 && digit == '0') {
        return;
    }
    if (n->count < SEED_DIGITS) {
        n->digits[n->count++] = (char)digit;
        return;
    }
    if (*dropped == 0) {
        b->first = digit;
    } else if (digit != '0') {
        b->is_more = true;
    }
    ++*dropped;
}

/* Half to even. */
static void round_number(struct seed_number *n, const struct beyond *b)
{
    bool is_odd = (n->digits[SEED_DIGITS - 1] - '0') % 2 == 1;
    if (b->first < '5' || (b->first == '5' && !b->is_more && !is_odd)) {
        return;
    }
    int i = SEED_DIGITS - 1;
    while (i >= 0 && n->digits[i] == '9') {
        n->digits[i--] = '0';
    }
    if (i >= 0) {
        n->digits[i]++;
        return;
    }
    n->digits[0] = '1'; /* 999...9 became 1000...0 */
    n->exponent++;
}

static bool read_exponent(struct scan *s, int64_t *ret)
{
    bool is_negative = s->now == '-';
    if (s->now == '+' || s->now == '-') {
        scan_next(s);
    }
    if (!is_digit(s->now)) {
        return false;
    }
    int64_t value = 0;
    for (; is_digit(s->now); scan_next(s)) {
        value = value * 10 + (s->now - '0');
        if (value > 10 * (int64_t)SEED_EXPONENT_MAX) {
            return false;
        }
    }
    *ret = is_negative ? -value : value;
    return true;
}

static bool read_finite(struct scan *s, struct seed_number *n)
{
    struct beyond beyond = {.first = '0'};
    int64_t dropped = 0;
    int64_t exponent = 0;
    bool has_digits = false;
    for (; is_digit(s->now); scan_next(s)) {
        has_digits = true;
        take_digit(n, &beyond, &dropped, s->now);
    }
    if (s->now == '.') {
        for (scan_next(s); is_digit(s->now); scan_next(s)) {
            has_digits = true;
            n->exponent--;
            take_digit(n, &beyond, &dropped, s->now);
        }
    }
    if (!has_digits || (take(s, 'e') && !read_exponent(s, &exponent)) || s->now != 0) {
        return false;
    }
    n->exponent += dropped + exponent;
    if (dropped > 0) {
        round_number(n, &beyond);
    }
    int64_t adjusted = n->exponent + n->count - 1;
    return adjusted <= SEED_EXPONENT_MAX && adjusted >= -SEED_EXPONENT_MAX;
}

bool seed_number_read(struct str field, struct seed_number *ret)
{
    struct seed_number n = {.kind = SEED_FINITE};
    field = unicode_strip_char(field, STR("%"));
    bool is_turned = str_starts(field, STR("-"));
    if (is_turned) {
        field = str_slice(field, 1, field.len);
    }
    for (size_t i = 0; i < COUNT_OF(currencies); i++) {
        field = unicode_strip_char(field, currencies[i]);
    }
    /* Commas are out before Decimal strips white space. */
    while (field.len > 0) {
        struct str before = field;
        field = unicode_strip_char(unicode_strip(field), STR(","));
        if (field.len == before.len) {
            break;
        }
    }
    struct scan s = {.rest = field};
    scan_next(&s);
    if (s.now == '+' || s.now == '-') {
        n.is_negative = s.now == '-';
        scan_next(&s);
    }
    bool is_word = s.now > 0 && !is_digit(s.now) && s.now != '.';
    if (!(is_word ? read_special(&s, &n) : read_finite(&s, &n))) {
        return false;
    }
    /* Multiplying with -1 does not turn a NaN. */
    n.is_negative ^= is_turned && n.kind != SEED_NAN;
    *ret = n;
    return true;
}

/* The rules of "to-scientific-string" (https://speleotrove.com/decimal/daconvs.html). */
static void write_finite(const struct seed_number *n, struct buf *out)
{
    struct str digits = n->count == 0 ? STR("0") : (struct str){n->digits, (size_t)n->count};
    int64_t count = (int64_t)digits.len;
    int64_t adjusted = n->exponent + count - 1;
    if (n->exponent <= 0 && adjusted >= -6) {
        int64_t point = count + n->exponent; /* digits before it */
        if (point <= 0) {
            buf_add_text(out, "0");
        }
        buf_add(out, str_slice(digits, 0, point > 0 ? (size_t)point : 0));
        if (n->exponent < 0) {
            buf_add_char(out, '.');
            for (int64_t i = point; i < 0; i++) {
                buf_add_char(out, '0');
            }
            buf_add(out, str_slice(digits, point > 0 ? (size_t)point : 0, digits.len));
        }
        return;
    }
    buf_add(out, str_slice(digits, 0, 1));
    if (count > 1) {
        buf_add_char(out, '.');
        buf_add(out, str_slice(digits, 1, digits.len));
    }
    buf_add_text(out, adjusted < 0 ? "E" : "E+");
    buf_add_i64(out, adjusted);
}

void seed_number_write(const struct seed_number *number, struct buf *out)
{
    if (number->is_negative) {
        buf_add_char(out, '-');
    }
    switch (number->kind) {
    case SEED_INFINITY:
        buf_add_text(out, "Infinity");
        return;
    case SEED_NAN:
        buf_add_text(out, "NaN");
        buf_add(out, (struct str){number->digits, (size_t)number->count});
        return;
    case SEED_FINITE:
        write_finite(number, out);
        return;
    }
}

void seed_number_places(const struct seed_number *number, int64_t *ret_whole, int64_t *ret_decimal)
{
    int count = number->count;
    int64_t exponent = number->exponent;
    for (; count > 0 && number->digits[count - 1] == '0'; count--) {
        exponent++;
    }
    if (count == 0) { /* zero, whatever its exponent: one digit */
        *ret_whole = 1;
        *ret_decimal = 0;
        return;
    }
    *ret_whole = count + exponent;
    *ret_decimal = -exponent;
}

bool seed_number_is_beyond_double(const struct seed_number *number)
{
    static const char largest[] =
        "1797693134862315807937289714"; /* the digits of what is no longer */
    int64_t adjusted = number->exponent + number->count - 1;
    if (number->count == 0 || adjusted != 308) {
        return number->count > 0 && adjusted > 308;
    }
    return memcmp(number->digits, largest, (size_t)number->count) > 0;
}
