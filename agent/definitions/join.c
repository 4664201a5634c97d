/* join.c - what many files define, as if one file did: trees and structs in the same order. */
#include "agent/definitions/reading.h"

#include "common/base/limits.h"
#include "common/json/json_tree.h"
#include <stddef.h>
#include <string.h>

static const struct {
    const char *key;
    enum json_type type;
    size_t offset; /* of the list in struct raw_definitions */
    size_t size;
    size_t max; /* in all files */
} joined[] = {
#define JOINED(type, member, owner, max)                                                           \
    {                                                                                              \
#member, type, offsetof(struct raw_definitions, member), sizeof(struct owner), max         \
    }
    JOINED(JSON_OBJECT, resources, raw_resource, RESOURCES_MAX),
    JOINED(JSON_OBJECT, pools, pool, POOLS_MAX),
    JOINED(JSON_ARRAY, assets, raw_asset, LIMIT_ASSETS),
    JOINED(JSON_ARRAY, jobs, job, JOBS_MAX),
    JOINED(JSON_ARRAY, schedules, raw_schedule, JOBS_MAX),
    JOINED(JSON_ARRAY, sensors, raw_sensor, JOBS_MAX),
#undef JOINED
};

static const struct object_list *list_of(const struct raw_definitions *raw, size_t kind)
{
    return (const struct object_list *)(const void *)((const char *)raw + joined[kind].offset);
}

/* The structs of one kind, file after file. */
static bool join_structs(struct reading *r, size_t kind)
{
    size_t size = joined[kind].size;
    struct object_list all = {0};
    if (r->count == 1) { /* large ones are not there twice */
        all = *list_of(&r->sources[0].raw, kind);
        memcpy((char *)&r->l->raw + joined[kind].offset, &all, sizeof(all));
        return true;
    }
    for (size_t i = 0; i < r->count; i++) {
        all.count += list_of(&r->sources[i].raw, kind)->count;
    }
    char *items = arena_array(&r->l->scratch, all.count, size);
    if (items == NULL) {
        return false;
    }
    all.items = items;
    for (size_t i = 0; i < r->count; i++) {
        const struct object_list *list = list_of(&r->sources[i].raw, kind);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * size);
            items += list->count * size;
        }
    }
    if (all.count > joined[kind].max) {
        problems_add(r->l->problems, (struct location){0}, STR_NONE,
                     "more than %zu %s in all files", joined[kind].max, joined[kind].key);
        all.count = joined[kind].max;
    }
    memcpy((char *)&r->l->raw + joined[kind].offset, &all, sizeof(all));
    return true;
}

static struct json *member_of(const struct source *source, size_t kind)
{
    struct json *member = source->root == NULL ? NULL : source->root->child;
    while (member != NULL && !str_eq(member->key, str_from(joined[kind].key))) {
        member = member->next;
    }
    /* Of another type it was reported, and not read. */
    return member != NULL && member->type == joined[kind].type ? member : NULL;
}

/* The same of the trees: one list with the children of all. False: no memory. */
static bool join_lists(struct reading *r, size_t kind, struct json_open *whole)
{
    struct json_open all = {0};
    for (size_t i = 0; i < r->count; i++) {
        const struct json *member = member_of(&r->sources[i], kind);
        if (member != NULL && all.node == NULL) {
            all.node = arena_alloc(&r->l->scratch, sizeof(*all.node));
            if (all.node == NULL) {
                return false;
            }
            *all.node = *member;
            all.node->child = NULL;
            all.node->next = NULL;
            all.node->count = 0;
            json_append(whole, all.node);
        }
        /* As many as were read. */
        size_t count = list_of(&r->sources[i].raw, kind)->count;
        struct json *child = member == NULL ? NULL : member->child;
        for (; child != NULL && count > 0; count--) {
            struct json *next = child->next;
            child->next = NULL;
            json_append(&all, child);
            child = next;
        }
    }
    return true;
}

bool join_files(struct reading *r)
{
    struct json *main = r->sources[0].root;
    struct json_open whole = {.node = arena_alloc(&r->l->scratch, sizeof(*whole.node))};
    if (whole.node == NULL) {
        return false;
    }
    *whole.node = *main;
    whole.node->type = JSON_OBJECT;
    whole.node->child = NULL;
    whole.node->count = 0;
    struct json *project = main->type == JSON_OBJECT ? take_member(main, STR("project")) : NULL;
    if (project != NULL) {
        json_append(&whole, project);
    }
    for (size_t kind = 0; kind < COUNT_OF(joined); kind++) {
        if (!join_structs(r, kind) || !join_lists(r, kind, &whole)) {
            return false;
        }
    }
    r->l->root = whole.node;
    r->l->raw.project = r->sources[0].raw.project;
    return expand_steps(r->l, whole.node) && give_way(r->l, whole.node);
}
