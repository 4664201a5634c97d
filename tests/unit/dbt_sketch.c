#include "tests/unit/dbt_sketch.h"

#include "tests/support/cmocka_all.h"
#include <stdlib.h>

static enum dbt_type type_of(struct str word)
{
    for (int type = DBT_MODEL; type <= DBT_FUNCTION; type++) {
        if (str_eq(word, str_from(dbt_type_name((enum dbt_type)type)))) {
            return (enum dbt_type)type;
        }
    }
    fail_msg("no type " STR_FMT, STR_ARG(word));
    return DBT_MODEL;
}

static struct str unique_id(struct arena *arena, struct str drawn)
{
    struct str type = STR_NONE;
    struct str name = STR_NONE;
    assert_true(str_cut(drawn, '.', &type, &name));
    const struct str id = arena_printf(arena, STR_FMT ".p." STR_FMT, STR_ARG(type), STR_ARG(name));
    assert_non_null(id.ptr);
    return id;
}

static uint32_t find(const struct dbt_project *project, struct str id)
{
    for (uint32_t i = 0; i < project->count; i++) {
        if (str_eq(project->nodes[i].unique_id, id)) {
            return i;
        }
    }
    return DBT_NO_NODE;
}

static int by_id(const void *a, const void *b)
{
    return str_cmp(((const struct dbt_node *)a)->unique_id,
                   ((const struct dbt_node *)b)->unique_id);
}

static void draw_node(struct dbt_node *node, struct str line, struct arena *arena)
{
    struct str head = STR_NONE;
    struct str rest = STR_NONE;
    (void)str_cut(line, ':', &head, &rest);
    node->unique_id = unique_id(arena, str_trim(head));
    struct str type = STR_NONE;
    (void)str_cut(str_trim(head), '.', &type, &node->name);
    node->type = type_of(type);
    node->package = STR("p");
    node->attached = DBT_NO_NODE;
    node->materialized = node->type == DBT_MODEL ? STR("table") : type;
    node->is_compiled = true;
    struct str parents = STR_NONE;
    struct str flags = STR_NONE;
    (void)str_cut(rest, ';', &parents, &flags);
    if (str_contains(flags, STR("ephemeral"))) {
        node->materialized = STR("ephemeral");
    }
    node->goes_on = str_contains(flags, STR("goes_on"));
}

static void draw_parents(struct dbt_project *project, struct str line, struct arena *arena)
{
    struct str head = STR_NONE;
    struct str rest = STR_NONE;
    (void)str_cut(line, ':', &head, &rest);
    struct str parents = STR_NONE;
    struct str flags = STR_NONE;
    (void)str_cut(rest, ';', &parents, &flags);
    const uint32_t at = find(project, unique_id(arena, str_trim(head)));
    uint32_t *list = arena_array(arena, SKETCH_NODES_MAX, sizeof *list);
    assert_non_null(list);
    struct dbt_node *node = &project->nodes[at];
    for (parents = str_trim(parents); parents.len > 0; parents = str_trim(parents)) {
        struct str parent = STR_NONE;
        (void)str_cut(parents, ' ', &parent, &parents);
        list[node->parent_count] = find(project, unique_id(arena, parent));
        assert_int_not_equal(list[node->parent_count], DBT_NO_NODE);
        node->parent_count++;
    }
    node->parents = list;
}

void dbt_sketch_link(struct dbt_project *project, struct arena *arena)
{
    uint32_t *first = arena_array(arena, project->count + 2, sizeof *first);
    assert_non_null(first);
    size_t edges = 0;
    for (size_t i = 0; i < project->count; i++) {
        edges += project->nodes[i].parent_count;
        for (size_t p = 0; p < project->nodes[i].parent_count; p++) {
            first[project->nodes[i].parents[p] + 2]++;
        }
    }
    for (size_t i = 2; i <= project->count; i++) {
        first[i] += first[i - 1];
    }
    uint32_t *children = arena_array(arena, edges + 1, sizeof *children);
    assert_non_null(children);
    for (uint32_t i = 0; i < project->count; i++) {
        for (size_t p = 0; p < project->nodes[i].parent_count; p++) {
            children[first[project->nodes[i].parents[p] + 1]++] = i;
        }
    }
    project->first_child = first;
    project->children = children;
}

struct dbt_project *dbt_sketch(struct arena *arena, const char *const *lines, size_t count)
{
    struct dbt_project *project = arena_alloc(arena, sizeof *project);
    assert_non_null(project);
    project->schema_version = 12;
    project->count = count;
    project->nodes = arena_array(arena, count + 1, sizeof *project->nodes);
    assert_non_null(project->nodes);
    for (size_t i = 0; i < count; i++) {
        draw_node(&project->nodes[i], str_from(lines[i]), arena);
    }
    qsort(project->nodes, count, sizeof *project->nodes, by_id);
    for (size_t i = 0; i < count; i++) {
        draw_parents(project, str_from(lines[i]), arena);
    }
    dbt_sketch_link(project, arena);
    return project;
}

uint32_t dbt_sketch_node(const struct dbt_project *project, const char *name)
{
    struct arena arena = arena_new(4096);
    const uint32_t node = find(project, unique_id(&arena, str_from(name)));
    arena_release(&arena);
    if (node == DBT_NO_NODE) {
        fail_msg("no node %s", name);
    }
    return node;
}

void dbt_sketch_name(const struct dbt_project *project, uint32_t node, struct buf *out)
{
    const struct dbt_node *n = &project->nodes[node];
    buf_addf(out, "%s." STR_FMT, dbt_type_name(n->type), STR_ARG(n->name));
}
