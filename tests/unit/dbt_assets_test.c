/* dbt_assets_test.c - a dbt project in selvedge.yaml: keys, lineage, checks and words of its assets, and
 * how it joins what else is defined. */
#include "agent/definitions/definitions.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 32 << 20 };

/* --- a manifest in a few lines ----------------------------------------------------------------- */

#define MODEL(name, parents, more)                                                                 \
    "\"model.shop." name "\":{\"resource_type\":\"model\",\"unique_id\":\"model.shop." name "\","  \
    "\"name\":\"" name "\",\"package_name\":\"shop\",\"fqn\":[\"shop\",\"" name "\"],"             \
    "\"alias\":\"" name "\",\"schema\":\"main\",\"relation_name\":\"main." name "\","              \
    "\"raw_code\":\"select 1\",\"compiled\":true,\"compiled_code\":\"select 1\","                  \
    "\"depends_on\":{\"nodes\":[" parents "]}," more "}"
#define VIEW "\"config\":{\"materialized\":\"view\"}"
#define TEST(name, parents, attached, more)                                                        \
    "\"test.shop." name "\":{\"resource_type\":\"test\",\"unique_id\":\"test.shop." name "\","     \
    "\"name\":\"" name "\",\"package_name\":\"shop\",\"attached_node\":" attached ","              \
    "\"depends_on\":{\"nodes\":[" parents "]}," more "}"
#define SOURCE(name, more)                                                                         \
    "\"source.shop.raw." name                                                                      \
    "\":{\"resource_type\":\"source\",\"unique_id\":\"source.shop.raw." name                       \
    "\",\"source_name\":\"raw\",\"name\":\"" name "\",\"identifier\":\"" name "\""                 \
    ",\"package_name\":\"shop\",\"relation_name\":\"main." name "\"" more "}"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_manifest(const char *nodes, const char *sources, const char *more)
{
    FILE *file = fopen("manifest.json", "we");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "{\"metadata\":{\"dbt_schema_version\":\"https://schemas.getdbt.com/dbt/"
                        "manifest/v12.json\",\"project_name\":\"shop\",\"adapter_type\":"
                        "\"sqlite\"},\"nodes\":{%s},\"sources\":{%s}%s}",
                        nodes, sources, more) > 0);
    assert_int_equal(fclose(file), 0);
}

/* --- the definitions --------------------------------------------------------------------------- */

struct loaded {
    struct arena arena;
    struct problems problems;
    struct definitions *defs;
    struct err err;
};

static bool load(struct loaded *l, const char *more)
{
    static const char head[] = "project: p\nresources: {local: {type: sqlite, path: shop.db}}\n";
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    struct definitions_files files = definitions_system_files();
    *l = (struct loaded){.arena = arena_new(16 << 20)};
    l->problems.arena = &l->arena;
    buf_add_text(&text, head);
    buf_add_text(&text, more);
    return definitions_parse(buf_str(&text), STR("selvedge.yaml"), &files, &l->problems, &l->defs,
                             &l->err);
}

static void load_well(struct loaded *l, const char *more)
{
    if (!load(l, more)) {
        fail_msg("%s (%s)", l->err.msg, l->err.hint);
    }
}

static void unload(struct loaded *l)
{
    definitions_close(l->defs);
    arena_release(&l->arena);
}

static void assert_refused(const char *more, const char *message, const char *hint)
{
    struct loaded l;
    if (load(&l, more)) {
        fail_msg("not refused: %s", more);
    }
    if (strstr(l.err.msg, message) == NULL || strstr(l.err.hint, hint) == NULL) {
        fail_msg("\"%s\" (%s) does not say \"%s\" (%s)", l.err.msg, l.err.hint, message, hint);
    }
    unload(&l);
}

static const struct asset *asset_of(const struct loaded *l, const char *key)
{
    uint32_t i = 0;
    struct err err = {0};
    if (!definitions_find_asset(l->defs, str_from(key), &i, &err)) {
        fail_msg("%s (%s)", err.msg, err.hint);
    }
    return &l->defs->assets[i];
}

static void assert_str(struct str text, const char *expected)
{
    if (!str_eq(text, str_from(expected))) {
        fail_msg("\"" STR_FMT "\", not \"%s\"", STR_ARG(text), expected);
    }
}

/* Items with a blank between them. */
static void assert_list(const struct str_list *list, const char *expected)
{
    AUTO(buf) text = buf_growing(4096);
    for (size_t i = 0; i < list->count; i++) {
        buf_add_text(&text, i == 0 ? "" : " ");
        buf_add(&text, list->items[i]);
    }
    assert_str(buf_str(&text), expected);
}

static struct str metadata_of(const struct asset *asset, const char *name)
{
    for (size_t i = 0; i < asset->metadata.count; i++) {
        if (str_eq(asset->metadata.keys[i], str_from(name))) {
            return asset->metadata.values[i];
        }
    }
    return STR("");
}

static const char entry[] = "dbt: [{manifest: manifest.json, resource: local}]\n";

/* --- tests ------------------------------------------------------------------------------------- */

static void keys_are_those_of_dagster_dbt(void **state)
{
    (void)state;
    struct loaded l;
    write_manifest(
        MODEL("plain", "", VIEW) "," MODEL(
            "filed", "",
            "\"config\":{\"materialized\":\"table\",\"schema\":"
            "\"marts\"}") "," MODEL("named", "",
                                    "\"config\":{\"meta\":{"
                                    "\"dagster\":{\"asset_key\":["
                                    "\"a\",\"b c\"]}}}") "," MODEL("ne"
                                                                   "ut"
                                                                   "ra"
                                                                   "l",
                                                                   "",
                                                                   "\""
                                                                   "me"
                                                                   "ta"
                                                                   "\""
                                                                   ":{"
                                                                   "\""
                                                                   "se"
                                                                   "lv"
                                                                   "ed"
                                                                   "ge"
                                                                   "\""
                                                                   ":{"
                                                                   "\""
                                                                   "as"
                                                                   "se"
                                                                   "t_"
                                                                   "ke"
                                                                   "y"
                                                                   "\""
                                                                   ":"
                                                                   "\""
                                                                   "x/"
                                                                   "y"
                                                                   "\""
                                                                   "},"
                                                                   "\""
                                                                   "da"
                                                                   "gs"
                                                                   "te"
                                                                   "r"
                                                                   "\""
                                                                   ":{"
                                                                   "\""
                                                                   "as"
                                                                   "se"
                                                                   "t_"
                                                                   "ke"
                                                                   "y"
                                                                   "\""
                                                                   ":["
                                                                   "\""
                                                                   "z"
                                                                   "\""
                                                                   "]}"
                                                                   "},"
                                                                   "\""
                                                                   "co"
                                                                   "nf"
                                                                   "ig"
                                                                   "\""
                                                                   ":{"
                                                                   "\""
                                                                   "me"
                                                                   "ta"
                                                                   "\""
                                                                   ":{"
                                                                   "}"
                                                                   "}") ","
                                                                        "\"model.shop.dim.v2\":{"
                                                                        "\"resource_type\":"
                                                                        "\"model\",\"unique_id\":"
                                                                        "\"model.shop.dim.v2\","
                                                                        "\"name\":\"dim\","
                                                                        "\"version\":2,\"alias\":"
                                                                        "\"dim_v2\",\"package_"
                                                                        "name\":\"shop\","
                                                                        "\"fqn\":[\"shop\",\"dim\","
                                                                        "\"v2\"],\"config\":{"
                                                                        "\"materialized\":\"view\","
                                                                        "\"schema\":\"s\"}},"
                                                                        "\"seed.shop.sizes\":{"
                                                                        "\"resource_type\":"
                                                                        "\"seed\",\"unique_id\":"
                                                                        "\"seed.shop.sizes\","
                                                                        "\"name\":\"sizes\","
                                                                        "\"package_name\":\"shop\","
                                                                        "\"fqn\":[\"shop\","
                                                                        "\"sizes\"],\"checksum\":{"
                                                                        "\"name\":\"sha256\","
                                                                        "\"checksum\":\"c0ffee\"},"
                                                                        "\"config\":{"
                                                                        "\"materialized\":\"seed\"}"
                                                                        "}",
        SOURCE("orders", ""), "");
    load_well(&l, entry);
    assert_str(asset_of(&l, "plain")->node, "model.shop.plain");
    assert_str(asset_of(&l, "marts/filed")->node, "model.shop.filed");
    assert_str(asset_of(&l, "a/b-c")->node, "model.shop.named");
    assert_str(asset_of(&l, "x/y")->node, "model.shop.neutral");
    assert_str(asset_of(&l, "dim_v2")->node, "model.shop.dim.v2");
    assert_int_equal(l.defs->asset_count, 6); /* nothing is made from the source */
    const struct asset *plain = asset_of(&l, "plain");
    assert_int_equal(plain->work, ASSET_DBT);
    assert_str(asset_step_key(plain), "dbt/shop");
    assert_list(&plain->kinds, "dbt sqlite view");
    assert_list(&asset_of(&l, "sizes")->kinds, "dbt sqlite seed");
    assert_str(plain->group, "shop");
    assert_str(metadata_of(plain, "dagster/table_name"), "main.plain");
    /* sha1 of "select 1", and of a seed its checksum */
    assert_str(plain->code_version, "3232003928f9fe86a9cb634f450d5a53a4025819");
    assert_str(asset_of(&l, "sizes")->code_version, "c0ffee");
    unload(&l);
}

static void lineage_goes_past_what_is_no_asset(void **state)
{
    (void)state;
    struct loaded l;
    write_manifest(
        MODEL("a", "\"source.shop.raw.orders\"", VIEW) "," MODEL(
            "e1", "\"model.shop.a\"",
            "\"config\":{\"materialized\":\"ephemeral\"}") "," MODEL("e2",
                                                                     "\"model.shop.e1\",\"source."
                                                                     "shop.raw.orders\"",
                                                                     "\"config\":{\"materialized\":"
                                                                     "\"ephemeral\"}") "," MODEL("b",
                                                                                                 "\"model.shop.e2\",\"model.shop.a\"",
                                                                                                 VIEW),
        SOURCE("orders", ",\"description\":\"From the till.\""),
        ",\"exposures\":{\"exposure.shop.board\":{\"resource_type\":\"exposure\","
        "\"unique_id\":\"exposure.shop.board\",\"name\":\"board\",\"package_name\":"
        "\"shop\",\"type\":\"dashboard\",\"url\":\"https://x.test\",\"owner\":{\"email\":"
        "\"o@x.test\"},\"depends_on\":{\"nodes\":[\"metric.shop.n\",\"model.shop.e2\"]}}},"
        "\"semantic_models\":{\"semantic_model.shop.s\":{\"resource_type\":"
        "\"semantic_model\",\"unique_id\":\"semantic_model.shop.s\",\"name\":\"s\","
        "\"package_name\":\"shop\",\"depends_on\":{\"nodes\":[\"model.shop.b\"]}}},"
        "\"metrics\":{\"metric.shop.n\":{\"resource_type\":\"metric\",\"unique_id\":"
        "\"metric.shop.n\",\"name\":\"n\",\"package_name\":\"shop\",\"depends_on\":"
        "{\"nodes\":[\"semantic_model.shop.s\"]}}}");
    load_well(&l, entry);
    assert_list(&asset_of(&l, "b")->deps, "a raw/orders");
    assert_list(&asset_of(&l, "a")->deps, "raw/orders");
    assert_list(&asset_of(&l, "metric/n")->deps, "b");
    assert_list(&asset_of(&l, "exposure/board")->deps, "metric/n a raw/orders");
    const struct asset *board = asset_of(&l, "exposure/board");
    assert_int_equal(board->work, ASSET_EXTERNAL);
    assert_list(&board->kinds, "dbt exposure");
    assert_list(&board->owners, "o@x.test");
    assert_str(metadata_of(board, "dbt/url"), "https://x.test");
    assert_str(asset_of(&l, "raw/orders")->description, "From the till.");
    assert_int_equal(l.defs->asset_count, 5);
    unload(&l);
}

static void a_source_is_what_has_its_key(void **state)
{
    (void)state;
    struct loaded l;
    write_manifest(MODEL("a", "\"source.shop.raw.orders\",\"source.shop.raw.items\"", VIEW),
                   SOURCE("orders", "") "," SOURCE("items", ""), "");
    load_well(&l, "dbt: [{manifest: manifest.json, resource: local}]\n"
                  "assets:\n"
                  "  - {key: report, deps: [a], run: [x]}\n"
                  "  - key: raw\n"
                  "    extract: {tap: [tap-shop], streams: [orders, people]}\n"
                  "    load: {resource: local}\n");
    assert_int_equal(l.defs->asset_count, 5);
    assert_int_equal(asset_of(&l, "raw/orders")->work, ASSET_EXTRACT_LOAD);
    assert_int_equal(asset_of(&l, "raw/items")->work, ASSET_EXTERNAL);
    assert_list(&asset_of(&l, "a")->deps, "raw/items raw/orders");
    bool *set = NULL;
    assert_true(definitions_select(l.defs, STR("raw/orders+"), &l.arena, &set, &l.err));
    uint32_t report = 0;
    assert_true(definitions_find_asset(l.defs, STR("report"), &report, &l.err));
    assert_true(set[report]); /* by way of the model */
    unload(&l);
}

static void a_source_that_is_asked_has_a_check(void **state)
{
    (void)state;
    struct loaded l;
    static const char asked[] =
        "dbt: [{manifest: manifest.json, resource: local, source_freshness: true}]\n";
    write_manifest(MODEL("a",
                         "\"source.shop.raw.old\",\"source.shop.raw.warns\",\"source.shop.raw."
                         "never\"",
                         VIEW),
                   SOURCE("old", ",\"freshness\":{\"error_after\":{\"count\":1,\"period\":\"day\"}"
                                 "}") "," SOURCE("warns",
                                                 ",\"freshness\":{\"warn_after\":{\"count\":1,"
                                                 "\"period\":\"day\"}}") "," SOURCE("never",
                                                                                    ",\"freshness\""
                                                                                    ":{\"warn_"
                                                                                    "after\":{"
                                                                                    "\"count\":"
                                                                                    "null,"
                                                                                    "\"period\":"
                                                                                    "null}}"),
                   "");
    load_well(&l, asked);
    const struct asset *old = asset_of(&l, "raw/old");
    assert_int_equal(old->check_count, 1);
    assert_str(old->checks[0].name, "freshness");
    assert_str(old->checks[0].test, "source.shop.raw.old");
    assert_int_equal(old->checks[0].severity, CHECK_ERROR);
    assert_false(old->checks[0].is_blocking);
    assert_int_equal(asset_of(&l, "raw/warns")->checks[0].severity, CHECK_WARN);
    assert_int_equal(asset_of(&l, "raw/never")->check_count, 0);
    unload(&l);
    load_well(&l, "dbt: [{manifest: manifest.json, resource: local}]\n");
    assert_int_equal(asset_of(&l, "raw/old")->check_count, 0);
    unload(&l);
    assert_refused("dbt: [{manifest: manifest.json, runner: dbt, source_freshness: true}]\n",
                   "source_freshness needs a resource", "resource: ");
    assert_refused("assets: [{key: a, external: true, checks: [{name: t, test: x}]}]\n",
                   "checks means nothing for an external asset", "");
    assert_refused("assets: [{key: a, external: true, gives_way: true, checks: [{name: t}]}]\n",
                   "test goes with dbt", "");
}

static void what_is_not_selected_joins_another_project(void **state)
{
    (void)state;
    struct loaded l;
    write_manifest(MODEL("a", "",
                         "\"config\":{\"materialized\":\"view\",\"tags\":[\"one\"]},"
                         "\"tags\":[\"one\"]") "," MODEL("b", "\"model.shop.a\"",
                                                         VIEW) "," TEST("t", "\"model.shop.b\"",
                                                                        "\"model.shop.b\"",
                                                                        "\"config\":{}"),
                   "", "");
    load_well(&l, "dbt:\n"
                  "  - {manifest: manifest.json, resource: local, exclude: 'tag:one'}\n");
    assert_int_equal(asset_of(&l, "a")->work, ASSET_EXTERNAL);
    assert_int_equal(asset_of(&l, "b")->check_count, 1);
    unload(&l);
    load_well(
        &l, "dbt:\n"
            "  - {manifest: manifest.json, resource: local, exclude: 'tag:one'}\n"
            "  - {manifest: ./manifest.json, resource: local, select: 'tag:one', name: dbt/one}\n");
    assert_str(asset_step_key(asset_of(&l, "a")), "dbt/one");
    assert_str(asset_step_key(asset_of(&l, "b")), "dbt/shop");
    assert_int_equal(l.defs->asset_count, 2);
    unload(&l);
    assert_refused("dbt: [{manifest: manifest.json, resource: local, select: 'tag:two'}]\n",
                   "tag:two", "");
}

static void tests_are_checks(void **state)
{
    (void)state;
    struct loaded l;
    write_manifest(
        MODEL("a", "\"source.shop.raw.orders\"", VIEW) "," MODEL("b", "", VIEW) "," TEST("strict", "\"model.shop.a\"", "\"model.shop.a\"", "\"config\":{\"severity\":\"ERROR\"}") "," TEST(
            "mild", "\"model.shop.a\",\"model.shop.b\"", "\"model.shop.a\"",
            "\"config\":{\"severity\":\"warn\"}") "," TEST("single", "\"model.shop.b\"", "null",
                                                           "\"config\":{}") "," TEST("nobodys",
                                                                                     "\"model.shop."
                                                                                     "a\",\"model."
                                                                                     "shop.b\"",
                                                                                     "null",
                                                                                     "\"config\":{"
                                                                                     "}") "," TEST("said",
                                                                                                   "\"model.shop.a\",\"model.shop.b\"",
                                                                                                   "null",
                                                                                                   "\"config\":{\"meta\":{\"dagster\":{\"ref\":{\"name\":\"b\"}}}}") "," TEST("of_source",
                                                                                                                                                                              "\"source.shop.raw.orders\"",
                                                                                                                                                                              "null",
                                                                                                                                                                              "\"config\":{}") ","
                                                                                                                                                                                               "\"test.other.strict\":{\"resource_type\":\"test\",\"unique_id\":\"test.other.strict\","
                                                                                                                                                                                               "\"name\":\"strict\",\"package_name\":\"other\",\"attached_node\":\"model.shop.a\","
                                                                                                                                                                                               "\"depends_on\":{\"nodes\":[\"model.shop.a\"]},\"config\":{}}",
        SOURCE("orders", ""), "");
    load_well(&l, entry);
    const struct asset *a = asset_of(&l, "a");
    const struct asset *b = asset_of(&l, "b");
    assert_int_equal(a->check_count, 3);
    assert_str(a->checks[0].name, "strict");
    assert_str(a->checks[0].test, "test.other.strict");
    assert_str(a->checks[1].name, "mild");
    assert_int_equal(a->checks[1].severity, CHECK_WARN);
    assert_false(a->checks[1].is_blocking);
    assert_str(a->checks[2].name, "test.shop.strict"); /* the name is taken */
    assert_int_equal(a->checks[2].severity, CHECK_ERROR);
    assert_true(a->checks[2].is_blocking);
    assert_int_equal(b->check_count, 2);
    assert_str(b->checks[0].name, "said");
    assert_str(b->checks[1].name, "single");
    assert_int_equal(asset_of(&l, "raw/orders")->check_count, 0);
    unload(&l);
}

static void the_project_says_who_and_when(void **state)
{
    (void)state;
    struct loaded l;
    write_manifest(
        MODEL(
            "a", "",
            "\"group\":\"ops\",\"tags\":[\"hot\",\"not legal!\"],\"description\":\"All of it.\","
            "\"columns\":{\"id\":{\"name\":\"id\",\"data_type\":\"integer\"},\"n\":{\"name\":\"n\"}"
            "},"
            "\"config\":{\"materialized\":\"incremental\",\"group\":\"ops\"}") "," MODEL("b", "",
                                                                                         "\"config"
                                                                                         "\":{"
                                                                                         "\"meta\":"
                                                                                         "{\"dagste"
                                                                                         "r\":{"
                                                                                         "\"group\""
                                                                                         ":\"mine\""
                                                                                         ",\"owners"
                                                                                         "\":["
                                                                                         "\"team:"
                                                                                         "x\",\"?"
                                                                                         "\"],"
                                                                                         "\"freshne"
                                                                                         "ss_"
                                                                                         "policy\":"
                                                                                         "{\"maximu"
                                                                                         "m_lag_"
                                                                                         "minutes\""
                                                                                         ":90},"
                                                                                         "\"auto_"
                                                                                         "materiali"
                                                                                         "ze_"
                                                                                         "policy\":"
                                                                                         "{\"type\""
                                                                                         ":\"eager"
                                                                                         "\"}}}}") "," MODEL("c",
                                                                                                             "",
                                                                                                             "\"config\":{\"meta\":{\"dagster\":{\"freshness_policy\":{\"maximum_lag_minutes\":60,"
                                                                                                             "\"cron_schedule\":\"0 6 * * *\",\"cron_schedule_timezone\":\"UTC\"},"
                                                                                                             "\"auto_materialize_policy\":{\"type\":\"lazy\"}}}}"),
        "",
        ",\"groups\":{\"group.shop.ops\":{\"resource_type\":\"group\",\"unique_id\":"
        "\"group.shop.ops\",\"name\":\"ops\",\"package_name\":\"shop\",\"owner\":{\"name\":\"Ops\","
        "\"email\":\"ops@x.test\"}}}");
    load_well(&l, "pools: {one: 1}\n"
                  "dbt: [{manifest: manifest.json, resource: local, group: rest, name: nightly,\n"
                  "       tags: {layer: dbt}, owners: ['team:data'], pool: one, timeout: 5m,\n"
                  "       retry: {max: 2, delay: 1s}, automation: on_missing,\n"
                  "       freshness: {fail_after: 24h}, env: {A: b}, fail_fast: true}]\n");
    const struct asset *a = asset_of(&l, "a");
    const struct asset *b = asset_of(&l, "b");
    const struct asset *c = asset_of(&l, "c");
    assert_str(asset_step_key(a), "nightly");
    assert_str(a->group, "ops");
    assert_str(b->group, "mine");
    assert_str(c->group, "rest");
    assert_list(&a->owners, "ops@x.test");
    assert_list(&b->owners, "team:x");
    assert_list(&c->owners, "team:data");
    assert_int_equal(a->tags.count, 2);
    assert_str(a->tags.keys[0], "layer");
    assert_str(a->tags.keys[1], "hot");
    assert_str(a->description, "All of it.");
    assert_str(metadata_of(a, "dbt/columns"), "id integer, n");
    assert_int_equal(a->freshness.fail_after_ns, 24 * INT64_C(3600) * NS_PER_SEC);
    assert_int_equal(b->freshness.fail_after_ns, 90 * INT64_C(60) * NS_PER_SEC);
    assert_int_equal(c->freshness.kind, FRESHNESS_DEADLINE);
    assert_int_equal(a->automation.kind, AUTOMATION_ON_MISSING);
    assert_int_equal(b->automation.kind, AUTOMATION_EAGER);
    assert_int_equal(c->automation.kind, AUTOMATION_ON_MISSING);
    const struct asset *const all[] = {a, b, c};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(all[i]->retry.max, 2);
        assert_int_equal(all[i]->timeout_ns, 300 * NS_PER_SEC);
        assert_non_null(all[i]->pool);
        assert_int_equal(all[i]->env.count, 1);
        assert_true(all[i]->dbt.is_fail_fast);
        assert_non_null(all[i]->dbt.resource);
    }
    unload(&l);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    write_manifest(MODEL("a", "", VIEW) "," MODEL(
                       "b", "", "\"config\":{\"meta\":{\"dagster\":{\"asset_key\":[\"a\"]}}}"),
                   "", "");
    assert_refused(entry, "model.shop.a and model.shop.b are both asset a", "asset_key");
    write_manifest(MODEL("a", "\"source.shop.raw.orders\"", VIEW), SOURCE("orders", ""), "");
    assert_refused("dbt: [{manifest: nowhere.json, resource: local}]\n", "nowhere.json", "");
    assert_refused("dbt: [{manifest: '${HOME}/m.json', resource: local}]\n", "variables", "read");
    assert_refused("dbt: [{manifest: manifest.json}]\n", "needs a resource", "resource:");
    assert_refused("dbt: [{manifest: manifest.json, resource: locla}]\n", "no resource \"locla\"",
                   "local");
    assert_refused("dbt: [{manifest: manifest.json, resource: pg}]\n"
                   "include: [pg.yaml]\n",
                   "compiled for sqlite, and resource pg is of type postgres", "compile it");
    assert_refused("dbt: [{manifest: manifest.json, resource: local, runer: dbt}]\n", "runer",
                   "runner");
    assert_refused("dbt: [{manifest: manifest.json, resource: local, name: x}]\n"
                   "assets: [{key: x, run: [x]}]\n",
                   "the key x is that of a step", "another key");
    assert_refused("dbt: [{manifest: manifest.json, resource: local}]\n"
                   "assets: [{key: a, external: true}]\n",
                   "asset a: it is defined twice", "");
    /* What the step's source is made from is made from one of its models. */
    assert_refused("dbt: [{manifest: manifest.json, resource: local}]\n"
                   "assets: [{key: raw/orders, deps: [a], run: [x]}]\n",
                   "raw/orders", "");
    write_manifest(MODEL("a", "\"source.shop.raw.orders\"", VIEW) "," MODEL("b", "", VIEW),
                   SOURCE("orders", ""), "");
    assert_refused("dbt: [{manifest: manifest.json, resource: local}]\n"
                   "assets: [{key: raw/orders, deps: [b], run: [x]}]\n",
                   "steps wait for each other", "two entries under dbt");
    write_text("manifest.json", "{\"metadata\":{\"dbt_schema_version\":\"v99.json\"}}");
    assert_refused(entry, "manifest.json", "");
}

static void a_block_is_written_by_hand_too(void **state)
{
    (void)state;
    struct loaded l;
    load_well(&l,
              "assets:\n"
              "  - key: step\n"
              "    dbt: {manifest: m.json, adapter: sqlite, resource: local}\n"
              "    group: all\n"
              "    assets:\n"
              "      - {key: a, node: model.x.a, checks: [{name: t, test: test.x.t}]}\n"
              "      - {key: b, node: model.x.b, group: own, kinds: [view], metadata: {m: n}}\n");
    assert_str(asset_of(&l, "a")->group, "all");
    assert_str(asset_of(&l, "b")->group, "own");
    assert_list(&asset_of(&l, "b")->kinds, "dbt sqlite view");
    unload(&l);
    assert_refused("assets:\n"
                   "  - key: step\n"
                   "    dbt: {manifest: m.json, adapter: sqlite, resource: local}\n",
                   "assets", "");
    assert_refused("assets:\n"
                   "  - key: step\n"
                   "    dbt: {manifest: m.json, adapter: sqlite, resource: local}\n"
                   "    assets: [{key: a}]\n",
                   "node", "");
    assert_refused("assets:\n"
                   "  - {key: a, run: [x], checks: [{name: t, test: test.x.t}]}\n",
                   "test goes with dbt", "");
    assert_refused("assets:\n"
                   "  - {key: a, run: [x], gives_way: true}\n",
                   "gives_way goes with external only", "");
}

static void two_thousand_models_are_read(void **state)
{
    (void)state;
    enum { MODELS = 2000, TESTS = 3 };
    AUTO(buf) nodes = buf_growing(TEXT_BYTES_MAX);
    struct loaded l;
    for (int i = 0; i < MODELS; i++) {
        buf_addf(&nodes,
                 "%s\"model.shop.m%04d\":{\"resource_type\":\"model\",\"unique_id\":"
                 "\"model.shop.m%04d\",\"name\":\"m%04d\",\"package_name\":\"shop\",\"fqn\":["
                 "\"shop\",\"m\"],\"alias\":"
                 "\"m%04d\",\"raw_code\":\"select %d\",\"config\":{\"materialized\":\"view\"},"
                 "\"depends_on\":{\"nodes\":[%s",
                 i == 0 ? "" : ",", i, i, i, i, i, "");
        if (i > 0) {
            buf_addf(&nodes, "\"model.shop.m%04d\"", i / 2);
        }
        buf_addf(&nodes, "]}}");
        for (int t = 0; t < TESTS; t++) {
            buf_addf(&nodes,
                     ",\"test.shop.t%d_%04d\":{\"resource_type\":\"test\",\"unique_id\":"
                     "\"test.shop.t%d_%04d\",\"name\":\"a_test_with_a_rather_long_name_%d_%04d\","
                     "\"package_name\":\"shop\",\"fqn\":[\"shop\",\"t\"],\"attached_node\":\"model."
                     "shop.m%04d\",\"config\":{},"
                     "\"depends_on\":{\"nodes\":[\"model.shop.m%04d\"]}}",
                     t, i, t, i, t, i, i, i);
        }
    }
    assert_false(nodes.overflow);
    write_manifest(buf_cstr(&nodes), "", "");
    load_well(&l, entry);
    assert_int_equal(l.defs->asset_count, MODELS);
    assert_int_equal(asset_of(&l, "m1999")->check_count, TESTS);
    assert_list(&asset_of(&l, "m1999")->deps, "m0999");
    assert_int_equal(l.defs->assets[0].step->asset_count, MODELS);
    unload(&l);
}

static struct temp_dir folder;

static int set_up(void **state)
{
    *state = NULL;
    folder = temp_dir_new();
    assert_int_equal(chdir(folder.path), 0);
    write_text("pg.yaml", "resources: {pg: {type: postgres, url: 'postgresql://x/y'}}\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(chdir("/"), 0);
    temp_dir_release(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_those_of_dagster_dbt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lineage_goes_past_what_is_no_asset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_is_what_has_its_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_that_is_asked_has_a_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_selected_joins_another_project, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tests_are_checks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_project_says_who_and_when, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_is_written_by_hand_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_thousand_models_are_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
