#include "agent/run/tags.h"

#include "common/json/json_writer.h"
#include <string.h>

static size_t find(const struct str_map *tags, struct str name)
{
    size_t i = 0;
    while (i < tags->count && !str_eq(tags->keys[i], name)) {
        i++;
    }
    return i;
}

bool tag_write_variable(struct str tag, struct buf *out)
{
    struct str prefix = STR("selvedge/");
    if (!str_starts(tag, prefix)) {
        return false;
    }
    buf_add(out, STR("SELVEDGE_TAG_"));
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = prefix.len; i < tag.len; i++) {
        char c = tag.ptr[i];
        const char *letter = memchr(lower, c, sizeof(lower) - 1);
        if (letter != NULL) {
            c = upper[letter - lower];
        } else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
            c = '_';
        }
        buf_add_char(out, c);
    }
    return true;
}

bool tags_get_variable(const struct str_map *tags, struct str variable, struct str *ret_value)
{
    for (size_t i = 0; i < tags->count; i++) {
        char text[TAG_VARIABLE_BYTES_MAX];
        struct buf name = buf_fixed(text, sizeof(text));
        if (tag_write_variable(tags->keys[i], &name) && !name.overflow &&
            str_eq(buf_str(&name), variable)) {
            *ret_value = tags->values[i];
            return true;
        }
    }
    return false;
}

struct str tags_get(const struct str_map *tags, struct str name)
{
    size_t i = find(tags, name);
    return i < tags->count ? tags->values[i] : STR_NONE;
}

int64_t tags_get_i64(const struct str_map *tags, struct str name, int64_t min, int64_t max,
                     int64_t fallback)
{
    int64_t value = fallback;
    return str_to_i64(tags_get(tags, name), min, max, &value) ? value : fallback;
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "tags of a run: out of memory");
}

static bool make_room(struct arena *arena, size_t count, struct str_map *ret, struct err *err)
{
    ret->keys = arena_array(arena, count, sizeof(*ret->keys));
    ret->values = arena_array(arena, count, sizeof(*ret->values));
    ret->count = 0;
    return (ret->keys != NULL && ret->values != NULL) || out_of_memory(err);
}

static bool put(struct arena *arena, struct str_map *tags, struct str name, struct str value)
{
    size_t i = find(tags, name);
    if (i == tags->count) {
        tags->keys[tags->count++] = arena_copy(arena, name);
    }
    tags->values[i] = arena_copy(arena, value);
    return tags->keys[i].ptr != NULL && tags->values[i].ptr != NULL;
}

void tags_remove(struct str_map *tags, struct str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < tags->count; i++) {
        if (!str_eq(tags->keys[i], name)) {
            tags->keys[kept] = tags->keys[i];
            tags->values[kept++] = tags->values[i];
        }
    }
    tags->count = kept;
}

bool tags_join(const struct str_map *first, const struct str_map *second, struct arena *arena,
               struct str_map *ret, struct err *err)
{
    const struct str_map *const both[] = {first, second};
    struct str_map joined = {0};
    if (!make_room(arena, first->count + second->count, &joined, err)) {
        return false;
    }
    for (size_t b = 0; b < COUNT_OF(both); b++) {
        for (size_t i = 0; i < both[b]->count; i++) {
            if (!put(arena, &joined, both[b]->keys[i], both[b]->values[i])) {
                return out_of_memory(err);
            }
        }
    }
    if (joined.count > TAGS_MAX) {
        return err_set(err, ERR_FULL, "%zu tags are more than a run may have (%d)", joined.count,
                       TAGS_MAX);
    }
    *ret = joined;
    return true;
}

bool tags_write(const struct str_map *tags, struct arena *arena, struct str *ret, struct err *err)
{
    *ret = STR_NONE;
    if (tags->count == 0) {
        return true;
    }
    AUTO(buf) text = buf_growing(TAGS_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    for (size_t i = 0; i < tags->count; i++) {
        jw_key(&w, tags->keys[i]);
        jw_str(&w, tags->values[i]);
    }
    jw_end_object(&w);
    if (text.overflow) {
        return err_set(err, ERR_FULL, "the tags of a run take more than %d bytes", TAGS_BYTES_MAX);
    }
    *ret = arena_copy(arena, buf_str(&text));
    return ret->ptr != NULL || out_of_memory(err);
}

bool tags_read(struct str text, struct arena *arena, struct str_map *ret, struct err *err)
{
    struct json *object = NULL;
    struct str_map tags = {0};
    *ret = tags;
    if (str_is_empty(text)) {
        return true;
    }
    if (!json_parse(text, TAGS_BYTES_MAX, arena, &object, err) ||
        !make_room(arena, object->count, &tags, err)) {
        return false;
    }
    for (const struct json *tag = object->child; tag != NULL; tag = tag->next) {
        if (tag->type == JSON_STRING && !put(arena, &tags, tag->key, tag->as.string)) {
            return out_of_memory(err);
        }
    }
    *ret = tags;
    return true;
}
