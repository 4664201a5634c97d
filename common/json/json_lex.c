#include "common/json/json_lex.h"

#include "common/base/limits.h"
#include "common/json/json_text.h"
#include <string.h>

bool json_lex_fail(struct json_scan *s, const char *at, const char *problem)
{
    s->pos = at;
    s->problem = problem;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the escape at `p` (a backslash), or 0. */
static size_t escape_length(const char *p, const char *end)
{
    if (end - p < 2) {
        return 0;
    }
    if (p[1] != 'u') {
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0;
    }
    if (end - p < 6) {
        return 0;
    }
    return is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) && is_hex(p[5]) ? 6 : 0;
}

/* The part of a string that is not plain. Returns its length, or 0 with the problem set. */
static size_t lex_special(struct json_scan *s, const char *p, bool *has_escape)
{
    unsigned char c = (unsigned char)*p;
    size_t length = 0;
    if (c == '\\') {
        *has_escape = true;
        length = escape_length(p, s->end);
        if (length == 0) {
            (void)json_lex_fail(s, p, "invalid escape in a string");
        }
    } else if (c >= 0x80) {
        length = json_utf8_length(p, s->end);
        if (length == 0) {
            (void)json_lex_fail(s, p, "invalid UTF-8");
        }
    } else {
        (void)json_lex_fail(s, p, "control character in a string");
    }
    return length;
}

static bool lex_string(struct json_scan *s, struct json_raw *ret)
{
    const char *begin = s->pos + 1;
    const char *p = begin;
    bool has_escape = false;
    for (;;) {
        p = json_plain_end(p, s->end);
        if (p == s->end) {
            return json_lex_fail(s, s->pos, "a string without its closing quote");
        }
        if (*p == '"') {
            break;
        }
        size_t length = lex_special(s, p, &has_escape);
        if (length == 0) {
            return false;
        }
        p += length;
    }
    *ret = (struct json_raw){
        .type = JSON_STRING, .text = {begin, (size_t)(p - begin)}, .has_escape = has_escape};
    s->pos = p + 1;
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p)) {
        p++;
    }
    return p;
}

/* Digits that must be there; NULL when they are not. */
static const char *lex_digits(struct json_scan *s, const char *p)
{
    const char *after = skip_digits(p, s->end);
    if (after == p) {
        (void)json_lex_fail(s, p, "a digit is missing in a number");
        return NULL;
    }
    return after;
}

static bool lex_number(struct json_scan *s, struct json_raw *ret)
{
    const char *begin = s->pos;
    const char *p = *begin == '-' ? begin + 1 : begin;
    /* A leading zero stands alone; digits behind it fail as "expected ','". */
    p = p < s->end && *p == '0' ? p + 1 : lex_digits(s, p);
    enum json_type type = JSON_INT;
    if (p != NULL && p < s->end && *p == '.') {
        type = JSON_REAL;
        p = lex_digits(s, p + 1);
    }
    if (p != NULL && p < s->end && (*p == 'e' || *p == 'E')) {
        type = JSON_REAL;
        p++;
        p = lex_digits(s, p < s->end && (*p == '+' || *p == '-') ? p + 1 : p);
    }
    if (p == NULL) {
        return false;
    }
    *ret = (struct json_raw){.type = type, .text = {begin, (size_t)(p - begin)}};
    s->pos = p;
    return true;
}

static bool lex_word(struct json_scan *s, struct str word, enum json_type type,
                     struct json_raw *ret)
{
    if ((size_t)(s->end - s->pos) < word.len || memcmp(s->pos, word.ptr, word.len) != 0) {
        return json_lex_fail(s, s->pos, "expected a value");
    }
    *ret = (struct json_raw){.type = type, .text = {s->pos, word.len}};
    s->pos += word.len;
    return true;
}

static bool lex_scalar(struct json_scan *s, struct json_raw *ret)
{
    char c = json_lex_peek(s);
    switch (c) {
    case '"':
        return lex_string(s, ret);
    case 't':
        return lex_word(s, STR("true"), JSON_BOOL, ret);
    case 'f':
        return lex_word(s, STR("false"), JSON_BOOL, ret);
    case 'n':
        return lex_word(s, STR("null"), JSON_NULL, ret);
    default:
        break;
    }
    if (c == '-' || is_digit(c)) {
        return lex_number(s, ret);
    }
    return json_lex_fail(s, s->pos, "expected a value");
}

bool json_lex_key(struct json_scan *s, struct json_raw *ret)
{
    if (json_lex_peek(s) != '"') {
        return json_lex_fail(s, s->pos, "expected a key in quotes");
    }
    if (!lex_string(s, ret)) {
        return false;
    }
    json_lex_space(s);
    if (json_lex_peek(s) != ':') {
        return json_lex_fail(s, s->pos, "expected ':' after the key");
    }
    s->pos++;
    json_lex_space(s);
    return true;
}

/* The containers that are open inside a nested value: bit 0 of `objects` says whether the innermost
 * is an object. */
struct nesting {
    uint32_t objects;
    unsigned level;
};
_Static_assert(LIMIT_JSON_DEPTH <= 32, "one bit per level");

static char closing_bracket(const struct nesting *n)
{
    return (n->objects & 1) != 0 ? '}' : ']';
}

/* `pos` is at an opening bracket. On true it is at the first value inside, or, when empty, at the
 * bracket that closes. */
static bool open_container(struct json_scan *s, unsigned depth, struct nesting *n, bool *ret_empty)
{
    if (depth + n->level >= LIMIT_JSON_DEPTH) {
        return json_lex_fail(s, s->pos, "nested too deep");
    }
    bool is_object = *s->pos == '{';
    n->objects = n->objects << 1 | (is_object ? 1U : 0U);
    n->level++;
    s->pos++;
    json_lex_space(s);
    struct json_raw key;
    *ret_empty = json_lex_peek(s) == closing_bracket(n);
    return *ret_empty || !is_object || json_lex_key(s, &key);
}

/* After a value: closes what ends here, up to the next value or the end of the outermost one. */
static bool close_containers(struct json_scan *s, struct nesting *n)
{
    while (n->level > 0) {
        bool is_object = (n->objects & 1) != 0;
        json_lex_space(s);
        char c = json_lex_peek(s);
        if (c == ',') {
            s->pos++;
            json_lex_space(s);
            struct json_raw key;
            return !is_object || json_lex_key(s, &key);
        }
        if (c != closing_bracket(n)) {
            return json_lex_fail(s, s->pos,
                                 is_object ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        s->pos++;
        n->objects >>= 1;
        n->level--;
    }
    return true;
}

static bool lex_container(struct json_scan *s, unsigned depth, struct json_raw *ret)
{
    const char *begin = s->pos;
    struct nesting n = {0};
    do {
        struct json_raw scalar;
        char c = json_lex_peek(s);
        bool is_container = c == '{' || c == '[';
        bool is_empty = false;
        if (!(is_container ? open_container(s, depth, &n, &is_empty) : lex_scalar(s, &scalar))) {
            return false;
        }
        if ((!is_container || is_empty) && !close_containers(s, &n)) {
            return false;
        }
    } while (n.level > 0);
    *ret = (struct json_raw){.type = *begin == '{' ? JSON_OBJECT : JSON_ARRAY,
                             .text = {begin, (size_t)(s->pos - begin)}};
    return true;
}

bool json_lex_value(struct json_scan *s, unsigned depth, struct json_raw *ret)
{
    char c = json_lex_peek(s);
    return c == '{' || c == '[' ? lex_container(s, depth, ret) : lex_scalar(s, ret);
}

bool json_lex_token(struct json_scan *s, struct json_raw *ret)
{
    while (s->pos < s->end) {
        char c = *s->pos;
        if (c == '{' || c == '[') {
            *ret =
                (struct json_raw){.type = c == '{' ? JSON_OBJECT : JSON_ARRAY, .text = {s->pos, 1}};
            s->pos++;
            return true;
        }
        if (strchr(" \n\r\t,:]}", c) == NULL) {
            return lex_scalar(s, ret);
        }
        s->pos++;
    }
    return false;
}
