/* cache.h - answers that hold as long as the database is the same, packed and ready to be sent again.
 * Bounded in entries and bytes; the oldest give way. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/base/time.h"

struct MHD_Response;
struct http_cache;
struct http_cached {
    struct MHD_Response *response; /* borrowed until the next take */
    const char *etag;
};
MUST_CHECK bool http_cache_open(struct http_cache **ret, size_t bytes_max, struct err *err);
void http_cache_close(struct http_cache *cache); /* NULL is allowed */
/* Not what has another stamp, or is older than `max_age_ns`. */
bool http_cache_get(struct http_cache *cache, struct str key, bool is_packed, int64_t stamp,
                    struct mono_time oldest, struct http_cached *ret);
/* Owns `response` from here on: queue it before. What does not fit is not kept. */
struct http_cache_item {
    struct str key;
    bool is_packed;
    int64_t stamp;
    struct mono_time now;
    const char *etag;
    size_t bytes;
};
void http_cache_take(struct http_cache *cache, const struct http_cache_item *item,
                     struct MHD_Response *response);
size_t http_cache_bytes(const struct http_cache *cache);
