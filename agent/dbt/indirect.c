#include "agent/dbt/indirect.h"

#include <string.h>

/* `set` and all that it is made from. */
static bool with_ancestors(const struct dbt_project *project, const bool *set, struct arena *arena,
                           bool **ret)
{
    bool *all = arena_array(arena, project->count, sizeof(*all));
    uint32_t *queue = arena_array(arena, project->count, sizeof(*queue));
    size_t count = 0;
    if (all == NULL || queue == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < project->count; i++) {
        all[i] = set[i];
        if (set[i]) {
            queue[count++] = i;
        }
    }
    for (size_t at = 0; at < count; at++) {
        const struct dbt_node *node = &project->nodes[queue[at]];
        for (size_t p = 0; p < node->parent_count; p++) {
            if (!all[node->parents[p]]) {
                all[node->parents[p]] = true;
                queue[count++] = node->parents[p];
            }
        }
    }
    *ret = all;
    return true;
}

static size_t parents_in(const struct dbt_node *test, const bool *set)
{
    size_t count = 0;
    for (size_t p = 0; p < test->parent_count; p++) {
        count += set[test->parents[p]];
    }
    return count;
}

bool dbt_add_tests(const struct dbt_project *project, enum dbt_indirect indirect,
                   const bool *allowed, bool *set, struct arena *arena, struct err *err)
{
    bool *nodes = arena_array(arena, project->count, sizeof(*nodes)); /* before tests come in */
    bool *buildable = nodes;
    if (nodes != NULL) {
        memcpy(nodes, set, project->count * sizeof(*nodes));
    }
    if (nodes == NULL ||
        (indirect == DBT_BUILDABLE && !with_ancestors(project, nodes, arena, &buildable))) {
        return err_set(err, ERR_NO_MEMORY, "no memory to select tests");
    }
    for (uint32_t i = 0; i < project->count && indirect != DBT_EMPTY; i++) {
        const struct dbt_node *test = &project->nodes[i];
        if (test->type != DBT_TEST || !allowed[i] || parents_in(test, nodes) == 0) {
            continue;
        }
        const bool *needed = indirect == DBT_BUILDABLE ? buildable : nodes;
        set[i] = set[i] || indirect == DBT_EAGER || parents_in(test, needed) == test->parent_count;
    }
    return true;
}
