#include "common/json/strict_json.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <stdint.h>
#include <string.h>

/* No other string has it at its beginning: a NUL that a client wrote becomes U+FFFD. */
#define MARK    "\\u0000"
#define UNKNOWN "\\ufffd"

/* A message's metadata stand one level higher in the event; the hub puts the event into no other
 * JSON. */
enum { DEPTH_MAX = LIMIT_JSON_DEPTH - 2 };

struct strict {
    const char *p;
    const char *end;
    struct buf *out;
    unsigned depth; /* containers that are open */
    bool is_text;   /* inside one that is too deep */
};

static void emit(struct strict *s, struct str bytes)
{
    if (!s->is_text) {
        buf_add(s->out, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '"' || bytes.ptr[i] == '\\') {
            buf_add_char(s->out, '\\');
        }
        buf_add_char(s->out, bytes.ptr[i]);
    }
}

/* Emits the next `len` bytes as they are. */
static void pass(struct strict *s, size_t len)
{
    emit(s, (struct str){s->p, len});
    s->p += len;
}

/* --- strings ---------------------------------------------------------------------------------- */

static bool read_code(const char *p, const char *end, unsigned *ret)
{
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return false;
    }
    unsigned code = 0;
    for (int i = 2; i < 6; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = memchr(digits, p[i], sizeof(digits) - 1);
        if (digit == NULL) {
            return false;
        }
        code = code << 4 | ((unsigned)(digit - digits) & 15);
    }
    *ret = code;
    return true;
}

static void write_escape(struct strict *s)
{
    unsigned code = 0;
    unsigned low = 0;
    if (!read_code(s->p, s->end, &code)) {
        pass(s, s->end - s->p < 2 ? 1 : 2);
        return;
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < 0xdc00 && is_surrogate && read_code(s->p + 6, s->end, &low) && low >= 0xdc00 &&
        low <= 0xdfff) {
        pass(s, 12);
    } else if (is_surrogate || code == 0) {
        emit(s, STR(UNKNOWN));
        s->p += 6;
    } else {
        pass(s, 6);
    }
}

static void write_beyond_ascii(struct strict *s)
{
    unsigned char lead = (unsigned char)*s->p;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if ((size_t)(s->end - s->p) >= len && str_is_utf8((struct str){s->p, len})) {
        pass(s, len);
    } else {
        emit(s, STR(UNKNOWN));
        s->p++;
    }
}

static void write_control(struct strict *s)
{
    char text[8];
    struct buf escape = buf_fixed(text, sizeof(text));
    buf_addf(&escape, "\\u%04x", (unsigned)(unsigned char)*s->p);
    emit(s, *s->p == '\0' ? STR(UNKNOWN) : buf_str(&escape));
    s->p++;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void write_string(struct strict *s)
{
    pass(s, 1);
    while (s->p < s->end) {
        const char *plain = s->p;
        while (plain < s->end && is_plain(*plain)) {
            plain++;
        }
        pass(s, (size_t)(plain - s->p));
        if (s->p == s->end) {
            return;
        }
        if (*s->p == '"') {
            pass(s, 1);
            return;
        }
        if (*s->p == '\\') {
            write_escape(s);
        } else if ((unsigned char)*s->p >= 0x80) {
            write_beyond_ascii(s);
        } else {
            write_control(s);
        }
    }
}

/* --- numbers and words ------------------------------------------------------------------------ */

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

/* RFC 8259, section 6, but for leading zeros. */
static bool is_number(struct str word)
{
    const char *p = word.ptr;
    const char *end = p + word.len;
    p += p < end && *p == '-' ? 1 : 0;
    const char *after = skip_digits(p, end);
    bool is_good = after > p;
    if (after < end && *after == '.') {
        p = after + 1;
        after = skip_digits(p, end);
        is_good = is_good && after > p;
    }
    if (after < end && (*after == 'e' || *after == 'E')) {
        p = after + 1;
        p += p < end && (*p == '+' || *p == '-') ? 1 : 0;
        after = skip_digits(p, end);
        is_good = is_good && after > p;
    }
    return is_good && after == end;
}

static bool is_real(struct str number)
{
    return memchr(number.ptr, '.', number.len) != NULL ||
           memchr(number.ptr, 'e', number.len) != NULL ||
           memchr(number.ptr, 'E', number.len) != NULL;
}

static bool is_outsized(struct str word)
{
    struct json_raw raw = {.text = word, .type = is_real(word) ? JSON_REAL : JSON_INT};
    int64_t integer = 0;
    double real = 0;
    return raw.type == JSON_INT ? !json_raw_i64(raw, &integer) : !json_raw_double(raw, &real);
}

static bool ends_word(char c)
{
    static const char ends[] = "\"[]{}:, \t\r\n";
    return memchr(ends, c, sizeof(ends) - 1) != NULL;
}

static void write_word(struct strict *s)
{
    const char *begin = s->p;
    while (s->p < s->end && !ends_word(*s->p)) {
        s->p++;
    }
    struct str word = {begin, (size_t)(s->p - begin)};
    bool is_marked = str_eq(word, STR("NaN")) || str_eq(word, STR("Infinity")) ||
                     str_eq(word, STR("-Infinity")) || (is_number(word) && is_outsized(word));
    if (!is_marked || s->is_text) {
        emit(s, word);
        return;
    }
    buf_add(s->out, STR("\"" MARK));
    buf_add(s->out, word);
    buf_add_char(s->out, '"');
}

/* --- the line --------------------------------------------------------------------------------- */

static void write_bracket(struct strict *s)
{
    bool is_open = *s->p == '{' || *s->p == '[';
    if (is_open) {
        s->depth++;
        if (s->depth == DEPTH_MAX + 1) {
            emit(s, STR("\""));
            s->is_text = true;
        }
        pass(s, 1);
        return;
    }
    pass(s, 1);
    if (s->depth == DEPTH_MAX + 1) {
        s->is_text = false;
        emit(s, STR("\""));
    }
    s->depth -= s->depth > 0 ? 1 : 0;
}

void strict_json_write(struct str line, struct buf *out)
{
    struct strict s = {
        .p = line.ptr, .end = line.len == 0 ? line.ptr : line.ptr + line.len, .out = out};
    while (s.p < s.end) {
        switch (*s.p) {
        case '"':
            write_string(&s);
            break;
        case '{':
        case '[':
        case '}':
        case ']':
            write_bracket(&s);
            break;
        case ':':
        case ',':
        case ' ':
        case '\t':
        case '\r':
        case '\n':
            pass(&s, 1);
            break;
        default:
            write_word(&s);
            break;
        }
    }
}

bool strict_json_number(struct json_raw raw, bool *ret_is_real)
{
    if (raw.type != JSON_STRING || !str_starts(raw.text, STR(MARK))) {
        return false;
    }
    struct str word = str_slice(raw.text, sizeof(MARK) - 1, raw.text.len);
    *ret_is_real = !is_number(word) || is_real(word);
    return true;
}

static void copy_unmarked(struct str json, struct buf *out)
{
    static const char marked[] = "\"" MARK;
    const char *p = json.ptr;
    const char *end = json.len == 0 ? json.ptr : json.ptr + json.len;
    while (p < end) {
        const char *mark = memmem(p, (size_t)(end - p), marked, sizeof(marked) - 1);
        const char *until = mark == NULL ? end : mark + 1; /* with the quote */
        buf_add(out, (struct str){p, (size_t)(until - p)});
        p = mark == NULL ? end : mark + sizeof(marked) - 1;
    }
}

void strict_json_value(struct str json, struct buf *out)
{
    AUTO(buf) text = buf_growing(json.len);
    AUTO(arena) arena = arena_new(STRICT_JSON_VALUES * sizeof(struct json) + LIMIT_EVENT_BYTES);
    struct json *node = NULL;
    struct err err = {0};
    copy_unmarked(json, &text);
    bool is_container = str_starts(json, STR("{")) || str_starts(json, STR("["));
    if (text.overflow) {
        out->overflow = true;
    } else if (!is_container ||
               json_parse(buf_str(&text), LIMIT_EVENT_BYTES, &arena, &node, &err)) {
        buf_add(out, buf_str(&text));
    } else {
        struct json_writer w = json_writer(out);
        jw_str(&w, buf_str(&text));
    }
}
