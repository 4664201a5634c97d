#include "common/json/json_scan.h"

#include "common/json/json_lex.h"
#include <string.h>

static bool scan_begin(struct json_scan *s, struct str text, char bracket)
{
    *s = (struct json_scan){.start = text.ptr,
                            .pos = text.ptr,
                            .end = text.len == 0 ? text.ptr : text.ptr + text.len,
                            .is_first = true};
    json_lex_space(s);
    if (json_lex_peek(s) != bracket) {
        return json_lex_fail(s, s->pos, bracket == '{' ? "expected an object" : "expected a list");
    }
    s->pos++;
    return true;
}

bool json_scan_object(struct json_scan *s, struct str text, struct err *err)
{
    return scan_begin(s, text, '{') || json_scan_end(s, err);
}

bool json_scan_array(struct json_scan *s, struct str text, struct err *err)
{
    return scan_begin(s, text, '[') || json_scan_end(s, err);
}

/* Up to the next member or element. False at the closing bracket (then all must end) or on a
 * problem. */
static bool scan_next(struct json_scan *s, char bracket)
{
    if (s->problem != NULL || s->is_done) {
        return false;
    }
    json_lex_space(s);
    char c = json_lex_peek(s);
    if (c == bracket) {
        s->pos++;
        json_lex_space(s);
        s->is_done = s->pos == s->end || json_lex_fail(s, s->pos, "text after the end");
        return false;
    }
    if (!s->is_first) {
        if (c != ',') {
            return json_lex_fail(s, s->pos,
                                 bracket == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        s->pos++;
        json_lex_space(s);
    }
    s->is_first = false;
    return true;
}

bool json_scan_member(struct json_scan *s, struct json_raw *ret_key, struct json_raw *ret_value)
{
    struct json_raw key;
    if (!scan_next(s, '}') || !json_lex_key(s, &key) || !json_lex_value(s, 1, ret_value)) {
        return false;
    }
    *ret_key = key;
    return true;
}

bool json_scan_key(struct json_scan *s, struct json_raw *ret_key)
{
    return scan_next(s, '}') && json_lex_key(s, ret_key);
}

/* `pos` is behind the opening brace; false at the closing one and on a problem. */
static bool next_of_object(struct json_scan *s, bool is_first)
{
    json_lex_space(s);
    char c = json_lex_peek(s);
    if (c == '}') {
        s->pos++;
        return false;
    }
    if (is_first) {
        return true;
    }
    if (c != ',') {
        return json_lex_fail(s, s->pos, "expected ',' or '}'");
    }
    s->pos++;
    json_lex_space(s);
    return true;
}

bool json_scan_value(struct json_scan *s, struct json_members *members, struct json_raw *ret_value)
{
    if (members != NULL) {
        members->count = 0;
    }
    if (members == NULL || json_lex_peek(s) != '{') {
        return json_lex_value(s, 1, ret_value);
    }
    const char *begin = s->pos++;
    while (next_of_object(s, members->count == 0)) {
        struct json_member m;
        if (!json_lex_key(s, &m.key) || !json_lex_value(s, 2, &m.value)) {
            return false;
        }
        if (members->count < members->room) {
            members->items[members->count] = m;
        }
        members->count++;
    }
    *ret_value = (struct json_raw){.type = JSON_OBJECT, .text = {begin, (size_t)(s->pos - begin)}};
    return s->problem == NULL;
}

bool json_scan_element(struct json_scan *s, struct json_raw *ret_value)
{
    return scan_next(s, ']') && json_lex_value(s, 1, ret_value);
}

bool json_scan_end(const struct json_scan *s, struct err *err)
{
    if (s->problem != NULL) {
        return err_set(err, ERR_INVALID, "byte %td: %s%s", s->pos - s->start + 1, s->problem,
                       s->pos == s->end ? ", but the text ends" : "");
    }
    if (!s->is_done) {
        return err_set(err, ERR_INTERNAL, "byte %td: not read any further", s->pos - s->start + 1);
    }
    return true;
}

static bool hex4(const char *p, const char *end, uint32_t *ret)
{
    if (end - p < 4) {
        return false;
    }
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit = 0;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        } else {
            return false;
        }
        value = value << 4 | digit;
    }
    *ret = value;
    return true;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* `p` is at the four digits behind "\u". Returns what follows the escape (or the pair of them), or
 * NULL. */
static const char *unescape_code(const char *p, const char *end, bool lenient, uint32_t *ret_code)
{
    uint32_t code;
    uint32_t low;
    if (!hex4(p, end, &code)) {
        return NULL;
    }
    p += 4;
    if (code >= 0xd800 && code <= 0xdbff && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        hex4(p + 2, end, &low) && low >= 0xdc00 && low <= 0xdfff) {
        *ret_code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        return p + 6;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
        if (!lenient) {
            return NULL;
        }
        code = 0xfffd;
    }
    *ret_code = code;
    return p;
}

/* One escape, `*p` at the character behind the backslash; NULL when it is none. Moves `*p` behind
 * it. */
static char *unescape_one(const char **p, const char *end, bool lenient, char *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (**p == 'u') {
        uint32_t code;
        const char *after = unescape_code(*p + 1, end, lenient, &code);
        if (after == NULL) {
            return NULL;
        }
        *p = after;
        return put_utf8(out, code);
    }
    const char *found = memchr(names, **p, sizeof(names) - 1);
    if (found == NULL) {
        return NULL;
    }
    *out = values[found - names];
    (*p)++;
    return out + 1;
}

bool json_unescape(struct json_raw raw, bool lenient, struct buf *into, struct str *ret)
{
    if (!raw.has_escape) {
        *ret = raw.text;
        return true;
    }
    /* No escape is shorter than what it stands for. */
    char *begin = buf_reserve(into, raw.text.len);
    if (begin == NULL) {
        return false;
    }
    char *out = begin;
    const char *p = raw.text.ptr;
    const char *end = p + raw.text.len;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash == NULL ? end : slash) - p);
        memcpy(out, p, plain);
        out += plain;
        p += plain;
        if (p == end) {
            break;
        }
        p++;
        out = p == end ? NULL : unescape_one(&p, end, lenient, out);
        if (out == NULL) {
            return false;
        }
    }
    *ret = (struct str){begin, (size_t)(out - begin)};
    into->len += ret->len;
    return true;
}

bool json_raw_i64(struct json_raw raw, int64_t *ret)
{
    return raw.type == JSON_INT && str_to_i64(raw.text, INT64_MIN, INT64_MAX, ret);
}

bool json_raw_double(struct json_raw raw, double *ret)
{
    return (raw.type == JSON_INT || raw.type == JSON_REAL) && str_to_double(raw.text, ret);
}

bool json_raw_is(struct json_raw raw, const char *literal)
{
    return raw.type == JSON_STRING && !raw.has_escape && str_eq(raw.text, str_from(literal));
}
