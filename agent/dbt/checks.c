#include "agent/dbt/checks.h"

#include "agent/dbt/names.h"
#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/model/asset_key.h"

enum { TEST_ARENA_BYTES = 64 << 20 };

static bool can_have(const struct dbt_project *project, uint32_t node)
{
    return dbt_is_asset(&project->nodes[node]) || project->nodes[node].type == DBT_SOURCE;
}

/* `meta.dagster.ref`: {name, package, version} of the model that the test is about. */
static bool is_ref(const struct dbt_node *node, const struct json *ref)
{
    struct str package = dbt_text(ref, "package");
    const struct json *version = json_get(ref, "version");
    struct str wanted = version == NULL                ? STR("")
                        : version->type == JSON_STRING ? version->as.string
                                                       : version->written;
    return str_eq(node->name, dbt_text(ref, "name")) &&
           (package.len == 0 || str_eq(node->package, package)) &&
           (wanted.len == 0 || str_eq(node->version, wanted));
}

static bool find_ref(const struct dbt_project *project, uint32_t test, uint32_t *ret,
                     struct err *err)
{
    const struct dbt_node *t = &project->nodes[test];
    AUTO(arena) scratch = arena_new(TEST_ARENA_BYTES);
    struct json *node = NULL;
    *ret = DBT_NO_NODE;
    if (!dbt_project_read(project, test, DBT_FULL, &scratch, &node, err)) {
        return false;
    }
    const struct json *ref = dbt_meta(node, "ref");
    for (size_t i = 0; ref != NULL && i < t->parent_count; i++) {
        uint32_t parent = t->parents[i];
        if (can_have(project, parent) && is_ref(&project->nodes[parent], ref)) {
            *ret = parent;
        }
    }
    return true;
}

static bool find_home(const struct dbt_project *project, uint32_t test, uint32_t *ret,
                      struct err *err)
{
    const struct dbt_node *t = &project->nodes[test];
    uint32_t home = t->attached != DBT_NO_NODE ? t->attached
                    : t->parent_count == 1     ? t->parents[0]
                                               : DBT_NO_NODE;
    if (home == DBT_NO_NODE && t->parent_count > 1) {
        return find_ref(project, test, ret, err);
    }
    *ret = home != DBT_NO_NODE && can_have(project, home) ? home : DBT_NO_NODE;
    return true;
}

/* Tests of two packages may have one name. */
static bool set_name(const struct dbt_project *project, struct strmap *known, struct arena *arena,
                     struct dbt_check *check)
{
    const struct dbt_node *test = &project->nodes[check->test];
    uint32_t ignored = 0;
    check->name = name_from(test->name, LIMIT_CHECK_NAME_BYTES, arena);
    struct str place = arena_printf(arena, "%u/" STR_FMT, check->on, STR_ARG(check->name));
    if (place.ptr != NULL && strmap_get(known, place, &ignored)) {
        check->name = name_from(test->unique_id, LIMIT_CHECK_NAME_BYTES, arena);
        return check->name.ptr != NULL;
    }
    return place.ptr != NULL && strmap_put(known, place, 0);
}

static bool keep_name_of_freshness(const struct dbt_project *project, struct strmap *known,
                                   struct arena *arena)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < project->count; i++) {
        if (project->nodes[i].type == DBT_SOURCE) {
            struct str place = arena_printf(arena, "%u/" DBT_FRESHNESS_CHECK, i);
            ok = place.ptr != NULL && strmap_put(known, place, 0);
        }
    }
    return ok;
}

bool dbt_checks_make(const struct dbt_project *project, struct arena *arena, struct dbt_checks *ret,
                     struct err *err)
{
    struct strmap known = strmap_new(arena);
    size_t count = 0;
    for (size_t i = 0; i < project->count; i++) {
        count += project->nodes[i].type == DBT_TEST;
    }
    *ret = (struct dbt_checks){.items = arena_array(arena, count, sizeof(*ret->items))};
    bool ok = ret->items != NULL && keep_name_of_freshness(project, &known, arena);
    for (uint32_t i = 0; ok && i < project->count; i++) {
        if (project->nodes[i].type != DBT_TEST) {
            continue;
        }
        struct dbt_check *check = &ret->items[ret->count++];
        *check = (struct dbt_check){.test = i};
        if (!find_home(project, i, &check->on, err)) {
            return false;
        }
        if (!set_name(project, &known, arena, check)) {
            break;
        }
    }
    return ret->count == count && !arena->exhausted
               ? true
               : err_set(err, ERR_NO_MEMORY, "no memory for the tests of a project");
}
