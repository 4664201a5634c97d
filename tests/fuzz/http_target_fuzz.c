/* What a request asks for: whatever is accepted is decoded text of bounded size, matches at most one route, and
 * its query's cursor is read or refused; a cursor that is written is read again as it was. */
#include "hub/api/api.h"
#include "hub/http/cursor.h"
#include "hub/http/route.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cursor(struct str cursor, struct arena *arena)
{
    struct str parts[HTTP_CURSOR_PARTS_MAX];
    struct str again[HTTP_CURSOR_PARTS_MAX];
    struct err err = {0};
    for (size_t count = 1; count <= HTTP_CURSOR_PARTS_MAX; count++) {
        if (!http_cursor_read(cursor, arena, parts, count, &err)) {
            assert(err.code == ERR_INVALID && err.msg[0] != '\0');
            continue;
        }
        AUTO(buf) text = buf_growing(2 * HTTP_CURSOR_BYTES_MAX);
        http_cursor_write(&text, parts, count);
        bool ok = http_cursor_read(buf_str(&text), arena, again, count, &err);
        assert(ok);
        for (size_t i = 0; i < count; i++) {
            assert(str_eq(parts[i], again[i]));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(4 << 20);
    struct http_target t;
    struct err err = {0};
    const struct http_route *route = NULL;
    struct str args[HTTP_ARGS_MAX] = {0};
    const struct str raw = {(const char *)data, size};
    if (!http_target_parse(raw, &arena, &t, &err)) {
        assert(err.code == ERR_INVALID && err.msg[0] != '\0');
        return 0;
    }
    assert(t.segment_count <= HTTP_SEGMENTS_MAX && t.query_count <= HTTP_QUERY_MAX);
    for (size_t i = 0; i < t.segment_count; i++) {
        assert(t.segments[i].len > 0 && str_is_utf8(t.segments[i]));
        assert(!str_contains(t.segments[i], (struct str){"\0", 1}));
    }
    for (int method = 0; method < HTTP_METHOD_COUNT; method++) {
        enum http_match match = http_route_find(api_routes, api_route_count,
                                                (enum http_method)method, &t, &arena, &route, args);
        assert(match != HTTP_MATCH || route->method == (enum http_method)method);
    }
    check_cursor(http_target_get(&t, "cursor"), &arena);
    return 0;
}
