#include "common/dbt/select_match.h"

/* One character, or a byte where the text is no UTF-8. */
static uint32_t next_char(struct str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.ptr + *at;
    size_t left = s.len - *at;
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC0 ? 2 : 1;
    uint32_t c = p[0];
    if (len > 1 && len <= left) {
        c = p[0] & (0xFFU >> (len + 1));
        for (size_t i = 1; i < len; i++) {
            c = c << 6 | (p[i] & 0x3FU);
        }
    } else {
        len = 1;
    }
    *at += len;
    return c;
}

/* The end of the class that begins behind a '[' at `at`: the place of its ']'. A ']' that comes
 * first is a member. */
static bool class_end(struct str pattern, size_t at, size_t *ret)
{
    if (at < pattern.len && pattern.ptr[at] == '!') {
        at++;
    }
    if (at < pattern.len && pattern.ptr[at] == ']') {
        at++;
    }
    while (at < pattern.len && pattern.ptr[at] != ']') {
        at++;
    }
    *ret = at;
    return at < pattern.len;
}

static bool class_has(struct str members, uint32_t c)
{
    size_t at = 0;
    bool is_negated = members.len > 0 && members.ptr[0] == '!';
    bool is_member = false;
    at += is_negated;
    while (at < members.len) {
        uint32_t low = next_char(members, &at);
        uint32_t high = low;
        if (at + 1 < members.len && members.ptr[at] == '-') {
            at++;
            high = next_char(members, &at);
        }
        is_member = is_member || (low <= c && c <= high);
    }
    return is_member != is_negated;
}

/* One character of the pattern that is no '*' against one of the text. */
static bool step(struct str text, size_t *t, struct str pattern, size_t *p)
{
    size_t end = 0;
    uint32_t c = next_char(text, t);
    if (pattern.ptr[*p] == '?') {
        (*p)++;
        return true;
    }
    if (pattern.ptr[*p] == '[' && class_end(pattern, *p + 1, &end)) {
        struct str members = str_slice(pattern, *p + 1, end);
        *p = end + 1;
        return class_has(members, c);
    }
    return next_char(pattern, p) == c;
}

bool select_matches(struct str text, struct str pattern)
{
    size_t t = 0;
    size_t p = 0;
    size_t star = SIZE_MAX; /* behind the last '*' */
    size_t star_text = 0;   /* what that '*' has eaten up to */
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.len && step(text, &t, pattern, &p)) {
            continue;
        }
        if (star == SIZE_MAX) {
            return false;
        }
        (void)next_char(text, &star_text);
        t = star_text;
        p = star;
    }
    while (p < pattern.len && pattern.ptr[p] == '*') {
        p++;
    }
    return p == pattern.len;
}
