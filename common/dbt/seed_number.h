/* seed_number.h - a number of a seed as agate's Number reads it: percent and currency signs off its
 * ends, commas out, then Python's Decimal, times 1, with 28 digits. Pure. */
#pragma once
#include "common/base/buf.h"

enum { SEED_DIGITS = 28, SEED_EXPONENT_MAX = 999999 };
enum seed_number_kind { SEED_FINITE, SEED_INFINITY, SEED_NAN };
struct seed_number {
    enum seed_number_kind kind;
    bool is_negative;
    char digits
        [SEED_DIGITS]; /* '0' to '9', without leading zeros; none = zero. Of NaN: its payload */
    int count;
    int64_t exponent; /* of the last digit */
};
/* `field` without white space at its ends. Beyond SEED_EXPONENT_MAX it is no number. */
MUST_CHECK bool seed_number_read(struct str field, struct seed_number *ret);
/* As Python writes a Decimal: "1.50", "1E+3", "-Infinity". At most 48 bytes. */
void seed_number_write(const struct seed_number *number, struct buf *out);
/* How many digits stand before and behind the point, without zeros at the end: negative for
 * "0.001" and "1000". Of finite numbers. */
void seed_number_places(const struct seed_number *number, int64_t *ret_whole, int64_t *ret_decimal);
/* Whether a finite number is infinite as a double, from 2^1024 - 2^970 on. */
bool seed_number_is_beyond_double(const struct seed_number *number);
