#include "hub/rows/freshness_list.h"

#include <string.h>

static struct freshness_counts *counts_of(struct freshness_list *list, struct str name)
{
    uint32_t number = 0;
    if (list->by_name.arena == NULL) {
        list->by_name = strmap_new(list->arena);
    }
    if (strmap_get(&list->by_name, name, &number)) {
        return &list->items[number];
    }
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 64 : 2 * list->cap;
        struct freshness_counts *more = arena_array(list->arena, cap, sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        if (list->count > 0) {
            memcpy(more, list->items, list->count * sizeof(*more));
        }
        list->items = more;
        list->cap = cap;
    }
    struct str copy = arena_copy(list->arena, name);
    if (copy.ptr == NULL || !strmap_put(&list->by_name, copy, (uint32_t)list->count)) {
        return NULL;
    }
    return &list->items[list->count++];
}

static void add(void *ctx, const struct hub_freshness *f)
{
    struct freshness_list *list = ctx;
    struct freshness_counts *counts = counts_of(list, list->is_by_device ? f->device : f->asset);
    if (counts == NULL) {
        list->has_failed = true;
        return;
    }
    counts->of[f->word]++;
}

bool freshness_list_read(struct freshness_list *list, struct db *db,
                         const struct hub_filter *filter, struct wall_time now, struct err *err)
{
    list->by_name = strmap_new(list->arena);
    if (!hub_each_freshness(db, filter, now, add, list, err)) {
        return false;
    }
    return !list->has_failed || err_set(err, ERR_FULL, "the list does not fit into memory");
}

void freshness_list_put(struct freshness_list *list, struct str name,
                        const int64_t counts[FRESH_COUNT])
{
    struct freshness_counts *kept = NULL;
    for (int i = 0; i < FRESH_COUNT; i++) {
        kept = kept == NULL && counts[i] > 0 ? counts_of(list, name) : kept;
    }
    if (kept != NULL) {
        memcpy(kept->of, counts, sizeof(kept->of));
    }
}

const struct freshness_counts *freshness_list_find(const struct freshness_list *list,
                                                   struct str name)
{
    uint32_t number = 0;
    return strmap_get(&list->by_name, name, &number) ? &list->items[number] : NULL;
}

void freshness_counts_member(const int64_t counts[FRESH_COUNT], struct json_writer *w)
{
    bool is_begun = false;
    for (int i = 0; i < FRESH_COUNT; i++) {
        if (counts[i] > 0) {
            if (!is_begun) {
                jw_key(w, STR("freshness"));
                jw_begin_object(w);
            }
            is_begun = true;
            jw_member_i64(w, freshness_word((enum freshness_word)i), counts[i]);
        }
    }
    if (is_begun) {
        jw_end_object(w);
    }
}

void freshness_member(const struct freshness_list *list, struct json_writer *w, struct str name)
{
    const struct freshness_counts *counts = freshness_list_find(list, name);
    if (counts != NULL) {
        freshness_counts_member(counts->of, w);
    }
}
