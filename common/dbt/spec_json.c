#include "common/dbt/spec_json.h"

#include <string.h>
#include <strings.h>

bool spec_no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory for the settings of a node");
}

bool spec_eq_nocase(struct str a, const char *b)
{
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

const struct json *spec_member(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    return member == NULL || member->type == JSON_NULL ? NULL : member;
}

static bool wrong(const struct json *member, const char *wanted, struct err *err)
{
    return err_set(err, ERR_INVALID, STR_FMT " is %s, not %s", STR_ARG(member->key),
                   json_type_name(member->type), wanted);
}

static bool scalar(const struct json *value, struct str *ret)
{
    if (value->type == JSON_STRING) {
        *ret = value->as.string;
        return true;
    }
    if (value->type == JSON_INT || value->type == JSON_REAL) {
        *ret = value->written;
        return true;
    }
    return false;
}

bool spec_text(const struct json *object, const char *key, struct str *ret, struct err *err)
{
    const struct json *member = spec_member(object, key);
    return member == NULL || scalar(member, ret) || wrong(member, "a text", err);
}

bool spec_bool(const struct json *object, const char *key, bool *ret, struct err *err)
{
    const struct json *member = spec_member(object, key);
    if (member == NULL) {
        return true;
    }
    if (member->type != JSON_BOOL) {
        return wrong(member, "true or false", err);
    }
    *ret = member->as.boolean;
    return true;
}

bool spec_texts(const struct json *object, const char *key, struct arena *arena,
                struct str_list *ret, struct err *err)
{
    const struct json *member = spec_member(object, key);
    if (member == NULL) {
        return true;
    }
    const bool is_list = member->type == JSON_ARRAY;
    struct str_list list = {
        .items = arena_array(arena, (is_list ? member->count : 1) + 1, sizeof *list.items)};
    if (list.items == NULL) {
        return spec_no_memory(err);
    }
    for (const struct json *item = is_list ? member->child : member; item != NULL;
         item = is_list ? item->next : NULL) {
        if (!scalar(item, &list.items[list.count++])) {
            return wrong(member, "a list of texts", err);
        }
    }
    *ret = list;
    return true;
}

bool spec_object(const struct json *object, const char *key, const struct json **ret,
                 struct err *err)
{
    const struct json *member = spec_member(object, key);
    if (member != NULL && member->type != JSON_OBJECT) {
        return wrong(member, "an object", err);
    }
    *ret = member;
    return true;
}
