#include "agent/dbt/built.h"

#include "agent/dbt/names.h"
#include "agent/dbt/results.h"
#include "common/base/limits.h"
#include "common/dbt/compared.h"
#include "common/platform/files.h"

enum { BUILT_ARENA_BYTES = 64 << 20 };

bool dbt_built_path(struct str state_dir, struct str step, char *ret, size_t size, struct err *err)
{
    return dbt_step_file(state_dir, step, ".state", ret, size, err);
}

static bool is_made_here(const struct dbt_built *built, uint32_t node)
{
    return built->scope[node] && dbt_is_asset(&built->project->nodes[node]);
}

static bool ended_well(const struct dbt_built *built, uint32_t node)
{
    enum dbt_status status = (enum dbt_status)built->statuses[node];
    return status == DBT_SUCCESS || status == DBT_PASS || status == DBT_WARN || status == DBT_NO_OP;
}

/* `is_taken` begins as all true. What is made here and was not built well is not taken, nor is anything
 * that it is made from, up to what is made here, or however far. */
static void hold_back(const struct dbt_built *built, bool however_far, bool *is_taken,
                      uint32_t *stack)
{
    const struct dbt_project *project = built->project;
    size_t depth = 0;
    for (uint32_t i = 0; i < project->count; i++) {
        bool is_run = is_made_here(built, i) || project->nodes[i].type == DBT_TEST;
        is_taken[i] = !is_run || ended_well(built, i);
    }
    for (uint32_t i = 0; i < project->count; i++) {
        if (is_made_here(built, i) && !is_taken[i]) {
            stack[depth++] = i;
        }
        while (depth > 0) {
            const struct dbt_node *node = &project->nodes[stack[--depth]];
            for (size_t k = 0; k < node->parent_count; k++) {
                uint32_t parent = node->parents[k];
                if (is_taken[parent] && (however_far || !is_made_here(built, parent))) {
                    is_taken[parent] = false;
                    stack[depth++] = parent;
                }
            }
        }
    }
}

bool dbt_built_taken(const struct dbt_built *built, bool however_far, struct arena *arena,
                     bool **ret, struct err *err)
{
    size_t count = built->project->count;
    uint32_t *stack = arena_array(arena, count + 1, sizeof(*stack));
    *ret = arena_array(arena, count + 1, sizeof(**ret));
    if (*ret == NULL || stack == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a project");
    }
    hold_back(built, however_far, *ret, stack);
    return true;
}

static bool is_current(const struct dbt_project *before, const struct dbt_project *now)
{
    char made_of[DBT_MADE_OF_SIZE];
    dbt_made_of(now, made_of);
    return before != NULL && before->count == now->count &&
           str_eq(before->made_of, str_from(made_of));
}

static bool write_file(const char *path, const struct dbt_compared *compared, struct err *err)
{
    AUTO(buf) packed = buf_growing(LIMIT_DBT_MANIFEST_BYTES);
    return dbt_compared_make(compared, &packed, err) &&
           files_write(path, buf_str(&packed), 0640, err);
}

bool dbt_built_keep(const char *path, const struct dbt_built *built, struct err *err)
{
    AUTO(arena) arena = arena_new(BUILT_ARENA_BYTES);
    const struct dbt_open open = {.path = path};
    struct dbt_project *before = NULL;
    struct err damaged = {0};
    if (files_exist(path) && !dbt_project_open(&open, &before, &damaged)) {
        before = NULL;
    }
    if (is_current(before, built->project)) {
        dbt_project_close(before);
        return true;
    }
    bool *is_taken = NULL;
    bool ok = dbt_built_taken(built, false, &arena, &is_taken, err);
    if (ok) {
        const struct dbt_compared compared = {
            .now = built->project, .is_taken = is_taken, .before = before};
        ok = write_file(path, &compared, err);
    }
    dbt_project_close(before);
    return ok;
}
