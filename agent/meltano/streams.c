/* streams.c - the streams that select rules name. */
#include "agent/meltano/glob.h"
#include "agent/meltano/reading.h"

/* The part before the first dot that has no backslash before it, without its escapes. */
static struct str stream_of(struct str pattern, struct str *ret_rest, struct arena *arena)
{
    AUTO(buf) out = buf_growing(pattern.len + 1);
    size_t i = 0;
    for (; i < pattern.len && pattern.ptr[i] != '.'; i++) {
        if (pattern.ptr[i] == '\\' && i + 1 < pattern.len && pattern.ptr[i + 1] == '.') {
            i++;
        }
        buf_add_char(&out, pattern.ptr[i]);
    }
    *ret_rest = i < pattern.len ? str_slice(pattern, i + 1, pattern.len) : STR_NONE;
    return out.len == 0 ? STR("") : arena_copy(arena, buf_str(&out));
}

static void offer(struct str_list *list, struct str stream)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], stream)) {
            return;
        }
    }
    list->items[list->count++] = stream;
}

/* `!stream`, `!stream.*` and the like take a whole stream away. */
static bool is_excluded(const struct json *rules, struct str stream, struct arena *arena)
{
    for (const struct json *rule = rules->child; rule != NULL; rule = rule->next) {
        struct str text = rule->type == JSON_STRING ? rule->as.string : STR("");
        struct str rest = STR_NONE;
        if (!str_starts(text, STR("!"))) {
            continue;
        }
        struct str pattern = stream_of(str_slice(text, 1, text.len), &rest, arena);
        if ((rest.len == 0 || str_eq(rest, STR("*"))) && glob_matches(stream, pattern)) {
            return true;
        }
    }
    return false;
}

/* select_filter: names of streams, or !name, that narrow what `select` chose. */
static bool is_filtered(const struct json *filter, struct str stream)
{
    bool has_names = false;
    bool is_named = false;
    const struct json *rule = filter == NULL || filter->type != JSON_ARRAY ? NULL : filter->child;
    for (; rule != NULL; rule = rule->next) {
        struct str text = rule->type == JSON_STRING ? rule->as.string : STR("");
        if (str_starts(text, STR("!"))) {
            if (glob_matches(stream, str_slice(text, 1, text.len))) {
                return true;
            }
        } else {
            has_names = true;
            is_named = is_named || glob_matches(stream, text);
        }
    }
    return has_names && !is_named;
}

static const struct json *value_of(const struct meltano_setup *tap, struct str name)
{
    const struct meltano_value *value = meltano_find_value(tap, name);
    return value == NULL ? NULL : value->value;
}

struct str_list meltano_streams(const struct meltano_setup *tap, struct arena *arena)
{
    const struct json *rules = value_of(tap, STR("_select"));
    const struct json *filter = value_of(tap, STR("_select_filter"));
    if (rules == NULL || rules->type != JSON_ARRAY || value_of(tap, STR("_catalog")) != NULL) {
        return (struct str_list){0};
    }
    struct str_list named = {.items = arena_array(arena, rules->count, sizeof(struct str))};
    for (const struct json *rule = rules->child; named.items != NULL && rule != NULL;
         rule = rule->next) {
        struct str text = rule->type == JSON_STRING ? rule->as.string : STR("");
        struct str rest = STR_NONE;
        if (str_starts(text, STR("!"))) {
            continue;
        }
        struct str stream = stream_of(text, &rest, arena);
        if (stream.len == 0 || glob_is_pattern(stream)) {
            return (struct str_list){0};
        }
        if (!is_excluded(rules, stream, arena) && !is_filtered(filter, stream)) {
            offer(&named, stream);
        }
    }
    return named;
}
