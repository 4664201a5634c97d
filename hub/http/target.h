/* target.h - what a request asks for: "/api/v1/runs/brooklyn/0190?limit=20" as segments of the path
 * and pairs of the query, decoded. Pure; any bytes are safe. Memory: the arena. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

enum {
    HTTP_TARGET_BYTES_MAX = 6 << 10,
    HTTP_SEGMENTS_MAX = 32,
    HTTP_QUERY_MAX = 24, /* pairs */
};
struct http_pair {
    struct str name, value;
};
struct http_target {
    struct str raw;                         /* as it was sent */
    struct str path;                        /* of it, not decoded, without the query */
    struct str segments[HTTP_SEGMENTS_MAX]; /* decoded; "/" has none */
    size_t segment_count;
    struct http_pair query[HTTP_QUERY_MAX]; /* decoded; '+' is a space in it */
    size_t query_count;
};
/* ERR_INVALID: it does not begin with '/', a % stands before no two hex digits, what is decoded holds
 * a NUL or is not UTF-8, a segment is empty, "." or "..", or there are too many. One '/' at the end
 * counts for nothing. */
MUST_CHECK bool http_target_parse(struct str raw, struct arena *arena, struct http_target *ret,
                                  struct err *err);
/* The value of the query's `name`; STR_NONE when it is not there. */
struct str http_target_get(const struct http_target *target, const char *name);
