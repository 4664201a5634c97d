/* dbt_select_oracle.c - what dbt's own NodeSelector selected of four projects, case by case: the shared
 * fixtures' selections.json (their README says how they were computed). */
#include "common/dbt/select.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>

#define SHARED "../shared/data/dbt/"
enum { FILE_BYTES_MAX = 8 << 20, SKIPPED = 77 };

struct oracle {
    struct dbt_project *project;
    struct str types; /* that the oracle was asked for: "model,snapshot,..." */
    size_t failed;
};

static struct str text_of(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);
    return v == NULL || v->type != JSON_STRING ? STR_NONE : v->as.string;
}

static bool is_asked_for(struct str types, enum dbt_type type)
{
    struct str one = STR_NONE;
    while (types.ptr != NULL) {
        (void)str_cut(types, ',', &one, &types);
        if (str_eq(one, str_from(dbt_type_name(type)))) {
            return true;
        }
    }
    return false;
}

/* Both are in the order of unique ids. */
static bool is_same(const struct oracle *o, const bool *set, const struct json *expected)
{
    const struct json *next = expected->child;
    bool same = true;
    for (size_t i = 0; i < o->project->count; i++) {
        const struct dbt_node *node = &o->project->nodes[i];
        bool is_expected = next != NULL && str_eq(next->as.string, node->unique_id);
        bool is_there = set[i] && is_asked_for(o->types, node->type);
        next = is_expected ? next->next : next;
        if (is_there != is_expected) {
            same = false;
            print_message("  %s " STR_FMT "\n",
                          is_there ? "too much:" : "missing:", STR_ARG(node->unique_id));
        }
    }
    return same && next == NULL;
}

static void check_case(struct oracle *o, const struct json *c)
{
    AUTO(arena) arena = arena_new(16 << 20);
    struct str select = text_of(c, "select");
    struct str exclude = text_of(c, "exclude");
    struct str indirect = text_of(c, "indirect_selection");
    struct dbt_selection selection = {.select = {&select, select.ptr != NULL},
                                      .exclude = {&exclude, exclude.ptr != NULL}};
    bool *set = NULL;
    struct str_list warnings = {0};
    struct err err = {0};
    if (indirect.ptr != NULL) {
        assert_true(dbt_indirect_from(indirect, &selection.indirect));
    }
    bool ok = dbt_select(o->project, &selection, &arena, &set, &warnings, &err);
    bool is_error = json_get(c, "error") != NULL;
    if (ok == is_error || (ok && !is_same(o, set, json_get(c, "result")))) {
        o->failed++;
        print_message("select \"" STR_FMT "\" exclude \"" STR_FMT "\" " STR_FMT ": %s\n",
                      STR_ARG(select), STR_ARG(exclude), STR_ARG(indirect),
                      ok ? "not as dbt" : err.msg);
    }
    assert_true(ok || (err.code == ERR_INVALID && err.msg[0] != '\0'));
}

static void check_project(const char *manifest, const char *selections, size_t case_count)
{
    AUTO(arena) arena = arena_new(64 << 20);
    AUTO(buf) text = buf_growing(FILE_BYTES_MAX);
    struct json *root = NULL;
    struct err err = {0};
    struct oracle o = {0};
    const struct dbt_open open = {.path = manifest};
    assert_true(files_read(selections, &text, &err));
    assert_true(json_parse(buf_str(&text), FILE_BYTES_MAX, &arena, &root, &err));
    assert_true(dbt_project_open(&open, &o.project, &err));
    o.types = text_of(root, "resource_types");
    const struct json *cases = json_get(root, "cases");
    assert_int_equal(cases->count, case_count);
    for (const struct json *c = cases->child; c != NULL; c = c->next) {
        check_case(&o, c);
    }
    dbt_project_close(o.project);
    assert_int_equal(o.failed, 0);
}

static void edge_lab(void **state)
{
    (void)state;
    check_project(SHARED "edge_lab_sqlite/manifest_full_refresh.json",
                  SHARED "edge_lab_sqlite/selections.json", 78);
}

static void jaffle_shop_classic(void **state)
{
    (void)state;
    check_project(SHARED "jaffle_shop_classic_sqlite/manifest.json",
                  SHARED "jaffle_shop_classic_sqlite/selections.json", 58);
}

static void jaffle_shop(void **state)
{
    (void)state;
    check_project(SHARED "jaffle_shop_sqlite/manifest.json",
                  SHARED "jaffle_shop_sqlite/selections.json", 90);
}

static void fivetran_zendesk(void **state)
{
    (void)state;
    check_project(SHARED "fivetran_zendesk_postgres/manifest.json",
                  SHARED "fivetran_zendesk_postgres/selections.json", 96);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge_lab),
        cmocka_unit_test(jaffle_shop_classic),
        cmocka_unit_test(jaffle_shop),
        cmocka_unit_test(fivetran_zendesk),
    };
    if (!files_exist(SHARED "edge_lab_sqlite/selections.json")) {
        (void)printf("skipped: %s is not there\n", SHARED);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
