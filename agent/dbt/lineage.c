#include "agent/dbt/lineage.h"

#include "agent/dbt/names.h"

#include <stdlib.h>

struct walk {
    const struct dbt_project *project;
    bool stops_at_metrics;
    uint32_t *queue; /* nodes to look at, and those that were */
    size_t count, room;
    uint32_t *found;
    size_t found_count, found_room;
    struct arena *arena;
};

static bool append(struct arena *arena, uint32_t **items, size_t *count, size_t *room, uint32_t v)
{
    if (*count == *room) {
        size_t more = *room == 0 ? 16 : 2 * *room;
        uint32_t *grown = arena_array(arena, more, sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        for (size_t i = 0; i < *count; i++) {
            grown[i] = (*items)[i];
        }
        *items = grown;
        *room = more;
    }
    (*items)[(*count)++] = v;
    return true;
}

static bool is_end(const struct walk *w, uint32_t node)
{
    const struct dbt_node *n = &w->project->nodes[node];
    return dbt_is_asset(n) || n->type == DBT_SOURCE ||
           (n->type == DBT_METRIC && w->stops_at_metrics);
}

static bool was_queued(const struct walk *w, uint32_t node)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->queue[i] == node) {
            return true;
        }
    }
    return false;
}

static bool look_at_parents(struct walk *w, uint32_t node)
{
    const struct dbt_node *n = &w->project->nodes[node];
    for (size_t i = 0; i < n->parent_count; i++) {
        uint32_t parent = n->parents[i];
        bool ok =
            is_end(w, parent)
                ? append(w->arena, &w->found, &w->found_count, &w->found_room, parent)
                : was_queued(w, parent) || append(w->arena, &w->queue, &w->count, &w->room, parent);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

bool dbt_made_from(const struct dbt_project *project, uint32_t node, struct arena *arena,
                   uint32_t **ret, size_t *ret_count, struct err *err)
{
    enum dbt_type type = project->nodes[node].type;
    struct walk w = {.project = project,
                     .arena = arena,
                     .stops_at_metrics = type == DBT_EXPOSURE || type == DBT_METRIC};
    bool ok = look_at_parents(&w, node);
    for (size_t i = 0; ok && i < w.count; i++) {
        ok = look_at_parents(&w, w.queue[i]);
    }
    if (!ok) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the lineage of a project");
    }
    size_t kept = 0;
    if (w.found_count > 0) {
        qsort(w.found, w.found_count, sizeof(*w.found), compare);
    }
    for (size_t i = 0; i < w.found_count; i++) {
        if (kept == 0 || w.found[kept - 1] != w.found[i]) {
            w.found[kept++] = w.found[i];
        }
    }
    *ret = w.found;
    *ret_count = kept;
    return true;
}
