#include "common/json/json_tree.h"

#include <stdlib.h>

void json_append(struct json_open *open, struct json *child)
{
    if (open->last == NULL) {
        open->node->child = child;
    } else {
        open->last->next = child;
    }
    open->last = child;
    open->node->count++;
}

struct member {
    struct json *node;
    size_t position;
    bool is_repeat;
};

static int compare_keys(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int order = str_cmp(a->node->key, b->node->key);
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

static int compare_positions(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    return (a->position > b->position) - (a->position < b->position);
}

/* Marks each member whose key an earlier one has; `members` are sorted by key, then position. The
 * first repeat among the first `own` positions, or NULL. */
static const struct json *mark_repeats(struct member *members, size_t count, size_t own)
{
    const struct member *first = NULL;
    for (size_t i = 1; i < count; i++) {
        struct member *m = &members[i];
        m->is_repeat = str_eq(m->node->key, members[i - 1].node->key);
        if (m->is_repeat && m->position < own && (first == NULL || m->position < first->position)) {
            first = m;
        }
    }
    return first == NULL ? NULL : first->node;
}

static void relink(struct json *object, struct member *members, size_t count)
{
    qsort(members, count, sizeof(*members), compare_positions);
    struct json_open open = {.node = object};
    object->child = NULL;
    object->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!members[i].is_repeat) {
            members[i].node->next = NULL;
            json_append(&open, members[i].node);
        }
    }
}

enum json_close json_close_object(struct json *object, size_t own, struct arena *arena,
                                  const struct json **ret_duplicate)
{
    enum { SMALL = 16 };
    struct member small[SMALL];
    size_t count = object->count;
    struct member *members =
        count <= SMALL ? small : arena_array(arena, count, sizeof(struct member));
    if (members == NULL) {
        return JSON_CLOSE_NO_MEMORY;
    }
    size_t position = 0;
    for (struct json *node = object->child; node != NULL; node = node->next) {
        members[position] = (struct member){.node = node, .position = position};
        position++;
    }
    qsort(members, count, sizeof(*members), compare_keys);
    const struct json *duplicate = mark_repeats(members, count, own);
    if (duplicate != NULL) {
        *ret_duplicate = duplicate;
        return JSON_CLOSE_DUPLICATE;
    }
    if (own < count) {
        relink(object, members, count);
    }
    return JSON_CLOSE_OK;
}
