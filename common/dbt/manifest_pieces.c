#include "common/dbt/manifest_pieces.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 << 10 };

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool wrong(const struct pieces *p, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "byte %" PRId64 ": %s", p->base + (int64_t)p->pos + 1, what);
}

/* Drops what stands before `keep_from` and reads on; *ret_end when the file has no more. */
static bool read_on(struct pieces *p, size_t keep_from, bool *ret_end, struct err *err)
{
    buf_consume(&p->held, keep_from);
    p->base += (int64_t)keep_from;
    p->pos -= keep_from;
    if (p->held.len > LIMIT_DBT_NODE_BYTES) {
        return err_set(err, ERR_FULL,
                       "byte %" PRId64 ": a value of more than %d bytes (LIMIT_DBT_NODE_BYTES)",
                       p->base + 1, LIMIT_DBT_NODE_BYTES);
    }
    char *to = buf_reserve(&p->held, CHUNK_BYTES);
    if (to == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory to read a manifest");
    }
    ssize_t got = -1;
    do {
        got = pread(p->fd, to, CHUNK_BYTES, p->base + (int64_t)p->held.len);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_errno(err, errno, "read");
    }
    p->held.len += (size_t)got;
    *ret_end = got == 0;
    return true;
}

/* The next byte that is no space, without taking it; NUL at the end of the file. */
static bool peek(struct pieces *p, char *ret, struct err *err)
{
    for (;;) {
        while (p->pos < p->held.len) {
            char c = p->held.ptr[p->pos];
            if (!is_space(c)) {
                *ret = c;
                return c != '\0' || wrong(p, "unexpected character", err);
            }
            p->pos++;
        }
        bool is_end = false;
        if (!read_on(p, p->pos, &is_end, err)) {
            return false;
        }
        if (is_end) {
            *ret = '\0';
            return true;
        }
    }
}

static bool take(struct pieces *p, char wanted, const char *otherwise, struct err *err)
{
    char c = '\0';
    if (!peek(p, &c, err)) {
        return false;
    }
    if (c != wanted) {
        return wrong(p, c == '\0' ? "the file ends too early" : otherwise, err);
    }
    p->pos++;
    return true;
}

/* --- where a value ends ---------------------------------------------------------------------- */

struct extent {
    bool is_begun;
    bool is_scalar; /* a number or a word */
    bool in_string;
    bool is_escaped;  /* the bytes so far end with a backslash that stands for itself */
    unsigned depth;   /* open brackets */
    uint64_t objects; /* a bit for each of them: is it a '{'? The innermost is bit 0 */
    const char *problem;
};
enum { DEPTH_MAX = 64 };

/* Behind the closing quote, or NULL. */
static const char *string_end(struct extent *e, const char *p, const char *end)
{
    if (e->is_escaped && p < end) {
        e->is_escaped = false;
        p++;
    }
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        const char *stop = quote == NULL ? end : quote;
        size_t slashes = 0;
        while (stop - slashes > p && stop[-1 - (ptrdiff_t)slashes] == '\\') {
            slashes++;
        }
        if (quote == NULL) {
            e->is_escaped = slashes % 2 != 0;
            return NULL;
        }
        p = quote + 1;
        if (slashes % 2 == 0) {
            e->in_string = false;
            return p;
        }
    }
    return NULL;
}

/* Of a number or a word, right or wrong. */
static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static const char *scalar_end(const char *p, const char *end)
{
    while (p < end && is_word(*p)) {
        p++;
    }
    return p < end ? p : NULL;
}

/* A byte outside of strings, inside of brackets. True when it closes the outermost. */
static bool take_byte(struct extent *e, char c)
{
    if (c == '"') {
        e->in_string = true;
    } else if (c == '{' || c == '[') {
        e->problem = e->depth == DEPTH_MAX ? "nested too deep" : NULL;
        e->depth++;
        e->objects = e->objects << 1 | (c == '{' ? 1U : 0U);
    } else if (c == '}' || c == ']') {
        e->problem = (c == '}') == ((e->objects & 1) != 0) ? NULL : "another bracket was open";
        e->depth--;
        e->objects >>= 1;
        return e->depth == 0;
    } else if (!is_word(c) && !is_space(c) && c != ',' && c != ':') {
        e->problem = "unexpected character";
    }
    return false;
}

/* Behind the value's last byte, or NULL when it goes on behind `end`, or when there is a problem; then
 * *at is its place. */
static const char *extent_end(struct extent *e, const char *p, const char *end, const char **at)
{
    if (!e->is_begun && p < end) {
        e->is_begun = true;
        e->is_scalar = *p != '"' && *p != '{' && *p != '[';
    }
    if (e->is_scalar) {
        return scalar_end(p, end);
    }
    while (p < end && e->problem == NULL) {
        if (e->in_string) {
            p = string_end(e, p, end);
            if (p == NULL || e->depth == 0) {
                return p;
            }
        } else {
            *at = p;
            if (take_byte(e, *p++)) {
                return e->problem == NULL ? p : NULL;
            }
        }
    }
    return NULL;
}

/* From `pos` to the value's end; when it is kept it stands in `held` from *ret_from on. */
static bool find_end(struct pieces *p, bool is_kept, size_t *ret_from, struct dbt_place *ret_place,
                     struct err *err)
{
    struct extent e = {0};
    size_t from = p->pos;
    int64_t offset = p->base + (int64_t)from;
    for (;;) {
        const char *at = NULL;
        const char *end = extent_end(&e, p->held.ptr + p->pos, p->held.ptr + p->held.len, &at);
        if (e.problem != NULL) {
            p->pos = (size_t)(at - p->held.ptr);
            return wrong(p, e.problem, err);
        }
        if (end != NULL) {
            p->pos = (size_t)(end - p->held.ptr);
            *ret_from = from;
            *ret_place =
                (struct dbt_place){.offset = offset, .length = p->base + (int64_t)p->pos - offset};
            return true;
        }
        p->pos = p->held.len;
        bool is_end = false;
        if (!read_on(p, is_kept ? from : p->pos, &is_end, err)) {
            return false;
        }
        from = 0;
        if (is_end) {
            return wrong(p, "the file ends too early", err);
        }
    }
}

/* --- the pieces ------------------------------------------------------------------------------ */

bool pieces_begin(struct pieces *p, int fd, struct err *err)
{
    *p = (struct pieces){
        .fd = fd, .held = buf_growing(LIMIT_DBT_NODE_BYTES + 2 * CHUNK_BYTES), .is_first = true};
    return take(p, '{', "expected an object", err);
}

void pieces_release(struct pieces *p)
{
    buf_release(&p->held);
}

bool pieces_next(struct pieces *p, bool *ret_more, struct str *ret_key, struct err *err)
{
    char c = '\0';
    if (!peek(p, &c, err)) {
        return false;
    }
    if (c == '}') {
        p->pos++;
        p->is_first = false;
        *ret_more = false;
        return true;
    }
    if (!p->is_first && (!take(p, ',', "expected ',' or '}'", err) || !peek(p, &c, err))) {
        return false;
    }
    p->is_first = false;
    if (c != '"') {
        return wrong(p, c == '\0' ? "the file ends too early" : "expected a key in quotes", err);
    }
    size_t from = 0;
    struct dbt_place place = {0};
    if (!find_end(p, true, &from, &place, err)) {
        return false;
    }
    p->key_len = (size_t)place.length - 2;
    if (p->key_len > sizeof(p->key)) {
        return err_set(err, ERR_FULL,
                       "byte %" PRId64 ": a key of more than %d bytes (LIMIT_DBT_ID_BYTES)",
                       place.offset + 1, LIMIT_DBT_ID_BYTES);
    }
    memcpy(p->key, p->held.ptr + from + 1, p->key_len);
    *ret_key = (struct str){p->key, p->key_len};
    *ret_more = true;
    return take(p, ':', "expected ':' after the key", err) && peek(p, &c, err);
}

bool pieces_enter(struct pieces *p, bool *ret_is_object, struct err *err)
{
    char c = '\0';
    if (!peek(p, &c, err)) {
        return false;
    }
    *ret_is_object = c == '{';
    if (c == 'n') {
        struct dbt_place unused = {0};
        return pieces_pass(p, &unused, err);
    }
    p->is_first = true;
    return take(p, '{', "expected an object", err);
}

bool pieces_keep(struct pieces *p, struct str *ret, struct dbt_place *ret_place, struct err *err)
{
    size_t from = 0;
    if (!find_end(p, true, &from, ret_place, err)) {
        return false;
    }
    *ret = (struct str){p->held.ptr + from, (size_t)ret_place->length};
    return true;
}

bool pieces_pass(struct pieces *p, struct dbt_place *ret_place, struct err *err)
{
    size_t from = 0;
    return find_end(p, false, &from, ret_place, err);
}

bool pieces_end(struct pieces *p, struct err *err)
{
    char c = '\0';
    return peek(p, &c, err) && (c == '\0' || wrong(p, "text after the end", err));
}
