/* dbt_select_state_test.c - `state:` and what else reads nodes again, on tests/data/dbt_state: two manifests
 * between which each node changes in one way, that its name says. */
#include "common/dbt/bundle.h"
#include "common/dbt/compared.h"
#include "common/dbt/select.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/data/dbt_state/"

struct pair {
    struct dbt_project *before, *after;
    struct arena arena;
    struct str_list warnings;
    struct err err;
};

static struct dbt_project *open_project(const char *path)
{
    struct dbt_project *project = NULL;
    struct err err = {0};
    const struct dbt_open open = {.path = path};
    if (!dbt_project_open(&open, &project, &err)) {
        fail_msg("%s", err.msg);
    }
    return project;
}

static int init(void **state)
{
    static struct pair pair;
    pair = (struct pair){.before = open_project(FOLDER "before.json"),
                         .after = open_project(FOLDER "after.json"),
                         .arena = arena_new(64 << 20)};
    *state = &pair;
    return 0;
}

static int fini(void **state)
{
    struct pair *p = *state;
    dbt_project_close(p->before);
    dbt_project_close(p->after);
    arena_release(&p->arena);
    return 0;
}

/* "model.body" of "model.m.body", one after the other. */
static const char *names_of(struct pair *p, const bool *set)
{
    AUTO(buf) names = buf_growing(1 << 16);
    for (size_t i = 0; i < p->after->count; i++) {
        struct str type = STR_NONE;
        struct str rest = STR_NONE;
        if (!set[i]) {
            continue;
        }
        (void)str_cut(p->after->nodes[i].unique_id, '.', &type, &rest);
        (void)str_cut(rest, '.', &(struct str){0}, &rest);
        buf_addf(&names, "%s" STR_FMT "." STR_FMT, names.len == 0 ? "" : " ", STR_ARG(type),
                 STR_ARG(rest));
    }
    return arena_cstr(&p->arena, buf_str(&names));
}

static bool open_before(void *ctx, const struct dbt_project **ret, struct err *err)
{
    struct pair *p = ctx;
    (void)err;
    *ret = p->before;
    return true;
}

static const char *select_nodes(struct pair *p, const char *text)
{
    struct str select = str_from(text);
    const struct dbt_selection selection = {
        .select = {&select, 1}, .indirect = DBT_EMPTY, .before = {.open = open_before, .ctx = p}};
    bool *set = NULL;
    p->err = (struct err){0};
    if (!dbt_select(p->after, &selection, &p->arena, &set, &p->warnings, &p->err)) {
        return p->err.msg;
    }
    return names_of(p, set);
}

static void expect(struct pair *p, const char *text, const char *names)
{
    const char *got = select_nodes(p, text);
    if (strcmp(got, names) != 0) {
        fail_msg("%s: \"%s\" instead of \"%s\"", text, got, names);
    }
}

static void what_is_new(void **state)
{
    expect(*state, "state:new", "model.fresh source.fresh.t");
    expect(*state, "state:old,resource_type:seed", "seed.grown seed.large");
}

static void what_was_modified(void **state)
{
    struct pair *p = *state;
    expect(p, "state:modified,resource_type:model",
           "model.body model.calls_gone model.calls_outer model.config model.contracted "
           "model.elsewhere model.fresh model.hooked model.moved model.persisted "
           "model.persisted_column model.released model.shown");
    expect(p, "state:unmodified,resource_type:model",
           "model.described model.number model.same model.tagged");
    expect(p, "state:modified,resource_type:seed", "seed.grown");
    expect(p, "state:modified,resource_type:test", "test.severe test.singular");
    expect(p, "state:modified,resource_type:snapshot", "snapshot.body_of_snapshot");
    expect(p, "state:modified,resource_type:source", "source.moved.t source.stale.t");
    expect(p, "state:modified,resource_type:exposure", "exposure.owned exposure.rewired");
    expect(p, "state:modified,resource_type:metric", "metric.labelled");
    expect(p, "state:modified,resource_type:semantic_model", "semantic_model.measured");
    expect(p, "state:modified,resource_type:saved_query", "saved_query.asked saved_query.exported");
    expect(p, "state:modified,resource_type:unit_test", "unit_test.unit");
    expect(p, "state:unmodified,resource_type:source", "source.fresh.t source.same.t");
}

static void one_part_of_it(void **state)
{
    struct pair *p = *state;
    expect(p, "state:modified.body",
           "model.body model.fresh seed.grown "
           "snapshot.body_of_snapshot test.generic test.singular");
    expect(p, "state:modified.configs",
           "model.config model.fresh model.hooked source.fresh.t test.severe");
    expect(p, "state:modified.persisted_descriptions",
           "model.fresh model.persisted model.persisted_column");
    expect(p, "state:modified.relation", "model.fresh model.moved source.fresh.t source.moved.t");
    expect(p, "state:modified.macros", "model.calls_gone model.calls_outer");
    expect(p, "state:modified.contract", "model.contracted model.fresh model.released");
}

static void a_large_seed_is_not_compared(void **state)
{
    struct pair *p = *state;
    expect(p, "state:modified.body,resource_type:seed", "seed.grown");
    assert_int_equal(p->warnings.count, 1);
    assert_true(str_contains(p->warnings.items[0], STR("\"large\" is too large")));
}

static void an_earlier_bundle_cannot_be_compared(void **state)
{
    struct pair *p = *state;
    p->before->is_bundle = true;
    assert_non_null(strstr(select_nodes(p, "state:modified"), "this bundle has not"));
    assert_int_equal(p->err.code, ERR_INVALID);
    expect(p, "state:new", "model.fresh source.fresh.t");
}

/* One manifest as a bundle, or as what a device keeps of it. */
static struct dbt_project *as_bundle(const char *name, const char *dir, bool is_kept)
{
    AUTO(buf) packed = buf_growing(1 << 20);
    struct dbt_bundle_summary summary;
    struct err err = {0};
    char from[128];
    char to[256];
    bool all[256];
    (void)snprintf(from, sizeof(from), FOLDER "%s.json", name);
    (void)snprintf(to, sizeof(to), "%s/%s%d", dir, name, is_kept);
    const struct dbt_bundle_options options = {.manifest = from};
    struct dbt_project *project = open_project(from);
    const struct dbt_compared compared = {.now = project, .is_taken = all};
    memset(all, true, sizeof(all));
    assert_in_range(project->count, 1, sizeof(all));
    bool ok = is_kept ? dbt_compared_make(&compared, &packed, &err)
                      : dbt_bundle_make(&options, &packed, &summary, &err);
    dbt_project_close(project);
    if (!ok || !files_write(to, buf_str(&packed), 0600, &err)) {
        fail_msg("%s", err.msg);
    }
    return open_project(to);
}

static const char *const questions[] = {
    "state:new",
    "state:old",
    "state:modified",
    "state:unmodified",
    "state:modified.body",
    "state:modified.configs",
    "state:modified.persisted_descriptions",
    "state:modified.relation",
    "state:modified.macros",
    "state:modified.contract",
};

/* Whatever the two are of, the answers are those of two manifests. */
static void bundles_answer_as_manifests_do(void **state)
{
    struct pair *p = *state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *of_manifests[COUNT_OF(questions)];
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        of_manifests[i] = select_nodes(p, questions[i]);
    }
    for (int way = 0; way < 5; way++) {
        struct pair other = *p;
        if (way != 1) {
            other.before = as_bundle("before", dir.path, way >= 3);
        }
        if (way == 1 || way == 2 || way == 4) {
            other.after = as_bundle("after", dir.path, false);
        }
        for (size_t i = 0; i < COUNT_OF(questions); i++) {
            const char *got = select_nodes(&other, questions[i]);
            if (strcmp(got, of_manifests[i]) != 0) {
                fail_msg("way %d, %s: \"%s\" instead of \"%s\"", way, questions[i], got,
                         of_manifests[i]);
            }
        }
        p->arena = other.arena;
        if (other.before != p->before) {
            dbt_project_close(other.before);
        }
        if (other.after != p->after) {
            dbt_project_close(other.after);
        }
    }
}

/* The same project is never modified against itself, as whatever it is written. */
static void nothing_is_modified_against_itself(void **state)
{
    struct pair *p = *state;
    AUTO(temp_dir) dir = temp_dir_new();
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        struct pair same = *p;
        same.before = as_bundle("after", dir.path, is_kept == 1);
        expect(&same, "state:modified", "");
        expect(&same, "state:new", "");
        p->arena = same.arena;
        dbt_project_close(same.before);
    }
}

static void settings(void **state)
{
    struct pair *p = *state;
    expect(p, "config.persist_docs.relation:true", "model.persisted");
    expect(p, "config.persist_docs.relation:TRUE", "model.persisted");
    expect(p, "config.persist_docs.relation.deeper:true", "");
    expect(p, "config.materialized:view,resource_type:snapshot", "snapshot.body_of_snapshot");
    expect(p, "config:view", "");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, init, fini)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_is_new),
        EACH(what_was_modified),
        EACH(one_part_of_it),
        EACH(a_large_seed_is_not_compared),
        EACH(an_earlier_bundle_cannot_be_compared),
        EACH(bundles_answer_as_manifests_do),
        EACH(nothing_is_modified_against_itself),
        EACH(settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
