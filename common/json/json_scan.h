/* json_scan.h - in-place scanner for the paths where a tree per line is too slow: Singer records,
 * event lines at the hub. Walks the members of one object; values come as raw slices of the input
 * (borrowed), nested ones whole and checked. As strict as json_parse() about syntax, UTF-8 and
 * depth. What json_parse() refuses and this does not: duplicate keys (the caller's business),
 * \u0000 and unpaired surrogate escapes (see json_unescape), numbers that no int64 or finite double
 * of at most 63 characters holds (see json_raw_i64 and json_raw_double). No allocation, no
 * recursion; any thread. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/json/json.h"

struct json_raw {
    enum json_type type; /* JSON_INT for a number without fraction and exponent, else JSON_REAL */
    bool has_escape;     /* of a string: json_unescape() is needed */
    struct str text; /* a string without its quotes, still escaped; anything else as it stands */
};
struct json_scan {
    const char *start;
    const char *pos;
    const char *end;
    const char *problem; /* what is wrong at `pos`; NULL while all is well */
    bool is_first;
    bool is_done;
};

/* `text` must be one object with nothing but white space around it. False (err) when it does not
 * begin as one. */
MUST_CHECK bool json_scan_object(struct json_scan *s, struct str text, struct err *err);
/* The next member. False at the end or on bad syntax: check json_scan_end(). */
bool json_scan_member(struct json_scan *s, struct json_raw *ret_key, struct json_raw *ret_value);
/* The members of an object as they were met while it was checked, so that nobody has to scan it
 * again. The caller gives `items` and `room`; more than that are counted only. */
struct json_members {
    struct json_member {
        struct json_raw key, value;
    } * items;
    size_t room, count;
};
/* json_scan_member() in two steps: the key, then the value. Where it is an object and `members` is
 * given, that holds its members then; of any other value none, with a count of 0. */
bool json_scan_key(struct json_scan *s, struct json_raw *ret_key);
bool json_scan_value(struct json_scan *s, struct json_members *members, struct json_raw *ret_value);
/* The same for the elements of an array. */
MUST_CHECK bool json_scan_array(struct json_scan *s, struct str text, struct err *err);
bool json_scan_element(struct json_scan *s, struct json_raw *ret_value);
/* True when all was read and well-formed; else err says at which byte (the first is 1). */
MUST_CHECK bool json_scan_end(const struct json_scan *s, struct err *err);

/* The string's text: itself when nothing is escaped, else written into `into` (whose earlier
 * content stays) and borrowed from there until its next change. \u0000 becomes U+0000's UTF-8 byte
 * (a NUL). False on a buffer overflow or an unpaired surrogate escape, which becomes U+FFFD instead
 * when `lenient`. */
MUST_CHECK bool json_unescape(struct json_raw raw, bool lenient, struct buf *into, struct str *ret);
MUST_CHECK bool json_raw_i64(struct json_raw raw,
                             int64_t *ret); /* false: not an integer or out of range */
MUST_CHECK bool json_raw_double(struct json_raw raw, double *ret);
bool json_raw_is(struct json_raw raw,
                 const char *literal); /* an unescaped string equal to `literal` */
