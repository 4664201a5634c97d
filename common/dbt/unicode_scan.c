#include "common/dbt/unicode_scan.h"

#include <string.h>

#include "common/base/compiler.h"

/* Zeros of the scripts' digits, each followed by its one to nine. Unicode 14. */
static const uint32_t zeros[] = {
    '0',     0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,
    0xC66,   0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,
    0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
    0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
};

uint32_t unicode_first(struct str s, size_t *ret_bytes)
{
    if (s.len == 0) {
        *ret_bytes = 0;
        return 0;
    }
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (len == 1 || len > s.len || c < 0xc0) {
        *ret_bytes = 1;
        return c < 0x80 ? c : UINT32_MAX;
    }
    uint32_t value = c & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        value = (value << 6) | ((unsigned char)s.ptr[i] & 0x3fU);
    }
    *ret_bytes = len;
    return value;
}

bool unicode_is_space(uint32_t c)
{
    return (c >= 0x9 && c <= 0xd) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

int unicode_digit(uint32_t c)
{
    if (c < 0x80) {
        return c >= '0' && c <= '9' ? (int)(c - '0') : -1;
    }
    for (size_t i = 0; i < COUNT_OF(zeros); i++) {
        if (c >= zeros[i] && c <= zeros[i] + 9) {
            return (int)(c - zeros[i]);
        }
    }
    return -1;
}

/* Where the last character begins. */
static size_t last_at(struct str s)
{
    size_t at = s.len - 1;
    while (at > 0 && s.len - at < 4 && ((unsigned char)s.ptr[at] & 0xc0) == 0x80) {
        at--;
    }
    return at;
}

struct str unicode_strip(struct str s)
{
    size_t bytes;
    while (s.len > 0 && unicode_is_space(unicode_first(s, &bytes))) {
        s = str_slice(s, bytes, s.len);
    }
    while (s.len > 0) {
        size_t at = last_at(s);
        if (!unicode_is_space(unicode_first(str_slice(s, at, s.len), &bytes))) {
            break;
        }
        s.len = at;
    }
    return s;
}

struct str unicode_strip_char(struct str s, struct str c)
{
    while (str_starts(s, c)) {
        s = str_slice(s, c.len, s.len);
    }
    while (str_ends(s, c)) {
        s.len -= c.len;
    }
    return s;
}
