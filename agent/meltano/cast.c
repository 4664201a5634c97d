/* cast.c - a value in the kind of its setting (meltano 4.2.2, core/setting_definition.py). */
#include "agent/meltano/service.h"

#include "common/base/limits.h"
#include <string.h>

enum { TEXT_BYTES_MAX = 4 << 20 };

static bool is_truthy(struct str text)
{
    static const char *const words[] = {"true", "1", "yes", "on"};
    char lower[8];
    if (text.len >= sizeof(lower)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        lower[i] = ascii_lower(text.ptr[i]);
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq((struct str){lower, text.len}, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

static struct str without_plus(struct str text)
{
    text = str_trim(text);
    return text.len > 1 && text.ptr[0] == '+' ? str_slice(text, 1, text.len) : text;
}

static const struct json *to_integer(struct service *s, const struct setting *setting,
                                     struct str text)
{
    int64_t value = 0;
    if (!str_to_i64(without_plus(text), INT64_MIN, INT64_MAX, &value)) {
        setting_problem(s, setting, "its value is no integer");
        return NULL;
    }
    return tree_int(s->arena, value);
}

static const struct json *to_decimal(struct service *s, const struct setting *setting,
                                     struct str text)
{
    int64_t integer = 0;
    double real = 0;
    text = without_plus(text);
    if (str_to_i64(text, INT64_MIN, INT64_MAX, &integer)) {
        return tree_int(s->arena, integer);
    }
    if (!str_to_double(text, &real)) {
        setting_problem(s, setting, "its value is no number");
        return NULL;
    }
    struct json *node = tree_new(s->arena, JSON_REAL);
    if (node != NULL) {
        node->as.real = real;
    }
    return node;
}

static const struct json *to_container(struct service *s, const struct setting *setting,
                                       struct str text, enum json_type type)
{
    struct json *root = NULL;
    struct err err = {0};
    if (!json_parse(text, TEXT_BYTES_MAX, s->arena, &root, &err) || root->type != type) {
        setting_problem(s, setting, "its value is no JSON %s",
                        type == JSON_ARRAY ? "array" : "object");
        return NULL;
    }
    return root;
}

static bool is_option(const struct setting *setting, const struct json *value)
{
    const struct json *options = tree_get_typed(setting->entry, "options", JSON_ARRAY);
    for (const struct json *o = options == NULL ? NULL : options->child; o != NULL; o = o->next) {
        if (tree_equal(json_get(o, "value"), value)) {
            return true;
        }
    }
    return false;
}

static const struct json *nest_object(struct service *s, const struct setting *setting,
                                      const struct json *value)
{
    if (value->type != JSON_OBJECT) {
        return value;
    }
    struct json *nested = tree_new(s->arena, JSON_OBJECT);
    for (const struct json *m = value->child; nested != NULL && m != NULL; m = m->next) {
        if (!tree_nest(s->arena, nested, m->key, m)) {
            setting_problem(s, setting,
                            "the key " STR_FMT " nests into something else, or too deep",
                            STR_ARG(str_clip(m->key, 80)));
        }
    }
    return nested;
}

static const struct json *upper(struct service *s, const struct json *value)
{
    if (value->type != JSON_STRING) {
        return value;
    }
    AUTO(buf) out = buf_growing(value->as.string.len + 1);
    for (size_t i = 0; i < value->as.string.len; i++) {
        buf_add_char(&out, ascii_upper(value->as.string.ptr[i]));
    }
    return tree_str(s->arena, out.len == 0 ? STR("") : arena_copy(s->arena, buf_str(&out)));
}

static const struct json *stringify(struct service *s, const struct json *value)
{
    if (value->type == JSON_STRING) {
        return value;
    }
    AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
    tree_write_dumps(&out, value);
    return tree_str(s->arena, out.len == 0 ? STR("") : arena_copy(s->arena, buf_str(&out)));
}

static const struct json *process(struct service *s, const struct setting *setting,
                                  struct str processor, const struct json *value)
{
    if (str_eq(processor, STR("nest_object"))) {
        return nest_object(s, setting, value);
    }
    if (str_eq(processor, STR("upcase_string"))) {
        return upper(s, value);
    }
    return str_eq(processor, STR("stringify")) ? stringify(s, value) : value;
}

const struct json *cast_value(struct service *s, const struct setting *setting,
                              const struct json *value)
{
    if (value->type == JSON_STRING) {
        struct str text = value->as.string;
        switch (setting->kind) {
        case KIND_BOOLEAN: {
            struct json *node = tree_new(s->arena, JSON_BOOL);
            if (node != NULL) {
                node->as.boolean = is_truthy(text);
            }
            value = node;
            break;
        }
        case KIND_INTEGER:
            value = to_integer(s, setting, text);
            break;
        case KIND_DECIMAL:
            value = to_decimal(s, setting, text);
            break;
        case KIND_ARRAY:
            value = to_container(s, setting, text, JSON_ARRAY);
            break;
        case KIND_OBJECT:
            value = to_container(s, setting, text, JSON_OBJECT);
            break;
        case KIND_NONE:
        case KIND_STRING:
        case KIND_DATE:
        case KIND_OPTIONS:
            break;
        }
    }
    if (value != NULL && setting->kind == KIND_OPTIONS && !is_option(setting, value)) {
        setting_problem(s, setting, "its value is none of its options");
        return NULL;
    }
    return value == NULL
               ? NULL
               : process(s, setting, tree_get_str(setting->entry, "value_processor"), value);
}

/* A date that is no date of ISO 8601 is one of "3 days ago" and the like. */
static bool looks_like_date(struct str text)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        bool is_digit = i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (i >= text.len || (shape[i] == 'd' ? !is_digit : text.ptr[i] != '-')) {
            return false;
        }
    }
    return true;
}

const struct json *post_process(struct service *s, const struct setting *setting,
                                const struct json *value)
{
    struct str processor = tree_get_str(setting->entry, "value_post_processor");
    if (value == NULL) {
        return NULL;
    }
    bool is_date =
        str_eq(processor, STR("parse_date")) || (processor.len == 0 && setting->kind == KIND_DATE);
    if (is_date && value->type == JSON_STRING && !looks_like_date(value->as.string)) {
        setting_problem(s, setting,
                        "a date in words is passed on as it is: write it as 2026-01-31");
    }
    return process(s, setting, processor, value);
}
