#include "agent/meltano/glob.h"

#include <string.h>

bool glob_is_pattern(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '*' || text.ptr[i] == '?' || text.ptr[i] == '[') {
            return true;
        }
    }
    return false;
}

/* Bytes of the UTF-8 character at `at`; one where it is none. */
static size_t char_length(struct str s, size_t at)
{
    size_t end = at + 1;
    while (end < s.len && ((unsigned char)s.ptr[end] & 0xC0u) == 0x80u) {
        end++;
    }
    return end - at;
}

static struct str char_at(struct str s, size_t at)
{
    return str_slice(s, at, at + char_length(s, at));
}

/* Where the `]` of the set that begins at `at` stands; the pattern's length when it has none, and
 * then the `[` is a character like others. A `]` right behind `[` or `[!` is one of the set. */
static size_t set_end(struct str pattern, size_t at)
{
    size_t i = at + 1;
    i += i < pattern.len && pattern.ptr[i] == '!';
    i += i < pattern.len && pattern.ptr[i] == ']';
    while (i < pattern.len && pattern.ptr[i] != ']') {
        i++;
    }
    return i;
}

/* UTF-8 sorts like its code points, so ranges compare bytes. */
static bool set_has(struct str set, struct str c)
{
    bool is_negated = set.len > 0 && set.ptr[0] == '!';
    bool has = false;
    for (size_t i = is_negated; i < set.len && !has;) {
        struct str low = char_at(set, i);
        i += low.len;
        struct str high = low;
        if (i + 1 < set.len && set.ptr[i] == '-') {
            high = char_at(set, i + 1);
            i += 1 + high.len;
        }
        has = str_cmp(c, low) >= 0 && str_cmp(c, high) <= 0;
    }
    return has != is_negated;
}

/* One character of the text against what stands at `at` in the pattern, which is no `*`. */
static bool match_one(struct str c, struct str pattern, size_t at, size_t *ret_next)
{
    if (pattern.ptr[at] == '?') {
        *ret_next = at + 1;
        return true;
    }
    size_t end = pattern.ptr[at] == '[' ? set_end(pattern, at) : pattern.len;
    if (end < pattern.len) {
        *ret_next = end + 1;
        return set_has(str_slice(pattern, at + 1, end), c);
    }
    struct str wanted = char_at(pattern, at);
    *ret_next = at + wanted.len;
    return str_eq(wanted, c);
}

bool glob_matches(struct str text, struct str pattern)
{
    size_t t = 0;
    size_t p = 0;
    size_t star = SIZE_MAX; /* behind the last `*` */
    size_t resume = 0;      /* what it takes up to now */
    while (t < text.len) {
        size_t next = p;
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            resume = t;
        } else if (p < pattern.len && match_one(char_at(text, t), pattern, p, &next)) {
            t += char_length(text, t);
            p = next;
        } else if (star != SIZE_MAX) {
            resume += char_length(text, resume);
            t = resume;
            p = star;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') {
        p++;
    }
    return p == pattern.len;
}
