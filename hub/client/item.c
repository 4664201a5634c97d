#include "hub/client/item.h"

struct str item_str(const struct json *item, const char *key)
{
    const struct json *member = json_get(item, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

int64_t item_i64(const struct json *item, const char *key)
{
    const struct json *member = json_get(item, key);
    return member != NULL && member->type == JSON_INT ? member->as.integer : HUB_UNKNOWN;
}

int64_t item_count(const struct json *item, const char *key)
{
    int64_t number = item_i64(item, key);
    return number == HUB_UNKNOWN ? 0 : number;
}

bool item_bool(const struct json *item, const char *key)
{
    const struct json *member = json_get(item, key);
    return member != NULL && member->type == JSON_BOOL && member->as.boolean;
}

struct wall_time item_wall(const struct json *item, const char *key)
{
    struct wall_time at = {0};
    struct str text = item_str(item, key);
    return !str_is_empty(text) && wall_parse(text, &at) ? at : (struct wall_time){0};
}

const struct json *item_first(const struct json *item, const char *key)
{
    const struct json *member = json_get(item, key);
    bool is_list = member != NULL && (member->type == JSON_ARRAY || member->type == JSON_OBJECT);
    return is_list ? member->child : NULL;
}

void item_join(const struct json *item, const char *key, const char *between, struct buf *out)
{
    bool is_first = true;
    for (const struct json *e = item_first(item, key); e != NULL; e = e->next) {
        if (e->type != JSON_STRING) {
            continue;
        }
        buf_add_text(out, is_first ? "" : between);
        if (!str_is_empty(e->key)) {
            buf_add(out, e->key);
            buf_add_char(out, '=');
        }
        buf_add(out, e->as.string);
        is_first = false;
    }
}
