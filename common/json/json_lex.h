/* json_lex.h - the grammar of RFC 8259 over borrowed bytes, for json_scan.c and json.c. Internal to
 * common/json. Each function moves `pos` past what it read, or sets `problem` with `pos` at the
 * place and returns false. */
#pragma once
#include "common/json/json_scan.h"

bool json_lex_fail(struct json_scan *s, const char *at, const char *problem); /* always false */

/* The next byte, or NUL at the end (a NUL is never valid JSON outside of a string, nor inside). */
static inline char json_lex_peek(const struct json_scan *s)
{
    if (s->pos == s->end) {
        return '\0';
    }
    return *s->pos;
}

static inline void json_lex_space(struct json_scan *s)
{
    const char *p = s->pos;
    while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    s->pos = p;
}

/* A key with its colon and the space around that. */
bool json_lex_key(struct json_scan *s, struct json_raw *ret);
/* A value, nested ones whole; `depth` containers are open around it. */
bool json_lex_value(struct json_scan *s, unsigned depth, struct json_raw *ret);
/* Of text that json_lex_value() accepted: the next string, number, word or opening bracket,
 * whatever stands between. False at the end. Gives the values in document order without the
 * grammar. */
bool json_lex_token(struct json_scan *s, struct json_raw *ret);
