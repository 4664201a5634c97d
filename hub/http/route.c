#include "hub/http/route.h"

enum { JOINED_BYTES_MAX = HTTP_TARGET_BYTES_MAX };

static size_t parts_of(struct str path, struct str parts[HTTP_SEGMENTS_MAX])
{
    size_t count = 0;
    struct str rest = str_slice(path, 1, path.len);
    for (bool has_more = rest.len > 0; has_more && count < HTTP_SEGMENTS_MAX;) {
        has_more = str_cut(rest, '/', &parts[count], &rest);
        count++;
    }
    return count;
}

static bool join(const struct http_target *t, size_t from, size_t to, struct arena *arena,
                 struct str *ret)
{
    AUTO(buf) text = buf_growing(JOINED_BYTES_MAX);
    for (size_t i = from; i < to; i++) {
        buf_add(&text, i == from ? STR("") : STR("/"));
        buf_add(&text, t->segments[i]);
    }
    *ret = arena_copy(arena, buf_str(&text));
    return ret->ptr != NULL && !text.overflow;
}

static bool fits(struct str pattern, const struct http_target *t, struct arena *arena,
                 struct str args[HTTP_ARGS_MAX])
{
    struct str parts[HTTP_SEGMENTS_MAX];
    size_t count = parts_of(pattern, parts);
    size_t at = 0; /* in the path */
    size_t arg = 0;
    for (size_t i = 0; i < count; i++) {
        size_t left = count - i - 1; /* parts of the pattern behind this one */
        if (at + left >= t->segment_count) {
            return false;
        }
        if (str_ends(parts[i], STR("...}"))) {
            size_t end = t->segment_count - left;
            if (!join(t, at, end, arena, &args[arg++])) {
                return false;
            }
            at = end;
        } else if (str_starts(parts[i], STR("{"))) {
            args[arg++] = t->segments[at++];
        } else if (!str_eq(parts[i], t->segments[at++])) {
            return false;
        }
    }
    return at == t->segment_count;
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
enum http_match http_route_find(const struct http_route *routes, size_t count,
                                enum http_method method, const struct http_target *target,
                                struct arena *arena, const struct http_route **ret,
                                struct str args[HTTP_ARGS_MAX])
{
    bool has_path = false;
    for (size_t i = 0; i < count; i++) {
        if ((routes[i].method == method || !has_path) &&
            fits(str_from(routes[i].path), target, arena, args)) {
            if (routes[i].method == method) {
                *ret = &routes[i];
                return HTTP_MATCH;
            }
            has_path = true;
        }
    }
    return has_path ? HTTP_NO_METHOD : HTTP_NO_PATH;
}
