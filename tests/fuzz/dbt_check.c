#include "tests/fuzz/dbt_check.h"

#include "common/base/limits.h"
#include "common/platform/files.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARENA_BYTES = 64 << 20 };

struct dbt_project *dbt_check_open(struct str bytes, bool is_pair)
{
    char path[64];
    struct err err = {0};
    struct dbt_project *project = NULL;
    AUTO(fd) fd = {memfd_create("fuzz", MFD_CLOEXEC)};
    assert(fd.n >= 0);
    bool ok = files_write_fd(fd.n, bytes, &err);
    assert(ok);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd.n);
    const struct dbt_open open = {.path = path, .incremental = is_pair ? path : NULL};
    if (!dbt_project_open(&open, &project, &err)) {
        assert(err.code != ERR_NONE && err.code != ERR_INTERNAL && err.msg[0] != '\0');
        return NULL;
    }
    return project;
}

static void check_edges(const struct dbt_project *project, uint32_t i)
{
    const struct dbt_node *node = &project->nodes[i];
    for (size_t k = 0; k < node->parent_count; k++) {
        uint32_t parent = node->parents[k];
        assert(parent < project->count && parent != i);
        bool is_child = false;
        for (uint32_t c = project->first_child[parent]; c < project->first_child[parent + 1]; c++) {
            is_child = is_child || project->children[c] == i;
        }
        assert(is_child);
    }
    assert(node->attached == DBT_NO_NODE || node->attached < project->count);
    assert(project->first_child[i] <= project->first_child[i + 1]);
    for (uint32_t c = project->first_child[i]; c < project->first_child[i + 1]; c++) {
        assert(project->children[c] < project->count);
        assert(c == project->first_child[i] || project->children[c - 1] < project->children[c]);
    }
}

void dbt_check_project(const struct dbt_project *project)
{
    for (uint32_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        assert(i == 0 || str_cmp(project->nodes[i - 1].unique_id, node->unique_id) < 0);
        assert(dbt_project_find(project, node->unique_id) == i);
        assert(node->places[DBT_FULL].length > 0);
        assert(node->places[DBT_FULL].length <= LIMIT_DBT_NODE_BYTES);
        check_edges(project, i);
        for (enum dbt_variant v = DBT_FULL; v <= DBT_INCREMENTAL; v++) {
            AUTO(arena) arena = arena_new(ARENA_BYTES);
            struct json *read = NULL;
            struct err err = {0};
            bool ok = dbt_project_read(project, i, v, &arena, &read, &err);
            assert(ok || err.code == ERR_INVALID || err.code == ERR_FULL ||
                   (err.code == ERR_NOT_FOUND && node->places[v].length == 0));
        }
    }
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct json *selectors = NULL;
    struct err err = {0};
    bool ok = dbt_project_read_selectors(project, &arena, &selectors, &err);
    assert(ok || err.code == ERR_INVALID || err.code == ERR_FULL);
}
