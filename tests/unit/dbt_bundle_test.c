/* dbt_bundle_test.c - common/dbt/bundle.h, and two compilations of one project: what is read from a
 * bundle is what is read from its manifests. */
#include "common/dbt/bundle.h"

#include "common/base/limits.h"
#include "common/dbt/spec.h"
#include "common/gzip/gzip.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>

#define SMALL     "tests/data/dbt/small_v12.json"
#define SMALL_TWO "tests/data/dbt/small_v12_incremental.json"
#define SHARED    "../shared/data/dbt/"

enum { BYTES_MAX = 16 << 20, ARENA_BYTES = 64 << 20 };

static struct dbt_project *open_it(const char *path, const char *incremental)
{
    const struct dbt_open open = {.path = path, .incremental = incremental};
    struct dbt_project *project = NULL;
    struct err err = {0};
    if (!dbt_project_open(&open, &project, &err)) {
        fail_msg("%s", err.msg);
    }
    return project;
}

static void expect_refused(const char *path, const char *incremental, enum err_code code,
                           const char *part)
{
    const struct dbt_open open = {.path = path, .incremental = incremental};
    struct dbt_project *project = NULL;
    struct err err = {0};
    assert_false(dbt_project_open(&open, &project, &err));
    if (err.code != code || strstr(err.msg, part) == NULL) {
        fail_msg("%s: %s, not %s with \"%s\"", err_code_name(err.code), err.msg,
                 err_code_name(code), part);
    }
}

static void write_file(const char *path, struct str content)
{
    struct err err = {0};
    assert_true(files_write(path, content, 0600, &err));
}

static void make_bundle(const struct dbt_bundle_options *options, struct buf *out,
                        struct dbt_bundle_summary *ret)
{
    struct err err = {0};
    if (!dbt_bundle_make(options, out, ret, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void unpack(struct str packed, struct buf *text)
{
    struct gunzip *g = NULL;
    struct err err = {0};
    char out[4096];
    size_t len = 1;
    assert_true(gunzip_open(&g, &err));
    while (len > 0) {
        assert_true(gunzip_take(g, &packed, out, sizeof(out), &len, &err));
        buf_add(text, (struct str){out, len});
    }
    assert_true(gunzip_is_whole(g));
    gunzip_close(g);
}

/* --- the same, node by node ------------------------------------------------------------------- */

static void same_list(const struct str_list *a, const struct str_list *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(str_eq(a->items[i], b->items[i]));
    }
}

static void same_texts(const struct dbt_node *a, const struct dbt_node *b)
{
    bool has_table = a->type != DBT_TEST || a->relation_name.len > 0;
    const struct str pairs[][2] = {
        {a->unique_id, b->unique_id},
        {a->name, b->name},
        {a->package, b->package},
        {a->file_path, b->file_path},
        {a->patch_path, b->patch_path},
        {a->relation_name, b->relation_name},
        {a->database, b->database},
        {a->schema, b->schema},
        {has_table ? a->alias : STR(""), b->alias},
        {a->materialized, b->materialized},
        {a->group, b->group},
        {a->access, b->access},
        {a->version, b->version},
        {a->latest_version, b->latest_version},
        {a->source_name, b->source_name},
        {a->test_name, b->test_name},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (!str_eq(pairs[i][0], pairs[i][1])) {
            fail_msg(STR_FMT ": text %zu is \"" STR_FMT "\", not \"" STR_FMT "\"",
                     STR_ARG(a->unique_id), i, STR_ARG(pairs[i][1]), STR_ARG(pairs[i][0]));
        }
    }
    same_list(&a->fqn, &b->fqn);
    same_list(&a->tags, &b->tags);
}

static bool is_empty(const struct json *value)
{
    return value->type == JSON_NULL ||
           ((value->type == JSON_ARRAY || value->type == JSON_OBJECT) && value->child == NULL);
}

/* Every setting that is set is there, as it was, and no other. */
static void same_config(const struct json *one, const struct json *other)
{
    size_t count = 0;
    for (const struct json *a = one == NULL ? NULL : one->child; a != NULL; a = a->next) {
        AUTO(buf) x = buf_growing(BYTES_MAX);
        AUTO(buf) y = buf_growing(BYTES_MAX);
        const struct json *b = other == NULL ? NULL : other->child;
        while (b != NULL && !str_eq(a->key, b->key)) {
            b = b->next;
        }
        if (is_empty(a)) {
            assert_null(b);
            continue;
        }
        assert_non_null(b);
        json_write(&x, a);
        json_write(&y, b);
        assert_true(str_eq(buf_str(&x), buf_str(&y)));
        count++;
    }
    assert_int_equal(count, other == NULL ? 0 : other->count);
}

static bool same_list_of(const struct str_list *a, const struct str_list *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = str_eq(a->items[i], b->items[i]);
    }
    return is_same;
}

/* What runs is the same. */
static void same_spec(const struct dbt_project *one, const struct dbt_project *other, uint32_t i)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct dbt_spec a;
    struct dbt_spec b;
    struct err err = {0};
    struct err err_too = {0};
    bool ok = dbt_spec_read(one, i, &arena, &a, &err);
    assert_int_equal(ok, dbt_spec_read(other, i, &arena, &b, &err_too));
    if (!ok) {
        assert_string_equal(err.msg, err_too.msg);
        return;
    }
    assert_true(str_eq(a.sql, b.sql) && str_eq(a.sql_incremental, b.sql_incremental));
    assert_int_equal(a.has_incremental, b.has_incremental);
    assert_int_equal(a.materialization, b.materialization);
    assert_int_equal(a.strategy, b.strategy);
    assert_int_equal(a.pre_hook_count, b.pre_hook_count);
    assert_int_equal(a.post_hook_count, b.post_hook_count);
    assert_int_equal(a.index_count, b.index_count);
    assert_int_equal(a.grant_count, b.grant_count);
    assert_int_equal(a.on_schema_change, b.on_schema_change);
    assert_int_equal(a.full_refresh, b.full_refresh);
    assert_int_equal(a.hard_deletes, b.hard_deletes);
    assert_int_equal(a.store_as, b.store_as);
    assert_int_equal(a.limit, b.limit);
    assert_int_equal(a.warn_after_ns, b.warn_after_ns);
    assert_int_equal(a.error_after_ns, b.error_after_ns);
    assert_int_equal(a.column_types.count, b.column_types.count);
    assert_true(same_list_of(&a.unique_key, &b.unique_key));
    assert_true(same_list_of(&a.check_columns, &b.check_columns));
    assert_true(str_eq(a.updated_at, b.updated_at) && str_eq(a.fail_calc, b.fail_calc));
    assert_true(str_eq(a.loaded_at_field, b.loaded_at_field));
    assert_true(str_eq(a.freshness_filter, b.freshness_filter));
    assert_true(str_eq(a.seed_root, b.seed_root) && str_eq(a.delimiter, b.delimiter));
    if (a.is_contract_enforced || a.persists_column_docs) {
        assert_int_equal(a.column_count, b.column_count);
    }
}

/* A device decides the same, with the same words. */
static void same_admission(const struct dbt_project *one, const struct dbt_project *other,
                           uint32_t i)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    const struct dbt_host host = {.adapter = one->adapter_type};
    struct dbt_verdict a;
    struct dbt_verdict b;
    struct err err = {0};
    assert_true(dbt_admit(one, i, &host, &arena, &a, &err));
    assert_true(dbt_admit(other, i, &host, &arena, &b, &err));
    if (a.admission != b.admission || !str_eq(a.reason, b.reason) || !str_eq(a.change, b.change)) {
        fail_msg(STR_FMT ": %s " STR_FMT ", not %s " STR_FMT, STR_ARG(one->nodes[i].unique_id),
                 dbt_admission_name(b.admission), STR_ARG(b.reason),
                 dbt_admission_name(a.admission), STR_ARG(a.reason));
    }
}

static void same_code(const struct dbt_project *one, const struct dbt_project *other, uint32_t i,
                      enum dbt_variant variant)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct json *a = NULL;
    struct json *b = NULL;
    struct err err = {0};
    bool has = one->nodes[i].places[variant].length > 0;
    assert_int_equal(has, other->nodes[i].places[variant].length > 0);
    if (!has) {
        return;
    }
    assert_true(dbt_project_read(one, i, variant, &arena, &a, &err));
    assert_true(dbt_project_read(other, i, variant, &arena, &b, &err));
    const struct json *code = json_get(a, "compiled_code");
    const struct json *kept = json_get(b, "compiled_code");
    if (code == NULL || code->type != JSON_STRING) {
        assert_null(kept);
    } else {
        assert_non_null(kept);
        assert_true(str_eq(code->as.string, kept->as.string));
    }
    assert_null(json_get(b, "compiled_code_incremental"));
    same_config(json_get(a, "config"), json_get(b, "config"));
}

static void same_project(const struct dbt_project *one, const struct dbt_project *other)
{
    assert_true(other->is_bundle && !one->is_bundle);
    assert_int_equal(one->schema_version, other->schema_version);
    assert_true(str_eq(one->dbt_version, other->dbt_version) && str_eq(one->name, other->name));
    assert_true(str_eq(one->adapter_type, other->adapter_type));
    assert_int_equal(one->count, other->count);
    assert_int_equal(one->group_count, other->group_count);
    for (size_t i = 0; i < one->group_count; i++) {
        assert_true(str_eq(one->groups[i].name, other->groups[i].name));
        assert_true(str_eq(one->groups[i].owner_email, other->groups[i].owner_email));
        assert_true(str_eq(one->groups[i].owner_name, other->groups[i].owner_name));
    }
    assert_int_equal(one->override_count, other->override_count);
    for (size_t i = 0; i < one->override_count; i++) {
        const struct dbt_override *a = &one->overrides[i];
        const struct dbt_override *b = &other->overrides[i];
        assert_true(str_eq(a->macro, b->macro) && str_eq(a->file, b->file) &&
                    str_eq(a->adapter, b->adapter) && a->kinds == b->kinds);
    }
    for (uint32_t i = 0; i < one->count; i++) {
        const struct dbt_node *a = &one->nodes[i];
        const struct dbt_node *b = &other->nodes[i];
        same_texts(a, b);
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->attached, b->attached);
        assert_int_equal(a->uses, b->uses);
        assert_int_equal(a->is_compiled, b->is_compiled);
        assert_int_equal(a->is_warning, b->is_warning);
        assert_int_equal(a->goes_on, b->goes_on);
        assert_int_equal(a->is_paired, b->is_paired);
        assert_int_equal(a->parent_count, b->parent_count);
        for (size_t k = 0; k < a->parent_count; k++) {
            assert_int_equal(a->parents[k], b->parents[k]);
        }
        same_code(one, other, i, DBT_FULL);
        same_code(one, other, i, DBT_INCREMENTAL);
        same_spec(one, other, i);
        same_admission(one, other, i);
    }
}

static void check_bundle(const char *manifest, const char *incremental, size_t expected_pairs)
{
    if (!files_exist(manifest)) {
        skip();
    }
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    AUTO(buf) again = buf_growing(BYTES_MAX);
    const struct dbt_bundle_options options = {.manifest = manifest, .incremental = incremental};
    struct dbt_bundle_summary summary;
    const char *path = temp_dir_path(&dir, "bundle");
    make_bundle(&options, &packed, &summary);
    make_bundle(&options, &again, &summary);
    assert_true(str_eq(buf_str(&packed), buf_str(&again)));
    assert_int_equal(summary.pairs, expected_pairs);
    assert_int_equal(summary.bytes_after, packed.len);
    write_file(path, buf_str(&packed));
    struct dbt_project *one = open_it(manifest, incremental);
    struct dbt_project *other = open_it(path, NULL);
    assert_int_equal(summary.nodes, one->count);
    same_project(one, other);
    dbt_project_close(one);
    dbt_project_close(other);
}

static void a_bundle_is_read_as_its_manifests_are(void **state)
{
    (void)state;
    check_bundle(SMALL, NULL, 0);
    check_bundle(SMALL, SMALL_TWO, 1);
    check_bundle("tests/data/dbt/small_v10.json", NULL, 0);
    check_bundle("tests/data/dbt/small_v11.json", NULL, 0);
    check_bundle("tests/data/dbt/small_v2.json", NULL, 0);
}

static void a_bundle_of_every_kind_of_resource(void **state)
{
    (void)state;
    check_bundle(SHARED "edge_lab_sqlite/manifest_full_refresh.json",
                 SHARED "edge_lab_sqlite/manifest_incremental.json", 3);
}

static void bundles_of_shops(void **state)
{
    (void)state;
    check_bundle(SHARED "jaffle_shop_sqlite/manifest.json", NULL, 0);
    check_bundle(SHARED "jaffle_shop_classic_sqlite/manifest.json", NULL, 0);
    check_bundle(SHARED "dbt_core_state_versions/manifest_v10.json", NULL, 0);
    check_bundle(SHARED "dbt_core_state_versions/manifest_v12.json", NULL, 0);
}

static void a_bundle_of_a_large_package(void **state)
{
    (void)state;
    check_bundle(SHARED "fivetran_zendesk_postgres/manifest.json", NULL, 0);
}

/* --- two compilations -------------------------------------------------------------------------- */

static const struct dbt_node *node_of(const struct dbt_project *project, const char *id)
{
    uint32_t i = dbt_project_find(project, str_from(id));
    assert_int_not_equal(i, DBT_NO_NODE);
    return &project->nodes[i];
}

static void pairs_are_found(void **state)
{
    (void)state;
    struct dbt_project *project = open_it(SMALL, SMALL_TWO);
    const struct dbt_node *daily = node_of(project, "model.shop.daily");
    assert_true(daily->is_paired && daily->places[DBT_INCREMENTAL].length > 0);
    const struct dbt_node *totals = node_of(project, "model.shop.totals"); /* it never asks */
    assert_true(totals->is_paired && totals->places[DBT_INCREMENTAL].length == 0);
    assert_false(node_of(project, "model.shop.orders")->is_paired); /* a view */
    dbt_project_close(project);
}

static void one_compilation_twice_is_no_pair(void **state)
{
    (void)state;
    struct dbt_project *project = open_it(SMALL, SMALL);
    assert_false(node_of(project, "model.shop.daily")->is_paired);
    assert_true(node_of(project, "model.shop.totals")->is_paired);
    dbt_project_close(project);
}

/* A copy of the file, with all of one text as another. */
static const char *changed_copy(struct temp_dir *dir, const char *path, const char *from,
                                const char *to)
{
    AUTO(buf) text = buf_growing(BYTES_MAX);
    AUTO(buf) out = buf_growing(BYTES_MAX);
    struct err err = {0};
    assert_true(files_read(path, &text, &err));
    const char *at = buf_cstr(&text);
    size_t count = 0;
    for (const char *next = strstr(at, from); next != NULL; next = strstr(at, from)) {
        buf_add(&out, (struct str){at, (size_t)(next - at)});
        buf_add_text(&out, to);
        at = next + strlen(from);
        count++;
    }
    assert_true(count > 0);
    buf_add_text(&out, at);
    const char *copy = temp_dir_path(dir, "changed");
    write_file(copy, buf_str(&out));
    return copy;
}

/* Of the macros only what admission asks for is kept. */
static void a_bundle_knows_macros_in_the_place_of_dbts_own(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = changed_copy(&dir, SMALL, "\"macro.shop.unused\": {",
                                    "\"macro.shop.get_test_sql\": {\"original_file_path\": "
                                    "\"macros/own.sql\", ");
    struct dbt_project *project = open_it(path, NULL);
    assert_int_equal(project->override_count, 1);
    assert_true(str_eq(project->overrides[0].macro, STR("shop.get_test_sql")));
    assert_true(str_eq(project->overrides[0].file, STR("macros/own.sql")));
    dbt_project_close(project);
    check_bundle(path, NULL, 0);
}

static void wrong_pairs_are_refused(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    expect_refused(SMALL_TWO, SMALL, ERR_INVALID, "reads the model's own table");
    expect_refused(SMALL, changed_copy(&dir, SMALL_TWO, "{{ var('zone') }}", "{{ var('z') }}"),
                   ERR_INVALID, "different texts of this model");
    expect_refused(
        SMALL,
        changed_copy(&dir, SMALL_TWO, "\"project_name\": \"shop\"", "\"project_name\": \"shed\""),
        ERR_INVALID, "of project \"shed\"");
    expect_refused(SMALL,
                   changed_copy(&dir, SMALL_TWO, "\"adapter_type\": \"sqlite\"",
                                "\"adapter_type\": \"postgres\""),
                   ERR_INVALID, "for \"postgres\"");
    expect_refused(SMALL, "tests/data/dbt/absent.json", ERR_NOT_FOUND, "absent.json");
}

/* --- what is in it ----------------------------------------------------------------------------- */

static const char *bundle_in(struct temp_dir *dir, const char *seeds)
{
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    const struct dbt_bundle_options options = {
        .manifest = SMALL, .incremental = SMALL_TWO, .seeds = seeds};
    struct dbt_bundle_summary summary;
    make_bundle(&options, &packed, &summary);
    assert_int_equal(summary.seeds, 1);
    assert_int_equal(summary.seed_files, seeds == NULL ? 0 : 1);
    const char *path = temp_dir_path(dir, "bundle");
    write_file(path, buf_str(&packed));
    return path;
}

static const struct json *read_node(const struct dbt_project *project, struct arena *arena,
                                    const char *id)
{
    struct json *node = NULL;
    struct err err = {0};
    assert_true(dbt_project_read(project, dbt_project_find(project, str_from(id)), DBT_FULL, arena,
                                 &node, &err));
    return node;
}

static void it_has_what_a_device_needs_and_no_more(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    /* the project's folder, or that of seeds */
    struct dbt_project *project = open_it(bundle_in(&dir, "tests/data/dbt"), NULL);
    dbt_project_close(project);
    project = open_it(bundle_in(&dir, "tests/data/dbt/seeds"), NULL);
    const struct json *sizes = read_node(project, &arena, "seed.shop.sizes");
    assert_true(str_eq(json_get(sizes, "seed_text")->as.string,
                       STR("id,size\n1,\"s, \"\"m\"\"\"\n2,gr\xc3\xb6\xc3\x9f"
                           "er\n")));
    const struct json *orders = read_node(project, &arena, "model.shop.orders");
    assert_null(json_get(orders, "raw_code"));
    assert_null(json_get(orders, "refs"));
    assert_null(json_get(orders, "columns"));
    assert_null(json_get(json_get(orders, "depends_on"), "macros"));
    /* sha1 of its raw code, as `sha1sum` says */
    assert_true(str_eq(json_get(orders, "raw_code_sha1")->as.string,
                       STR("23386011e5e0c27d971fede79daf2f3e4f312c5c")));
    const struct json *totals = read_node(project, &arena, "model.shop.totals");
    const struct json *n = json_get(json_get(totals, "columns"), "n");
    assert_non_null(json_get(n, "constraints")); /* the contract is enforced */
    assert_non_null(json_get(n, "data_type"));
    struct json *selectors = NULL;
    struct err err = {0};
    assert_true(dbt_project_read_selectors(project, &arena, &selectors, &err));
    assert_non_null(json_get(selectors, "nightly"));
    dbt_project_close(project);
}

static void refuses(const struct dbt_bundle_options *options, enum err_code code, const char *part)
{
    AUTO(buf) out = buf_growing(BYTES_MAX);
    struct dbt_bundle_summary summary;
    struct err err = {0};
    assert_false(dbt_bundle_make(options, &out, &summary, &err));
    if (err.code != code || strstr(err.msg, part) == NULL) {
        fail_msg("%s: %s", err_code_name(err.code), err.msg);
    }
}

static void what_cannot_be_packed_is_said(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *bundle = bundle_in(&dir, NULL);
    refuses(&(struct dbt_bundle_options){.manifest = bundle}, ERR_INVALID, "is a bundle already");
    refuses(&(struct dbt_bundle_options){.manifest = SMALL, .incremental = bundle}, ERR_INVALID,
            "a bundle: the second");
    refuses(&(struct dbt_bundle_options){.manifest = SMALL, .seeds = "tests/data"}, ERR_NOT_FOUND,
            "tests/data has no seeds/sizes.csv");
    write_file(temp_dir_path(&dir, "sizes.csv"), STR("id\n\xff\n"));
    refuses(&(struct dbt_bundle_options){.manifest = SMALL, .seeds = dir.path}, ERR_INVALID,
            "is not UTF-8");
    refuses(&(struct dbt_bundle_options){.manifest = changed_copy(&dir, SMALL, "seeds/sizes.csv",
                                                                  "../../etc/passwd"),
                                         .seeds = dir.path},
            ERR_INVALID, "is no path in a project");
    expect_refused(bundle, SMALL_TWO, ERR_INVALID, "it has both compilations");
}

/* --- a bundle that is not what was packed ------------------------------------------------------- */

static void expect_text_refused(struct temp_dir *dir, struct str text, enum err_code code,
                                const char *part)
{
    const char *path = temp_dir_path(dir, "text");
    write_file(path, text);
    expect_refused(path, NULL, code, part);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    AUTO(buf) text = buf_growing(BYTES_MAX);
    struct err err = {0};
    assert_true(files_read(bundle_in(&dir, "tests/data/dbt"), &packed, &err));
    unpack(buf_str(&packed), &text);
    write_file(temp_dir_path(&dir, "text"), buf_str(&text));
    dbt_project_close(open_it(temp_dir_path(&dir, "text"), NULL)); /* not packed is as good */
    /* Any byte of any text in it; its length stays. */
    char *at = memmem(text.ptr, text.len, "main.\\\"orders\\\" group by", 24);
    assert_non_null(at);
    at[8] = 'x';
    expect_text_refused(&dir, buf_str(&text), ERR_CORRUPT, "another hash");
    at[8] = 'r';
    assert_memory_equal(text.ptr, "{\"selvedge_bundle\":1,", 21);
    text.ptr[19] = '2';
    expect_text_refused(&dir, buf_str(&text), ERR_INVALID, "a bundle of version 2");
    text.ptr[19] = '1';
    expect_text_refused(&dir, str_slice(buf_str(&text), 0, text.len - 1), ERR_CORRUPT,
                        "another hash");
    expect_text_refused(&dir, str_slice(buf_str(&text), 0, text.len / 2), ERR_INVALID,
                        "the file ends too early");
    expect_text_refused(&dir, str_slice(buf_str(&packed), 0, packed.len - 1), ERR_INVALID,
                        "the packed file ends too early");
    packed.ptr[packed.len / 2] ^= 1;
    const char *path = temp_dir_path(&dir, "flipped");
    write_file(path, buf_str(&packed));
    struct dbt_project *project = NULL;
    assert_false(dbt_project_open(&(struct dbt_open){.path = path}, &project, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_read_as_its_manifests_are),
        cmocka_unit_test(a_bundle_knows_macros_in_the_place_of_dbts_own),
        cmocka_unit_test(a_bundle_of_every_kind_of_resource),
        cmocka_unit_test(bundles_of_shops),
        cmocka_unit_test(a_bundle_of_a_large_package),
        cmocka_unit_test(pairs_are_found),
        cmocka_unit_test(one_compilation_twice_is_no_pair),
        cmocka_unit_test(wrong_pairs_are_refused),
        cmocka_unit_test(it_has_what_a_device_needs_and_no_more),
        cmocka_unit_test(what_cannot_be_packed_is_said),
        cmocka_unit_test(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
