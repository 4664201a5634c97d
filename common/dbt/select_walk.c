#include "common/dbt/select_run.h"
#include <string.h>

enum direction { UP, DOWN };

static const uint32_t *neighbours(const struct dbt_project *project, uint32_t node,
                                  enum direction direction, size_t *ret_count)
{
    if (direction == UP) {
        *ret_count = project->nodes[node].parent_count;
        return project->nodes[node].parents;
    }
    *ret_count = project->first_child[node + 1] - project->first_child[node];
    return project->children + project->first_child[node];
}

/* All that can be reached from `from` within `depth` steps, in run->mark, with `from` itself. */
static void reach(struct select_run *run, enum direction direction, uint32_t depth,
                  const bool *from)
{
    size_t count = run->project->count;
    size_t end = 0;
    memcpy(run->mark, from, count);
    for (uint32_t i = 0; i < count; i++) {
        if (from[i]) {
            run->queue[end++] = i;
        }
    }
    size_t at = 0;
    for (uint32_t step = 0; step < depth && at < end; step++) {
        size_t level_end = end;
        for (; at < level_end; at++) {
            size_t near_count = 0;
            const uint32_t *near = neighbours(run->project, run->queue[at], direction, &near_count);
            for (size_t k = 0; k < near_count; k++) {
                if (!run->mark[near[k]]) {
                    run->mark[near[k]] = true;
                    run->queue[end++] = near[k];
                }
            }
        }
    }
}

static void add(bool *set, const bool *more, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set[i] = set[i] || more[i];
    }
}

void select_add_relatives(struct select_run *run, const struct criterion *c, bool *set)
{
    size_t count = run->project->count;
    memcpy(run->from, set, count);
    if (c->has_parents) {
        reach(run, UP, c->parents_depth, run->from);
        add(set, run->mark, count);
    }
    if (c->has_children) {
        reach(run, DOWN, c->children_depth, run->from);
        add(set, run->mark, count);
    }
    if (c->is_at) {
        reach(run, DOWN, SELECT_DEPTH_ALL, run->from);
        memcpy(run->from, run->mark, count);
        reach(run, UP, SELECT_DEPTH_ALL, run->from);
        add(set, run->mark, count);
    }
}

static bool has_some(const struct dbt_node *node, const bool *set)
{
    for (size_t i = 0; i < node->parent_count; i++) {
        if (set[node->parents[i]]) {
            return true;
        }
    }
    return false;
}

static bool has_all(const struct dbt_node *node, const bool *set)
{
    for (size_t i = 0; i < node->parent_count; i++) {
        if (!set[node->parents[i]]) {
            return false;
        }
    }
    return true;
}

void select_add_tests(struct select_run *run, enum dbt_indirect mode, struct select_pair *pair)
{
    const struct dbt_project *project = run->project;
    bool *buildable = NULL;
    memcpy(run->from, pair->direct, project->count);
    if (mode == DBT_BUILDABLE) {
        reach(run, UP, SELECT_DEPTH_ALL, run->from);
        buildable = run->mark;
        for (size_t i = 0; i < project->count; i++) {
            buildable[i] = buildable[i] || project->nodes[i].type == DBT_SOURCE;
        }
    }
    for (size_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        if (!select_is_type(node, SELECT_TYPE(DBT_TEST) | SELECT_TYPE(DBT_UNIT_TEST)) ||
            !has_some(node, run->from)) {
            continue;
        }
        if (mode == DBT_EAGER || has_all(node, run->from) ||
            (buildable != NULL && has_all(node, buildable))) {
            pair->direct[i] = true;
        } else {
            pair->indirect[i] = true;
        }
    }
}

/* As in dbt: sources do not count as there, other than when a test is first met. */
void select_take_complete(struct select_run *run, enum dbt_indirect mode, struct select_pair *pair)
{
    const struct dbt_project *project = run->project;
    const bool *there = run->from;
    if (mode != DBT_CAUTIOUS && mode != DBT_BUILDABLE) {
        return;
    }
    memcpy(run->from, pair->direct, project->count);
    if (mode == DBT_BUILDABLE) {
        reach(run, UP, SELECT_DEPTH_ALL, run->from);
        there = run->mark;
    }
    for (size_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        if (pair->indirect[i] && select_is_type(node, SELECT_PARSED) && has_all(node, there)) {
            pair->direct[i] = true;
        }
    }
}
