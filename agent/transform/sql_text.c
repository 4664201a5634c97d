#include "agent/transform/sql_text.h"

#include <string.h>

/* Where `end` next begins at or behind `from`; the text's length when it does not. */
static size_t find(struct str sql, size_t from, struct str end)
{
    for (size_t i = from; i + end.len <= sql.len; i++) {
        if (memcmp(sql.ptr + i, end.ptr, end.len) == 0) {
            return i;
        }
    }
    return sql.len;
}

static size_t behind(struct str sql, size_t from, struct str end)
{
    size_t at = find(sql, from, end);
    return at == sql.len ? sql.len : at + end.len;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* "$tag$ ... $tag$", PostgreSQL's; a "$" that begins none is a token by itself. */
static size_t behind_dollar(struct str sql, size_t at)
{
    size_t i = at + 1;
    while (i < sql.len && is_word(sql.ptr[i])) {
        i++;
    }
    if (i == sql.len || sql.ptr[i] != '$') {
        return at + 1;
    }
    struct str mark = str_slice(sql, at, i + 1);
    size_t end = find(sql, i + 1, mark);
    return end == sql.len ? at + 1 : end + mark.len;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool begins(struct str sql, size_t at, const char *two)
{
    return at + 1 < sql.len && sql.ptr[at] == two[0] && sql.ptr[at + 1] == two[1];
}

/* Behind the white space or comment that begins at `at`, or `at`. */
static size_t skip_blank(struct str sql, size_t at)
{
    if (begins(sql, at, "--")) {
        return behind(sql, at, STR("\n"));
    }
    if (begins(sql, at, "/*")) {
        return behind(sql, at + 2, STR("*/"));
    }
    return is_space(sql.ptr[at]) ? at + 1 : at;
}

static size_t skip_token(struct str sql, size_t at)
{
    switch (sql.ptr[at]) {
    case '\'':
        return behind(sql, at + 1, STR("'")); /* a doubled one begins the next */
    case '"':
        return behind(sql, at + 1, STR("\""));
    case '`':
        return behind(sql, at + 1, STR("`"));
    case '[': /* SQLite's quotes; an index elsewhere */
        return behind(sql, at + 1, STR("]"));
    case '$':
        return behind_dollar(sql, at);
    default:
        return at + 1;
    }
}

struct str sql_statement(struct str sql)
{
    size_t end = 0;
    for (size_t at = 0; at < sql.len;) {
        size_t next = skip_blank(sql, at);
        if (next > at) {
            at = next;
            continue;
        }
        bool is_semicolon = sql.ptr[at] == ';';
        at = skip_token(sql, at);
        end = is_semicolon ? end : at;
    }
    return str_slice(sql, 0, end);
}

struct str sql_next(struct str *rest)
{
    struct str sql = *rest;
    size_t begin = 0;
    size_t next = 0;
    while (begin < sql.len && ((next = skip_blank(sql, begin)) > begin || sql.ptr[begin] == ';')) {
        begin = next > begin ? next : begin + 1;
    }
    size_t at = begin;
    while (at < sql.len && sql.ptr[at] != ';') {
        next = skip_blank(sql, at);
        at = next > at ? next : skip_token(sql, at);
    }
    *rest = str_slice(sql, at, sql.len);
    return sql_statement(str_slice(sql, begin, at));
}
