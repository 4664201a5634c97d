/* Text on a terminal: how wide it is, and how to make it harmless. */
#include "common/cli/text.h"

struct span {
    uint32_t first;
    uint32_t last;
};

static bool is_in(const struct span *spans, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= spans[i].first && c <= spans[i].last) {
            return true;
        }
    }
    return false;
}

static bool is_zero_width(uint32_t c)
{
    static const struct span spans[] = {
        {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    };
    return is_in(spans, COUNT_OF(spans), c);
}

static bool is_double_width(uint32_t c)
{
    static const struct span spans[] = {
        {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},
        {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
        {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
    };
    return is_in(spans, COUNT_OF(spans), c);
}

/* C0, DEL, C1, and the marks that turn the direction of what follows. */
static bool is_control(uint32_t c)
{
    static const struct span spans[] = {
        {0x00, 0x1F},
        {0x7F, 0x9F},
        {0x2028, 0x202E},
        {0x2066, 0x2069},
    };
    return is_in(spans, COUNT_OF(spans), c);
}

/* How many bytes the character at the start takes by its first byte; 0 = not a first byte. */
enum { TEXT_BAD = 0xFFFFFFF }; /* a byte that is not UTF-8 */

static size_t length_of(unsigned char first)
{
    return first < 0x80                    ? 1
           : first >= 0xF0 && first < 0xF5 ? 4
           : first >= 0xE0                 ? 3
           : first >= 0xC2                 ? 2
                                           : 0;
}

/* The character at the start of `s` (not empty) and how many bytes it takes. */
static size_t next_char(struct str s, uint32_t *ret_char)
{
    unsigned char first = (unsigned char)s.ptr[0];
    size_t len = first < 0xF5 ? length_of(first) : 0;
    if (len == 0 || len > s.len || !str_is_utf8(str_slice(s, 0, len))) {
        *ret_char = TEXT_BAD;
        return 1;
    }
    uint32_t c = len == 1 ? first : first & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        c = c << 6 | ((unsigned char)s.ptr[i] & 0x3Fu);
    }
    *ret_char = c;
    return len;
}

static size_t char_width(uint32_t c)
{
    return is_zero_width(c) ? 0 : is_double_width(c) ? 2 : 1;
}

size_t text_width(struct str s)
{
    size_t width = 0;
    while (s.len > 0) {
        uint32_t c;
        size_t len = next_char(s, &c);
        width += char_width(c);
        s = str_slice(s, len, s.len);
    }
    return width;
}

void buf_add_harmless(struct buf *b, struct str s)
{
    while (s.len > 0) {
        size_t plain = 0;
        while (plain < s.len && s.ptr[plain] >= ' ' && s.ptr[plain] < 0x7F) {
            plain++;
        }
        buf_add(b, str_slice(s, 0, plain));
        s = str_slice(s, plain, s.len);
        if (s.len == 0) {
            return;
        }
        uint32_t c;
        size_t len = next_char(s, &c);
        if (c == TEXT_BAD) {
            buf_add(b, STR("\xEF\xBF\xBD"));
        } else if (is_control(c)) {
            buf_add_char(b, ' ');
        } else {
            buf_add(b, str_slice(s, 0, len));
        }
        s = str_slice(s, len, s.len);
    }
}

void buf_add_cut(struct buf *b, struct str s, size_t width)
{
    if (text_width(s) <= width) {
        buf_add(b, s);
        return;
    }
    size_t used = 0;
    while (s.len > 0) {
        uint32_t c;
        size_t len = next_char(s, &c);
        if (used + char_width(c) + 1 > width) {
            break;
        }
        used += char_width(c);
        buf_add(b, str_slice(s, 0, len));
        s = str_slice(s, len, s.len);
    }
    buf_add(b, STR("\xE2\x80\xA6")); /* an ellipsis */
}

void buf_add_ago(struct buf *b, struct wall_time at, struct wall_time now)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int64_t seconds = now.ns / NS_PER_SEC - at.ns / NS_PER_SEC;
    int64_t distance = seconds < 0 ? -seconds : seconds;
    if (distance < 2) {
        buf_add_text(b, "just now");
        return;
    }
    if (distance >= INT64_C(30) * 86400) {
        char text[WALL_TEXT_SIZE];
        (void)wall_format(at, text);
        buf_add(b, str_slice(str_from(text), 0, 10)); /* the date */
        return;
    }
    size_t u = 0;
    while (distance < units[u].seconds) {
        u++;
    }
    buf_addf(b, "%s%lld %s%s", seconds < 0 ? "in " : "", (long long)(distance / units[u].seconds),
             units[u].unit, seconds < 0 ? "" : " ago");
}
