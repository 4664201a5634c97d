#include "agent/meltano/dotenv.h"

#include <string.h>

enum { VALUE_BYTES_MAX = 256 << 10 };

struct lines {
    struct str text;
    size_t at;
};

static char peek(const struct lines *l)
{
    if (l->at == l->text.len) {
        return '\0';
    }
    return l->text.ptr[l->at];
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\f' || c == '\v';
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static void skip_spaces(struct lines *l)
{
    while (is_space(peek(l))) {
        l->at++;
    }
}

static void skip_line(struct lines *l)
{
    while (l->at < l->text.len && !is_line_end(peek(l))) {
        l->at++;
    }
}

/* 'NAME' or NAME. */
static struct str take_key(struct lines *l)
{
    size_t start = l->at;
    if (peek(l) == '\'') {
        start = ++l->at;
        while (l->at < l->text.len && peek(l) != '\'') {
            l->at++;
        }
        struct str key = str_slice(l->text, start, l->at);
        l->at += l->at < l->text.len;
        return key;
    }
    while (l->at < l->text.len && strchr("=# \t\f\v\r\n", peek(l)) == NULL) {
        l->at++;
    }
    return str_slice(l->text, start, l->at);
}

/* What stands behind a backslash within quotes. */
static void add_escaped(struct buf *out, char c, char quote)
{
    static const char names[] = "abfnrtv";
    static const char values[] = "\a\b\f\n\r\t\v";
    const char *at = quote == '"' && c != '\0' ? strchr(names, c) : NULL;
    if (at != NULL) {
        buf_add_char(out, values[at - names]);
    } else if (c == '\\' || c == '\'' || (quote == '"' && c == '"')) {
        buf_add_char(out, c);
    } else {
        buf_add_char(out, '\\');
        buf_add_char(out, c);
    }
}

/* False: the quote is not closed. */
static bool take_quoted(struct lines *l, struct buf *out)
{
    char quote = peek(l);
    for (l->at++; l->at < l->text.len; l->at++) {
        char c = peek(l);
        if (c == quote) {
            l->at++;
            return true;
        }
        if (c == '\\' && l->at + 1 < l->text.len) {
            l->at++;
            add_escaped(out, peek(l), quote);
        } else {
            buf_add_char(out, c);
        }
    }
    return false;
}

/* Up to the line's end or a comment, which has white space before it. */
static struct str take_plain(struct lines *l)
{
    size_t start = l->at;
    while (l->at < l->text.len && !is_line_end(peek(l)) &&
           !(peek(l) == '#' && l->at > start && is_space(l->text.ptr[l->at - 1]))) {
        l->at++;
    }
    return str_trim(str_slice(l->text, start, l->at));
}

/* ${NAME} and ${NAME:-default}. */
static struct str interpolate(struct str value, const struct env_chain *chain, struct arena *a)
{
    AUTO(buf) out = buf_growing(VALUE_BYTES_MAX);
    struct str close = STR_NONE;
    for (size_t i = 0; i < value.len;) {
        struct str rest = str_slice(value, i, value.len);
        struct str inside = STR_NONE;
        if (!str_starts(rest, STR("${")) ||
            !str_cut(str_slice(rest, 2, rest.len), '}', &inside, &close)) {
            buf_add_char(&out, value.ptr[i++]);
            continue;
        }
        struct str name = inside;
        struct str found = STR("");
        for (size_t k = 0; k + 1 < inside.len; k++) {
            if (inside.ptr[k] == ':' && inside.ptr[k + 1] == '-') {
                name = str_slice(inside, 0, k);
                found = str_slice(inside, k + 2, inside.len);
                break;
            }
        }
        (void)env_chain_get(chain, name, &found);
        buf_add(&out, found);
        i += inside.len + 3;
    }
    return out.len == 0 ? STR("") : arena_copy(a, buf_str(&out));
}

static void take_line(struct lines *l, const struct env_chain *chain, struct env *into)
{
    struct str export = str_slice(l->text, l->at, l->text.len);
    if (str_starts(export, STR("export")) && export.len > 6 && is_space(export.ptr[6])) {
        l->at += 6;
        skip_spaces(l);
    }
    struct str key = take_key(l);
    skip_spaces(l);
    if (key.len == 0 || peek(l) != '=') {
        skip_line(l);
        return;
    }
    l->at++;
    skip_spaces(l);
    AUTO(buf) quoted = buf_growing(VALUE_BYTES_MAX);
    size_t start = l->at;
    struct str value;
    if (peek(l) == '\'' || peek(l) == '"') {
        if (!take_quoted(l, &quoted)) {
            l->at = start;
            skip_line(l);
            return;
        }
        value = buf_str(&quoted);
        skip_line(l);
    } else {
        value = take_plain(l);
        skip_line(l);
    }
    value = interpolate(value, chain, into->arena);
    if (value.ptr != NULL) {
        env_put(into, key, value);
    }
}

void dotenv_read(struct str text, const struct meltano_terminal *terminal, struct env *into)
{
    struct env_chain chain = {.over = into, .terminal = terminal};
    struct lines l = {.text = text};
    while (l.at < text.len) {
        skip_spaces(&l);
        if (is_line_end(peek(&l))) {
            l.at++;
        } else if (peek(&l) == '#') {
            skip_line(&l);
        } else if (l.at < text.len) {
            size_t before = l.at;
            take_line(&l, &chain, into);
            l.at += l.at == before;
        }
    }
}
