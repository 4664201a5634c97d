#include "hub/http/target.h"

static bool decode(struct str text, bool plus_is_space, struct arena *arena, struct str *ret,
                   struct err *err)
{
    struct buf out = {0};
    char *memory = arena_alloc(arena, text.len + 1);
    if (memory == NULL) {
        return err_set(err, ERR_FULL, "the request does not fit into memory");
    }
    out = buf_fixed(memory, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? str_hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? str_hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return err_set(err, ERR_INVALID,
                               "a %% is followed by two hex digits, and not by 00");
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '\0') {
            return err_set(err, ERR_INVALID, "the address holds a byte that is zero");
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        buf_add_char(&out, c);
    }
    *ret = buf_str(&out);
    return str_is_utf8(*ret) || err_set(err, ERR_INVALID, "the address is not UTF-8");
}

static bool add_segment(struct http_target *t, struct str text, struct arena *arena,
                        struct err *err)
{
    struct str segment = STR_NONE;
    if (t->segment_count == HTTP_SEGMENTS_MAX) {
        return err_set(err, ERR_INVALID, "the path has more than %d parts", HTTP_SEGMENTS_MAX);
    }
    if (!decode(text, false, arena, &segment, err)) {
        return false;
    }
    if (segment.len == 0 || str_eq(segment, STR(".")) || str_eq(segment, STR(".."))) {
        return err_set(err, ERR_INVALID, "a part of the path is empty, \".\" or \"..\"");
    }
    t->segments[t->segment_count++] = segment;
    return true;
}

static bool add_pair(struct http_target *t, struct str text, struct arena *arena, struct err *err)
{
    struct str name = text;
    struct str value = STR_NONE;
    (void)str_cut(text, '=', &name, &value);
    if (t->query_count == HTTP_QUERY_MAX) {
        return err_set(err, ERR_INVALID, "the query has more than %d parameters", HTTP_QUERY_MAX);
    }
    struct http_pair *pair = &t->query[t->query_count];
    if (!decode(name, true, arena, &pair->name, err) ||
        !decode(value, true, arena, &pair->value, err)) {
        return false;
    }
    t->query_count++;
    return true;
}

bool http_target_parse(struct str raw, struct arena *arena, struct http_target *ret,
                       struct err *err)
{
    struct str rest = STR_NONE;
    struct str query = STR_NONE;
    struct str part = STR_NONE;
    ret->raw = raw;
    ret->segment_count = 0;
    ret->query_count = 0;
    (void)str_cut(raw, '?', &ret->path, &query);
    if (raw.len > HTTP_TARGET_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "the address is longer than %d bytes",
                       HTTP_TARGET_BYTES_MAX);
    }
    if (!str_starts(ret->path, STR("/"))) {
        return err_set(err, ERR_INVALID, "the address does not begin with /");
    }
    rest = str_slice(ret->path, 1, ret->path.len);
    rest = str_ends(rest, STR("/")) ? str_slice(rest, 0, rest.len - 1) : rest;
    for (bool has_more = rest.len > 0; has_more;) {
        has_more = str_cut(rest, '/', &part, &rest);
        if (!add_segment(ret, part, arena, err)) {
            return false;
        }
    }
    for (bool has_more = query.len > 0; has_more;) {
        has_more = str_cut(query, '&', &part, &query);
        if (part.len > 0 && !add_pair(ret, part, arena, err)) {
            return false;
        }
    }
    return true;
}

struct str http_target_get(const struct http_target *target, const char *name)
{
    for (size_t i = 0; i < target->query_count; i++) {
        if (str_eq(target->query[i].name, str_from(name))) {
            return target->query[i].value;
        }
    }
    return STR_NONE;
}
