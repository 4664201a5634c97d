/* json_text.h - the bytes of a JSON string: runs that need no attention, and UTF-8. Internal to
 * common/json. */
#pragma once
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Length in bytes of the well-formed UTF-8 sequence at `p` (no overlong form, no surrogate), or 0.
 * `p` < `end`. */
size_t json_utf8_length(const char *p, const char *end);

/* ASCII that stands for itself in a string. */
static inline bool json_is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte from `p` on that is not plain, or `end`. Eight bytes at a time: the top bit of a
 * byte of `found` is set where that byte is a quote, a backslash, below 0x20 or above 0x7f. A
 * borrow can set bits only above a byte already found, so the lowest one is exact. */
static inline const char *json_plain_end(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        word = le64toh(word);
        uint64_t quote = word ^ (ones * '"');
        uint64_t slash = word ^ (ones * '\\');
        uint64_t found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                          ((word - ones * 0x20) & ~word) | word) &
                         (ones * 0x80);
        if (found != 0) {
            return p + (__builtin_ctzll(found) >> 3);
        }
        p += 8;
    }
    while (p < end && json_is_plain(*p)) {
        p++;
    }
    return p;
}
