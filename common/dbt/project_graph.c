#include "common/base/limits.h"
#include "common/dbt/manifest.h"

#include <stdlib.h>
#include <string.h>

static int by_unique_id(const void *a, const void *b)
{
    const struct dbt_node *one = a;
    const struct dbt_node *other = b;
    return str_cmp(one->unique_id, other->unique_id);
}

/* One place for each text: of the node that has it as its unique id, else DBT_NO_NODE. */
static uint32_t *places_of_ids(struct manifest *m, struct err *err)
{
    struct dbt_project *project = m->project;
    uint32_t *place = malloc((m->texts.count + 1U) * sizeof(*place));
    if (place == NULL) {
        (void)manifest_no_memory(m, err);
        return NULL;
    }
    memset(place, 0xff, (m->texts.count + 1U) * sizeof(*place));
    for (uint32_t i = 0; i < project->count; i++) {
        uint32_t id = 0;
        if (!texts_add(&m->texts, project->nodes[i].unique_id, &id, err)) {
            free(place);
            return NULL;
        }
        if (place[id] != DBT_NO_NODE) {
            (void)err_set(err, ERR_INVALID, STR_FMT " is there twice",
                          STR_ARG(str_clip(project->nodes[i].unique_id, 200)));
            free(place);
            return NULL;
        }
        place[id] = i;
    }
    return place;
}

/* dbt keeps the tests of a disabled model: without parents, declared on what is not there. */
static bool is_of_disabled(const struct dbt_node *node, const uint32_t *place)
{
    return node->type == DBT_TEST && node->parent_count == 0 && node->attached != DBT_NO_NODE &&
           place[node->attached] == DBT_NO_NODE;
}

static void drop_tests(struct dbt_project *project, const uint32_t *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < project->count; i++) {
        if (!is_of_disabled(&project->nodes[i], place)) {
            project->nodes[kept++] = project->nodes[i];
        }
    }
    project->passed_over += project->count - kept;
    project->count = kept;
}

static int by_place(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

/* Parents from ids to nodes: those that are there, each once, sorted, since dbt writes them in another
 * order each time that it compiles. `last` has for each
 * node the last child that was seen, + 1. */
static bool find_parents_of(struct manifest *m, uint32_t child, const uint32_t *place,
                            uint32_t *last)
{
    struct dbt_node *node = &m->project->nodes[child];
    node->attached = node->attached == DBT_NO_NODE ? DBT_NO_NODE : place[node->attached];
    if (node->parent_count == 0) {
        return true;
    }
    size_t count = 0;
    uint32_t *parents = arena_array(&m->project->arena, node->parent_count, sizeof(*parents));
    if (parents == NULL) {
        return false;
    }
    for (size_t k = 0; k < node->parent_count; k++) {
        uint32_t parent = place[node->parents[k]];
        if (parent != DBT_NO_NODE && last[parent] != child + 1) {
            last[parent] = child + 1;
            parents[count++] = parent;
        }
    }
    qsort(parents, count, sizeof(*parents), by_place);
    node->parents = parents;
    node->parent_count = count;
    return true;
}

static bool find_parents(struct manifest *m, const uint32_t *place, struct err *err)
{
    uint32_t *last = calloc(m->project->count + 1, sizeof(*last));
    bool ok = last != NULL;
    for (uint32_t i = 0; ok && i < m->project->count; i++) {
        ok = find_parents_of(m, i, place, last);
    }
    free(last);
    return ok || manifest_no_memory(m, err);
}

static bool find_children(struct manifest *m, struct err *err)
{
    struct dbt_project *project = m->project;
    size_t edges = 0;
    for (size_t i = 0; i < project->count; i++) {
        edges += project->nodes[i].parent_count;
    }
    uint32_t *first = arena_array(&project->arena, project->count + 2, sizeof(*first));
    uint32_t *children = arena_array(&project->arena, edges + 1, sizeof(*children));
    if (first == NULL || children == NULL) {
        return manifest_no_memory(m, err);
    }
    /* Counted two places on, so that filling moves each to its own. */
    for (size_t i = 0; i < project->count; i++) {
        for (size_t k = 0; k < project->nodes[i].parent_count; k++) {
            first[project->nodes[i].parents[k] + 2]++;
        }
    }
    for (size_t i = 2; i <= project->count; i++) {
        first[i] += first[i - 1];
    }
    for (uint32_t i = 0; i < project->count; i++) {
        for (size_t k = 0; k < project->nodes[i].parent_count; k++) {
            children[first[project->nodes[i].parents[k] + 1]++] = i;
        }
    }
    project->first_child = first;
    project->children = children;
    return true;
}

/* --- circles --------------------------------------------------------------------------------- */

/* Of a node that is on a circle or below one, up to a node of the circle, and one of its parents
 * there: `left` counts the parents of each node that are, too. */
static bool refuse_circle(const struct dbt_project *project, const uint32_t *left, struct err *err)
{
    uint32_t node = 0;
    while (left[node] == 0) {
        node++;
    }
    uint32_t parent = node;
    for (size_t steps = 0; steps <= project->count; steps++) { /* long enough to be on it */
        node = parent;
        size_t k = 0;
        while (left[project->nodes[node].parents[k]] == 0) {
            k++;
        }
        parent = project->nodes[node].parents[k];
    }
    return err_set(err, ERR_INVALID,
                   "a circle: " STR_FMT " is made from " STR_FMT
                   ", and that, in the end, from the first",
                   STR_ARG(str_clip(project->nodes[node].unique_id, 120)),
                   STR_ARG(str_clip(project->nodes[parent].unique_id, 120)));
}

/* Takes away those whose parents are all taken away, until none is left, or a circle. */
static bool check_order(const struct dbt_project *project, uint32_t *left, uint32_t *ready,
                        struct err *err)
{
    size_t count = 0;
    for (uint32_t i = 0; i < project->count; i++) {
        left[i] = (uint32_t)project->nodes[i].parent_count;
        if (left[i] == 0) {
            ready[count++] = i;
        }
    }
    for (size_t done = 0; done < count; done++) {
        for (uint32_t k = project->first_child[ready[done]];
             k < project->first_child[ready[done] + 1]; k++) {
            if (--left[project->children[k]] == 0) {
                ready[count++] = project->children[k];
            }
        }
    }
    return count == project->count || refuse_circle(project, left, err);
}

static bool check_circles(struct manifest *m, struct err *err)
{
    uint32_t *left = malloc((m->project->count + 1) * sizeof(*left));
    uint32_t *ready = malloc((m->project->count + 1) * sizeof(*ready));
    bool ok = left != NULL && ready != NULL ? check_order(m->project, left, ready, err)
                                            : manifest_no_memory(m, err);
    free(left);
    free(ready);
    return ok;
}

bool manifest_link(struct manifest *m, struct err *err)
{
    struct dbt_project *project = m->project;
    uint32_t *place = places_of_ids(m, err);
    if (place == NULL) {
        return false;
    }
    drop_tests(project, place);
    free(place);
    if (project->count > 0) {
        qsort(project->nodes, project->count, sizeof(*project->nodes), by_unique_id);
    }
    place = places_of_ids(m, err);
    bool ok = place != NULL && find_parents(m, place, err);
    free(place);
    return ok && find_children(m, err) && check_circles(m, err);
}

uint32_t dbt_project_find(const struct dbt_project *project, struct str unique_id)
{
    size_t from = 0;
    size_t to = project->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(project->nodes[middle].unique_id, unique_id);
        if (order == 0) {
            return (uint32_t)middle;
        }
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return DBT_NO_NODE;
}
