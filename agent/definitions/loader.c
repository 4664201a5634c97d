/* loader.c - what all checks need: places, names, "did you mean". */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include <string.h>

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
