/* loader.c - what all checks need: places, names, problems, "did you mean". */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TAG_VALUE_BYTES_MAX = 255, SHOWN_BYTES_MAX = 80 };

static const struct json *item_of(const struct json *object, const char *key, size_t index)
{
    const struct json *node = json_get(object, key);
    if (node == NULL || node->type != JSON_ARRAY) {
        return node;
    }
    for (node = node->child; node != NULL && index > 0; index--) {
        node = node->next;
    }
    return node;
}

struct location place_of_node(const struct json *node)
{
    return node == NULL ? (struct location){0}
                        : (struct location){node->line, node->column, node->file};
}

struct location place_of_key(const struct json *node)
{
    return node == NULL ? (struct location){0}
                        : (struct location){node->key_line, node->key_column, node->file};
}

struct location place_of(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return place_of_node(node == NULL ? object : node);
}

struct location place_of_item(const struct json *object, const char *key, size_t index)
{
    const struct json *node = item_of(object, key, index);
    return place_of_node(node == NULL ? object : node);
}

const struct json *first_of(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node == NULL ? NULL : node->child;
}

const struct json *next_of(const struct json *node)
{
    return node == NULL ? NULL : node->next;
}

bool is_counted_only(struct loader *l)
{
    bool is_full = l->problems->count == PROBLEMS_MAX;
    l->problems->total += is_full;
    return is_full;
}

/* --- names --- */

bool is_word(struct str text, size_t max, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (i == 0 || c == '\0' || strchr(also, c) == NULL)) {
            return false;
        }
    }
    return text.len > 0 && text.len <= max;
}

bool check_name(struct loader *l, struct location at, const char *what, struct str name)
{
    if (name.ptr == NULL || is_word(name, LIMIT_NAME_BYTES, "_-.")) {
        return name.ptr != NULL;
    }
    problems_add(l->problems, at,
                 STR("letters, digits, '_', '-' and '.', beginning with a letter or digit"),
                 "%s \"%.*s\" is not a name of 1 to %d characters", what,
                 (int)(name.len < 80 ? name.len : 80), name.ptr, LIMIT_NAME_BYTES);
    return false;
}

void nearest_offer(struct nearest *n, struct str candidate)
{
    size_t distance = str_distance(n->wanted, candidate);
    bool is_near = distance <= 2 && 2 * distance <= n->wanted.len;
    if (is_near && (n->best.len == 0 || distance < n->distance)) {
        n->best = candidate;
        n->distance = distance;
    }
}

const char *nearest_hint(const struct nearest *n, const char *otherwise, char hint[HINT_SIZE])
{
    if (n->best.len == 0) {
        return otherwise;
    }
    (void)snprintf(hint, HINT_SIZE, "did you mean " STR_FMT "?",
                   STR_ARG(str_slice(n->best, 0, SHOWN_BYTES_MAX)));
    return hint;
}

/* --- items --- */

void item_problem(const struct item *item, struct location at, const char *hint, const char *fmt,
                  ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct str name = str_slice(item->name, 0, LIMIT_ASSET_KEY_BYTES);
    problems_add(item->l->problems, at, str_from(hint), "%s%s" STR_FMT ": %s", item->what,
                 name.len == 0 ? "" : " ", STR_ARG(name), text);
}

struct location item_place(const struct item *item, const char *key)
{
    return place_of(item->node, key);
}

void item_twice(const struct item *item, struct location at, struct location first)
{
    if (first.file == at.file) {
        item_problem(item, at, NULL, "it is defined twice (first in line %u)", first.line);
        return;
    }
    item_problem(item, at, NULL, "it is defined twice (first in " STR_FMT ":%u)",
                 STR_ARG(item->l->problems->files[first.file]), first.line);
}

void item_template(const struct item *item, struct location at, const char *what, struct str text,
                   enum secrets secrets)
{
    struct err err = {0};
    if (!check_template(text, secrets, &err)) {
        item_problem(item, at, err.hint, "%s: %s", what, err.msg);
    }
}

void item_tags(const struct item *item, const struct str_map *tags)
{
    const struct json *node = first_of(item->node, "tags");
    for (size_t i = 0; i < tags->count; i++, node = next_of(node)) {
        struct location at = place_of_key(node);
        if (!is_word(tags->keys[i], LIMIT_NAME_BYTES, "_-./")) {
            item_problem(item, at, "letters, digits, '_', '-', '.' and '/'",
                         "tag \"" STR_FMT "\" is not a name of 1 to %d characters",
                         STR_ARG(str_slice(tags->keys[i], 0, SHOWN_BYTES_MAX)), LIMIT_NAME_BYTES);
        }
        if (tags->values[i].len > TAG_VALUE_BYTES_MAX) {
            item_problem(item, at, NULL, "the value of tag " STR_FMT " is longer than %d bytes",
                         STR_ARG(str_slice(tags->keys[i], 0, SHOWN_BYTES_MAX)),
                         TAG_VALUE_BYTES_MAX);
        }
    }
}
