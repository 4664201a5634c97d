/* str.h - borrowed bytes: a pointer and a length, not NUL-terminated. The type of every text
 * parameter. */
#pragma once
#include "common/base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(lit) ((struct str){"" lit "", sizeof(lit) - 1})
#define STR_INIT(lit)                                                                              \
    {                                                                                              \
        "" lit "", sizeof(lit) - 1                                                                 \
    } /* for static initialisers */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr
#define STR_NONE   ((struct str){NULL, 0})

struct str str_from(const char *text); /* NULL gives STR_NONE */
bool str_is_empty(struct str s);
bool str_eq(struct str a, struct str b);
int str_cmp(struct str a, struct str b); /* bytewise order, a shorter prefix first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_contains(struct str s, struct str part);
struct str str_slice(struct str s, size_t from, size_t to); /* clamped to the string */
struct str str_trim(struct str s);                          /* ASCII white space, both ends */
struct str str_trim_end(struct str s, char c);              /* every trailing c */
/* At most `max` bytes of UTF-8 text, cut between two characters. */
struct str str_clip(struct str s, size_t max);
/* Overwrites a secret with zeros and makes `s` empty. Its bytes must be the caller's to write. */
void str_wipe(struct str *s);

/* Cuts at the first `sep`: head before it, tail after it. Without one: head is all, tail is
 * STR_NONE, false. */
bool str_cut(struct str s, char sep, struct str *ret_head, struct str *ret_tail);
/* The same at the last `sep`; without one head is STR_NONE and tail is all. */
bool str_cut_last(struct str s, char sep, struct str *ret_head, struct str *ret_tail);

/* Whole-string decimal integer within [min, max]; false leaves *ret untouched. No leading '+' or
 * spaces. */
MUST_CHECK bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret);
/* Whole-string finite decimal number, locale-independent; at most 63 bytes long. */
MUST_CHECK bool str_to_double(struct str s, double *ret);

/* 0 to 15 of a hex digit, either case; -1 of anything else. */
int str_hex_digit(char c);

/* "10s", "5m", "1h30m", "250ms", "2d" to nanoseconds. No bare numbers. */
MUST_CHECK bool str_to_duration(struct str s, int64_t *ret_ns);
/* "64MiB", "1500kB", "1024" to bytes (kB = 1000, KiB = 1024). */
MUST_CHECK bool str_to_bytes(struct str s, int64_t *ret_bytes);

/* Well-formed UTF-8 without overlong forms and surrogates. */
bool str_is_utf8(struct str s);

/* Damerau-Levenshtein distance, for "did you mean"; strings over 63 bytes count as far away. */
size_t str_distance(struct str a, struct str b);

/* Shell wildcards `*` and `?` over the whole string; no classes. Linear in practice, no recursion.
 */
bool str_matches(struct str s, struct str pattern);
