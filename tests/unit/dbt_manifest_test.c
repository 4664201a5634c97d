/* dbt_manifest_test.c - common/dbt/project.h: manifests as dbt wrote them, each node against the same
 * file as a tree. */
#include "common/dbt/project.h"

#include "common/base/limits.h"
#include "common/dbt/manifest.h"
#include "common/json/json_verbatim.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 8 << 20, TREE_BYTES_MAX = 512 << 20 };

static struct dbt_project *open_manifest(const char *path)
{
    struct dbt_project *project = NULL;
    struct err err = {0};
    struct dbt_open open = {.path = path};
    if (!dbt_project_open(&open, &project, &err)) {
        fail_msg("%s", err.msg);
    }
    return project;
}

static const struct dbt_node *node_of(const struct dbt_project *project, const char *unique_id)
{
    uint32_t i = dbt_project_find(project, str_from(unique_id));
    assert_int_not_equal(i, DBT_NO_NODE);
    return &project->nodes[i];
}

static void assert_text(struct str text, const char *expected)
{
    if (!str_eq(text, str_from(expected))) {
        fail_msg("\"" STR_FMT "\", not \"%s\"", STR_ARG(text), expected);
    }
}

/* --- against the tree ------------------------------------------------------------------------ */

static struct json *read_tree(const char *path, struct arena *arena)
{
    AUTO(buf) text = buf_growing(FILE_BYTES_MAX);
    struct json *root = NULL;
    struct err err = {0};
    assert_true(files_read(path, &text, &err));
    assert_true(json_verbatim_read(buf_str(&text), FILE_BYTES_MAX, arena, &root, &err));
    return root;
}

static struct str string_of(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    return value == NULL || value->type != JSON_STRING ? STR("") : value->as.string;
}

static bool has_text(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

static void check_tags(const struct dbt_node *node, const struct json *tree)
{
    const struct json *lists[] = {json_get(tree, "tags"),
                                  json_get(json_get(tree, "config"), "tags")};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (lists[i] != NULL && lists[i]->type == JSON_STRING) {
            assert_true(has_text(&node->tags, lists[i]->as.string));
            count++;
        }
        for (const struct json *tag = lists[i] == NULL ? NULL : lists[i]->child; tag != NULL;
             tag = tag->next) {
            assert_true(has_text(&node->tags, tag->as.string));
            count++;
        }
    }
    assert_true(node->tags.count <= count && (count == 0) == (node->tags.count == 0));
}

static void check_texts(const struct dbt_node *node, const struct json *tree)
{
    const struct {
        const char *key;
        struct str text;
    } texts[] = {{"name", node->name},
                 {"package_name", node->package},
                 {"original_file_path", node->file_path},
                 {"relation_name", node->relation_name},
                 {"database", node->database},
                 {"schema", node->schema},
                 {"source_name", node->source_name},
                 {node->type == DBT_SOURCE ? "identifier" : "alias", node->alias}};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str expected = string_of(tree, texts[i].key);
        if (!str_eq(texts[i].text, expected)) {
            fail_msg(STR_FMT ": %s is \"" STR_FMT "\", not \"" STR_FMT "\"",
                     STR_ARG(node->unique_id), texts[i].key, STR_ARG(texts[i].text),
                     STR_ARG(expected));
        }
    }
    assert_true(str_eq(node->materialized, string_of(json_get(tree, "config"), "materialized")));
    assert_true(str_eq(node->test_name, string_of(json_get(tree, "test_metadata"), "name")));
    assert_int_equal(node->is_compiled, string_of(tree, "compiled_code").ptr != NULL &&
                                            json_get(tree, "compiled_code") != NULL &&
                                            json_get(tree, "compiled_code")->type == JSON_STRING);
}

static void check_fqn(const struct dbt_node *node, const struct json *tree)
{
    const struct json *fqn = json_get(tree, "fqn");
    size_t i = 0;
    for (const struct json *part = fqn == NULL ? NULL : fqn->child; part != NULL;
         part = part->next) {
        assert_true(i < node->fqn.count && str_eq(node->fqn.items[i], part->as.string));
        i++;
    }
    assert_int_equal(i, node->fqn.count);
}

/* parent_map and child_map of the file are as what was made from depends_on. */
static void check_edges(const struct dbt_project *project, uint32_t at, const struct json *root,
                        const char *id)
{
    const struct dbt_node *node = &project->nodes[at];
    const struct json *parents = json_get(json_get(root, "parent_map"), id);
    const struct json *children = json_get(json_get(root, "child_map"), id);
    assert_non_null(parents);
    assert_int_equal(parents->count, node->parent_count);
    for (const struct json *p = parents->child; p != NULL; p = p->next) {
        uint32_t parent = dbt_project_find(project, p->as.string);
        size_t i = 0;
        while (i < node->parent_count && node->parents[i] != parent) {
            i++;
        }
        assert_true(i < node->parent_count);
    }
    size_t count = project->first_child[at + 1] - project->first_child[at];
    assert_int_equal(children->count, count);
    for (uint32_t i = project->first_child[at]; i < project->first_child[at + 1]; i++) {
        assert_true(i == project->first_child[at] ||
                    project->children[i - 1] < project->children[i]);
        bool is_there = false;
        for (const struct json *c = children->child; c != NULL; c = c->next) {
            is_there =
                is_there || str_eq(c->as.string, project->nodes[project->children[i]].unique_id);
        }
        assert_true(is_there);
    }
}

/* The node read again is the same tree. */
static void check_read(const struct dbt_project *project, uint32_t at, const struct json *tree)
{
    AUTO(arena) arena = arena_new(TREE_BYTES_MAX);
    AUTO(buf) one = buf_growing(FILE_BYTES_MAX);
    AUTO(buf) other = buf_growing(FILE_BYTES_MAX);
    struct json *read = NULL;
    struct err err = {0};
    if (!dbt_project_read(project, at, DBT_FULL, &arena, &read, &err)) {
        fail_msg("%s", err.msg);
    }
    json_write(&one, read);
    json_write(&other, tree);
    assert_true(str_eq(buf_str(&one), buf_str(&other)));
    assert_false(dbt_project_read(project, at, DBT_INCREMENTAL, &arena, &read, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static bool is_of_disabled(const struct json *root, const struct json *tree)
{
    const struct json *parents = json_get(json_get(tree, "depends_on"), "nodes");
    struct str attached = string_of(tree, "attached_node");
    if ((parents != NULL && parents->count > 0) || attached.len == 0 ||
        !str_eq(string_of(tree, "resource_type"), STR("test"))) {
        return false;
    }
    for (const struct json *n = json_get(root, "nodes")->child; n != NULL; n = n->next) {
        if (str_eq(n->key, attached)) {
            return false;
        }
    }
    return true;
}

static void check_manifest(const char *path, size_t expected_dropped)
{
    static const char *const sections[] = {"nodes",      "sources",       "exposures",
                                           "metrics",    "saved_queries", "semantic_models",
                                           "unit_tests", "functions"};
    if (!files_exist(path)) {
        skip();
    }
    AUTO(arena) arena = arena_new(TREE_BYTES_MAX);
    struct dbt_project *project = open_manifest(path);
    const struct json *root = read_tree(path, &arena);
    size_t count = 0;
    size_t dropped = 0;
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        const struct json *section = json_get(root, sections[i]);
        for (const struct json *n = section == NULL ? NULL : section->child; n != NULL;
             n = n->next) {
            uint32_t at = dbt_project_find(project, n->key);
            if (is_of_disabled(root, n)) {
                dropped++;
                assert_int_equal(at, DBT_NO_NODE);
                continue;
            }
            assert_int_not_equal(at, DBT_NO_NODE);
            assert_true(str_eq(str_from(dbt_type_name(project->nodes[at].type)),
                               string_of(n, "resource_type")));
            check_texts(&project->nodes[at], n);
            check_fqn(&project->nodes[at], n);
            check_tags(&project->nodes[at], n);
            check_read(project, at, n);
            const char *id = arena_cstr(&arena, n->key);
            if (json_get(root, "parent_map")->count > 0) {
                check_edges(project, at, root, id);
            }
            count++;
        }
    }
    assert_int_equal(count, project->count);
    assert_int_equal(dropped, expected_dropped);
    assert_int_equal(project->passed_over, dropped);
    assert_int_equal(project->disabled_count, json_get(root, "disabled")->count);
    dbt_project_close(project);
}

#define SHARED "../shared/data/dbt/"

static void a_manifest_of_dbt_1_6(void **state)
{
    (void)state;
    check_manifest(SHARED "dbt_core_state_versions/manifest_v10.json", 0);
}

static void a_manifest_of_dbt_1_11(void **state)
{
    (void)state;
    check_manifest(SHARED "dbt_core_state_versions/manifest_v12.json", 0);
}

static void every_kind_of_resource(void **state)
{
    (void)state;
    check_manifest(SHARED "edge_lab_sqlite/manifest_full_refresh.json", 2);
    check_manifest(SHARED "edge_lab_sqlite/manifest_incremental.json", 2);
}

static void a_shop(void **state)
{
    (void)state;
    check_manifest(SHARED "jaffle_shop_classic_sqlite/manifest.json", 0);
    check_manifest(SHARED "jaffle_shop_sqlite/manifest.json", 0);
}

static void a_large_package(void **state)
{
    (void)state;
    check_manifest(SHARED "fivetran_zendesk_postgres/manifest.json", 0);
}

static void small_ones_of_each_version(void **state)
{
    (void)state;
    check_manifest("tests/data/dbt/small_v10.json", 1);
    check_manifest("tests/data/dbt/small_v11.json", 1);
    check_manifest("tests/data/dbt/small_v12.json", 1);
}

/* --- what is known of a node ------------------------------------------------------------------ */

static void what_is_not_set_may_be_missing(void **state)
{
    (void)state;
    struct dbt_project *one = open_manifest("tests/data/dbt/small_v12.json");
    struct dbt_project *two = open_manifest("tests/data/dbt/small_v2.json");
    assert_int_equal(one->count, two->count);
    for (size_t i = 0; i < one->count; i++) {
        const struct dbt_node *a = &one->nodes[i];
        const struct dbt_node *b = &two->nodes[i];
        assert_true(str_eq(a->unique_id, b->unique_id) &&
                    str_eq(a->relation_name, b->relation_name));
        assert_true(str_eq(a->materialized, b->materialized) && str_eq(a->group, b->group));
        assert_int_equal(a->parent_count, b->parent_count);
        assert_int_equal(a->attached, b->attached);
        assert_int_equal(a->uses, b->uses);
        assert_int_equal(a->is_compiled, b->is_compiled);
        assert_int_equal(a->is_warning, b->is_warning);
        assert_int_equal(a->goes_on, b->goes_on);
    }
    dbt_project_close(one);
    dbt_project_close(two);
}

static void the_small_shop_node_by_node(void **state)
{
    (void)state;
    struct dbt_project *project = open_manifest("tests/data/dbt/small_v12.json");
    assert_int_equal(project->schema_version, 12);
    assert_text(project->name, "shop");
    assert_text(project->adapter_type, "sqlite");
    assert_text(project->dbt_version, "1.10.0");
    const struct dbt_node *orders = node_of(project, "model.shop.orders");
    assert_text(orders->patch_path, "models/orders.yml");
    assert_text(orders->group, "ops");
    assert_text(orders->access, "protected");
    assert_int_equal(orders->tags.count, 2);
    assert_text(orders->tags.items[0], "till"); /* of config */
    assert_text(orders->tags.items[1], "hot");
    const struct dbt_node *daily = node_of(project, "model.shop.daily");
    assert_int_equal(daily->parent_count, 2);
    assert_ptr_equal(&project->nodes[daily->parents[0]], orders);
    assert_true(daily->goes_on);
    assert_int_equal(daily->uses, DBT_USES_IS_INCREMENTAL | DBT_USES_RUN | DBT_USES_ENVIRONMENT);
    const struct dbt_node *warns = node_of(project, "test.shop.warns.0123456789");
    assert_true(warns->is_warning);
    assert_ptr_equal(&project->nodes[warns->attached], orders);
    assert_text(warns->test_name, "not_null");
    assert_int_equal(warns->uses, 0);
    assert_false(node_of(project, "test.shop.not_null_orders_id.0123456789")->is_warning);
    assert_int_equal(node_of(project, "seed.shop.sizes")->attached, DBT_NO_NODE);
    assert_text(node_of(project, "unit_test.shop.orders.ut")->tags.items[0], "unit");
    assert_text(node_of(project, "source.shop.till.raw_orders")->alias, "orders_raw");
    assert_int_equal(project->group_count, 1);
    assert_text(project->groups[0].owner_email, "ops@example.test");
    dbt_project_close(project);
}

static void selectors_are_read_when_asked_for(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct dbt_project *project = open_manifest("tests/data/dbt/small_v12.json");
    struct json *selectors = NULL;
    struct err err = {0};
    assert_true(dbt_project_read_selectors(project, &arena, &selectors, &err));
    assert_text(string_of(json_get(selectors, "nightly"), "definition"), "tag:till");
    dbt_project_close(project);
}

static void what_a_jinja_text_uses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t uses;
    } cases[] = {
        {"select adapter.x, var(1), target.y, run_started_at from t", 0},
        {"{# adapter.execute() {{ var('a') }} #} select 1", 0},
        {"{{ 'adapter.execute()' }} {{ \"var('a') \\\" env_var('b')\" }}", 0},
        {"{{ adapter.dispatch('x', 'y')() }} {{adapter.quote(c)}} {{ adapter.type() }}", 0},
        {"{% set found = adapter . get_relation(this) %}", DBT_USES_DATABASE},
        {"{%- do my_macro(adapter) -%}", DBT_USES_DATABASE},
        {"{% call statement('x', fetch_result=true) %}select 1{% endcall %}", DBT_USES_DATABASE},
        {"{% set r = run_query('select 1') %}", DBT_USES_DATABASE},
        {"{{ dbt.run_query('select 1') }} {{ x.statement }}", DBT_USES_DATABASE},
        {"{{ load_result('x')['data'] }}", DBT_USES_DATABASE},
        {"{{ context['run_query']('select 1') }}", DBT_USES_DATABASE | DBT_USES_IS_INCREMENTAL},
        {"{% if is_incremental() %}a{% endif %}", DBT_USES_IS_INCREMENTAL},
        {"{% if dbt.is_incremental () %}a{% endif %}", DBT_USES_IS_INCREMENTAL},
        {"{{ run_started_at.strftime('%Y') }}", DBT_USES_RUN},
        {"'{{ invocation_id }}'", DBT_USES_RUN},
        {"{{ modules.datetime.datetime.now() }}", DBT_USES_RUN},
        {"{{ modules.re.match('a', 'b') }} {{ modules.itertools }}", 0},
        {"{% if flags.WHICH == 'run' %}", DBT_USES_RUN},
        {"{% if flags.STORE_FAILURES %}", 0},
        {"{{ var('zone', 'x') }}", DBT_USES_ENVIRONMENT},
        {"{{ env_var('HOME') }}", DBT_USES_ENVIRONMENT},
        {"{{ builtins.var('zone') }}", DBT_USES_ENVIRONMENT},
        {"{{ target.name }}", DBT_USES_ENVIRONMENT},
        {"{{ target['name'] }}", DBT_USES_ENVIRONMENT},
        {"{% if target.type == 'sqlite' %}", 0},
        {"{{ f(target=this, x=node.target) }} {% if var == 1 %}", 0},
        {"{{ x }}{{ var(", DBT_USES_ENVIRONMENT},
        {"{{ '", 0},
        {"{", 0},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t uses = jinja_uses(str_from(cases[i].text));
        if (uses != cases[i].uses) {
            fail_msg("%s: %d, not %d", cases[i].text, uses, cases[i].uses);
        }
    }
}

static uint8_t uses_in(const struct dbt_project *project, const char *unique_id)
{
    return node_of(project, unique_id)->uses;
}

static void what_compiled_code_depends_on(void **state)
{
    (void)state;
    if (!files_exist(SHARED "edge_lab_sqlite/manifest_full_refresh.json")) {
        skip();
    }
    struct dbt_project *lab = open_manifest(SHARED "edge_lab_sqlite/manifest_full_refresh.json");
    assert_int_equal(uses_in(lab, "model.edge_lab.daily_site"), DBT_USES_IS_INCREMENTAL);
    assert_int_equal(uses_in(lab, "model.edge_lab.keep_forever"), DBT_USES_IS_INCREMENTAL);
    assert_int_equal(uses_in(lab, "model.edge_lab.event_log"), DBT_USES_IS_INCREMENTAL);
    assert_int_equal(uses_in(lab, "model.edge_lab.latest_reading"),
                     0); /* a comment says the word */
    assert_int_equal(uses_in(lab, "model.edge_lab.stg_sensors"), 0);
    assert_int_equal(uses_in(lab, "operation.edge_lab.edge_lab-on-run-start-1"),
                     DBT_USES_RUN | DBT_USES_ENVIRONMENT);
    for (size_t i = 0; i < lab->count; i++) {
        assert_true(lab->nodes[i].type != DBT_TEST || lab->nodes[i].uses == 0);
    }
    dbt_project_close(lab);
    /* dbt built this one before it wrote the manifest: `statement` is not the tests' own. */
    struct dbt_project *shop = open_manifest(SHARED "jaffle_shop_sqlite/manifest.json");
    for (size_t i = 0; i < shop->count; i++) {
        assert_true(shop->nodes[i].type != DBT_TEST || shop->nodes[i].uses == 0);
    }
    dbt_project_close(shop);
    struct dbt_project *package = open_manifest(SHARED "fivetran_zendesk_postgres/manifest.json");
    assert_int_equal(
        uses_in(package, "model.zendesk.stg_zendesk__ticket_tag") & DBT_USES_DATABASE,
        DBT_USES_DATABASE); /* adapter.get_columns_in_relation, in a macro of a macro */
    dbt_project_close(package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_of_dbt_1_6),
        cmocka_unit_test(a_manifest_of_dbt_1_11),
        cmocka_unit_test(every_kind_of_resource),
        cmocka_unit_test(a_shop),
        cmocka_unit_test(a_large_package),
        cmocka_unit_test(small_ones_of_each_version),
        cmocka_unit_test(what_is_not_set_may_be_missing),
        cmocka_unit_test(the_small_shop_node_by_node),
        cmocka_unit_test(selectors_are_read_when_asked_for),
        cmocka_unit_test(what_a_jinja_text_uses),
        cmocka_unit_test(what_compiled_code_depends_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
