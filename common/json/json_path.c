#include "common/json/json_path.h"

#include "common/base/limits.h"

#include <string.h>

static bool no_path(struct err *err, const char *why)
{
    err_set(err, ERR_INVALID, "a path %s", why);
    return err_hint(err, "write it like data.orders or orders[-1].id");
}

/* ['name'] or [number], behind the bracket. */
static bool bracket_step(struct str *path, struct path_step *ret, struct err *err)
{
    struct str inner;
    struct str rest;
    if (path->len > 0 && (path->ptr[0] == '\'' || path->ptr[0] == '"')) {
        char quote = path->ptr[0];
        *path = str_slice(*path, 1, path->len);
        if (!str_cut(*path, quote, &ret->name, &rest) || rest.len == 0 || rest.ptr[0] != ']') {
            return no_path(err, "has a quoted name that does not end");
        }
        *path = str_slice(rest, 1, rest.len);
        return true;
    }
    ret->is_index = true;
    if (!str_cut(*path, ']', &inner, &rest) || !str_to_i64(inner, -1, INT32_MAX, &ret->index)) {
        return no_path(err, "has something else than a number or a quoted name in brackets");
    }
    *path = rest;
    return true;
}

bool json_path_step(struct str *path, struct path_step *ret, struct err *err)
{
    *ret = (struct path_step){.name = STR("")};
    if (path->len == 0) {
        return false;
    }
    if (path->ptr[0] == '[') {
        *path = str_slice(*path, 1, path->len);
        return bracket_step(path, ret, err);
    }
    if (path->ptr[0] == '.') {
        *path = str_slice(*path, 1, path->len);
    }
    size_t len = 0;
    while (len < path->len && path->ptr[len] != '.' && path->ptr[len] != '[') {
        len++;
    }
    if (len == 0) {
        return no_path(err, "has an empty name");
    }
    ret->name = str_slice(*path, 0, len);
    *path = str_slice(*path, len, path->len);
    return true;
}

/* Behind "$", which stands for the whole only at the front. */
static struct str path_body(struct str path)
{
    bool has_root = path.len > 0 && path.ptr[0] == '$' &&
                    (path.len == 1 || path.ptr[1] == '.' || path.ptr[1] == '[');
    return has_root ? str_slice(path, 1, path.len) : path;
}

bool json_path_check(struct str path, struct err *err)
{
    struct str rest = path_body(path);
    struct path_step step;
    struct err problem = {0};
    while (json_path_step(&rest, &step, &problem)) {
    }
    if (problem.code != ERR_NONE) {
        *err = problem;
        return false;
    }
    return true;
}

static bool has_name(struct json_raw key, struct str name)
{
    if (!key.has_escape) {
        return str_eq(key.text, name);
    }
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct str plain;
    return json_unescape(key, true, &text, &plain) && str_eq(plain, name);
}

/* Goes through all members: what stands behind the one must be well-formed too. */
static bool find_member(struct str name, struct str text, bool *ret_found, struct json_raw *ret,
                        struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, text, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (has_name(key, name)) {
            *ret = value;
            *ret_found = true;
        }
    }
    return json_scan_end(&scan, err);
}

static bool find_element(int64_t index, struct str text, bool *ret_found, struct json_raw *ret,
                         struct err *err)
{
    struct json_scan scan;
    struct json_raw value;
    if (!json_scan_array(&scan, text, err)) {
        return false;
    }
    for (int64_t i = 0; json_scan_element(&scan, &value); i++) {
        if (index == i || index < 0) {
            *ret = value;
            *ret_found = true;
        }
    }
    return json_scan_end(&scan, err);
}

static bool whole(struct str text, struct json_raw *ret, struct err *err)
{
    struct json_raw ignored;
    bool is_found = false;
    *ret = (struct json_raw){.text = str_trim(text)};
    bool is_list = ret->text.len > 0 && ret->text.ptr[0] == '[';
    ret->type = is_list ? JSON_ARRAY : JSON_OBJECT;
    return is_list ? find_element(0, ret->text, &is_found, &ignored, err)
                   : find_member(STR(""), ret->text, &is_found, &ignored, err);
}

bool json_path_find(struct str path, struct str text, bool *ret_found, struct json_raw *ret,
                    struct err *err)
{
    struct str rest = path_body(path);
    struct path_step step;
    struct err problem = {0};
    struct json_raw at;
    if (!whole(text, &at, err)) {
        return false;
    }
    *ret_found = true;
    while (*ret_found && json_path_step(&rest, &step, &problem)) {
        struct str within = at.text;
        *ret_found = false;
        if (at.type != (step.is_index ? JSON_ARRAY : JSON_OBJECT)) {
            continue;
        }
        bool ok = step.is_index ? find_element(step.index, within, ret_found, &at, err)
                                : find_member(step.name, within, ret_found, &at, err);
        if (!ok) {
            return false;
        }
    }
    if (problem.code != ERR_NONE) {
        *err = problem;
        return false;
    }
    *ret = at;
    return true;
}
