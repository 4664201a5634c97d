#include "hub/http/cache.h"

#include "common/base/buf.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 512, WAYS = 4, ETAG_SIZE = 48 };

/* Sets of WAYS slots: a key has its place in one set; the oldest of the set gives way. */
struct slot {
    char *key; /* NULL: free */
    size_t key_len;
    bool is_packed;
    int64_t stamp;
    struct mono_time made;
    char etag[ETAG_SIZE];
    struct MHD_Response *response;
    size_t bytes;
};
struct http_cache {
    size_t bytes, bytes_max;
    size_t hand; /* the next to give way when bytes are short */
    struct slot slots[SLOTS];
};

bool http_cache_open(struct http_cache **ret, size_t bytes_max, struct err *err)
{
    struct http_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory to keep answers");
    }
    cache->bytes_max = bytes_max;
    *ret = cache;
    return true;
}

static void drop(struct http_cache *cache, struct slot *slot)
{
    if (slot->key != NULL) {
        cache->bytes -= slot->bytes;
        MHD_destroy_response(slot->response);
        free(slot->key);
        *slot = (struct slot){0};
    }
}

void http_cache_close(struct http_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        drop(cache, &cache->slots[i]);
    }
    free(cache);
}

static size_t set_of(struct str key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(hash >> 20) % (SLOTS / WAYS) * WAYS;
}

static bool is_of(const struct slot *slot, struct str key, bool is_packed)
{
    return slot->key != NULL && slot->is_packed == is_packed && slot->key_len == key.len &&
           memcmp(slot->key, key.ptr, key.len) == 0;
}

bool http_cache_get(struct http_cache *cache, struct str key, bool is_packed, int64_t stamp,
                    struct mono_time oldest, struct http_cached *ret)
{
    struct slot *set = &cache->slots[set_of(key)];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key, is_packed) && set[i].stamp == stamp &&
            set[i].made.ns >= oldest.ns) {
            *ret = (struct http_cached){.response = set[i].response, .etag = set[i].etag};
            return true;
        }
    }
    return false;
}

static struct slot *place_for(struct http_cache *cache, struct str key, bool is_packed)
{
    struct slot *set = &cache->slots[set_of(key)];
    struct slot *best = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key, is_packed)) {
            return &set[i];
        }
        if (best->key != NULL && (set[i].key == NULL || set[i].made.ns < best->made.ns)) {
            best = &set[i];
        }
    }
    return best;
}

void http_cache_take(struct http_cache *cache, const struct http_cache_item *item,
                     struct MHD_Response *response)
{
    size_t bytes = item->bytes + item->key.len + sizeof(struct slot);
    struct slot *slot = place_for(cache, item->key, item->is_packed);
    drop(cache, slot);
    if (bytes > cache->bytes_max / 4) {
        MHD_destroy_response(response);
        return;
    }
    for (size_t i = 0; i < SLOTS && cache->bytes + bytes > cache->bytes_max; i++) {
        cache->hand = (cache->hand + 1) % SLOTS;
        drop(cache, &cache->slots[cache->hand]);
    }
    char *key = malloc(item->key.len + 1);
    if (key == NULL) {
        MHD_destroy_response(response);
        return;
    }
    memcpy(key, item->key.ptr, item->key.len);
    *slot = (struct slot){.key = key,
                          .key_len = item->key.len,
                          .is_packed = item->is_packed,
                          .stamp = item->stamp,
                          .made = item->now,
                          .response = response,
                          .bytes = bytes};
    struct buf etag = buf_fixed(slot->etag, sizeof(slot->etag));
    buf_add_text(&etag, item->etag);
    (void)buf_cstr(&etag);
    cache->bytes += bytes;
}

size_t http_cache_bytes(const struct http_cache *cache)
{
    return cache->bytes;
}
