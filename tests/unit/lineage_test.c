/* lineage_test.c - hub/lineage: whose data an address means, why two assets are joined, versions of an
 * asset, and the graph as of a time. */
#include "hub/lineage/lineage.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 64 << 20 };

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(ARENA_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* --- addresses ------------------------------------------------------------------------------- */

static void an_address_says_whose_data_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *address, *key;
        enum dataset_scope scope;
    } of[] = {
        {"postgres://wh:5432 shop.public.orders", "postgres://wh:5432 shop.public.orders",
         DATASET_EVERYWHERE},
        {"postgresql://WH.Example.org a.b.c", "postgres://wh.example.org:5432 a.b.c",
         DATASET_EVERYWHERE},
        {"postgres://localhost:5433 a.b.c", "postgres://:5433 a.b.c", DATASET_DEVICE},
        {"postgres://127.0.0.1 a.b.c", "postgres://:5432 a.b.c", DATASET_DEVICE},
        {"postgres://[::1]:5432 a.b.c", "postgres://:5432 a.b.c", DATASET_DEVICE},
        {"postgres:// a.b.c", "postgres://:5432 a.b.c", DATASET_DEVICE},
        {"sqlite:///data/shop.db orders", "sqlite:///data/shop.db orders", DATASET_DEVICE},
        {"file:// /data/a b.csv", "file:// /data/a b.csv", DATASET_DEVICE},
        {"file://berlin /data/a.csv", "file://berlin /data/a.csv", DATASET_EVERYWHERE},
        {"mqtt://192.168.0.5 plc/#", "mqtt://192.168.0.5:1883 plc/#", DATASET_SITE},
        {"modbus://10.1.2.3:502 holding", "modbus://10.1.2.3:502 holding", DATASET_SITE},
        {"mqtt://172.32.0.1 t", "mqtt://172.32.0.1:1883 t", DATASET_EVERYWHERE},
        {"mqtt://[fe80::1] t", "mqtt://[fe80::1]:1883 t", DATASET_SITE},
        {"mqtt://[2001:db8::1]:99 t", "mqtt://[2001:db8::1]:99 t", DATASET_EVERYWHERE},
        {"http://plc.local /x", "http://plc.local:80 /x", DATASET_SITE},
        {"postgres://me:secret@wh a.b.c", "postgres://wh:5432 a.b.c", DATASET_EVERYWHERE},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        struct dataset d;
        char memory[256];
        struct buf key = buf_fixed(memory, sizeof(memory));
        assert_true(dataset_parse(str_from(of[i].address), &d));
        dataset_add(&key, &d, STR_NONE);
        if (!str_eq(buf_str(&key), str_from(of[i].key)) || d.scope != of[i].scope) {
            fail_msg("%s: " STR_FMT " scope %d", of[i].address, STR_ARG(buf_str(&key)),
                     (int)d.scope);
        }
    }
}

static void what_is_no_address_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "orders",
                                        "postgres://wh",
                                        "postgres://wh ",
                                        "postgres:wh a",
                                        "://wh a",
                                        "Post gres://wh a",
                                        "postgres://wh:0 a",
                                        "postgres://wh:70000 a",
                                        "postgres://wh:x a",
                                        "postgres://[::1 a",
                                        "postgres://[::1]x a",
                                        "postgres://wh a\nb",
                                        "postgres://wh \xff"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct dataset d;
        if (dataset_parse(str_from(wrong[i]), &d)) {
            fail_msg("\"%s\" was taken", wrong[i]);
        }
    }
}

/* --- the graph ------------------------------------------------------------------------------- */

struct row {
    const char *asset, *device, *site, *body;
};

/* Versions are numbered by their bodies' order of appearance per asset. */
static struct lineage graph(const struct row *rows, size_t count)
{
    struct err err = {0};
    struct lineage l;
    struct lineage_builder *b = lineage_begin(&arena);
    assert_non_null(b);
    for (size_t i = 0; i < count; i++) {
        bool is_same = i > 0 && strcmp(rows[i].asset, rows[i - 1].asset) == 0 &&
                       strcmp(rows[i].body, rows[i - 1].body) == 0;
        static char version[16];
        if (!is_same) {
            (void)snprintf(version, sizeof(version), "v%zu", i);
        }
        assert_int_equal(lineage_knows(b, str_from(rows[i].asset), str_from(version)), is_same);
        const struct lineage_row row = {.asset = str_from(rows[i].asset),
                                        .version = str_from(version),
                                        .device = str_from(rows[i].device),
                                        .site = str_from(rows[i].site),
                                        .body = str_from(rows[i].body)};
        lineage_add(b, &row);
    }
    if (!lineage_end(b, &l, &err)) {
        fail_msg("%s", err.msg);
    }
    return l;
}

static void add_devices(struct buf *out, const struct lineage *l, struct lineage_devices devices)
{
    for (size_t i = 0; i < devices.count; i++) {
        buf_add(out, i > 0 ? STR(",") : STR(""));
        buf_add(out, l->devices[devices.items[i]]);
    }
}

/* "a>b by key said oslo; a=>c by DATASET from berlin to oslo" */
static void expect_edges(const struct lineage *l, const char *expected)
{
    AUTO(buf) out = buf_growing(1 << 16);
    for (size_t i = 0; i < l->edge_count; i++) {
        const struct lineage_edge *e = &l->edges[i];
        for (const struct lineage_reason *r = e->reasons; r != NULL; r = r->next) {
            buf_add(&out, out.len > 0 ? STR("; ") : STR(""));
            buf_add(&out, l->assets[e->upstream].key);
            buf_add(&out, r->does_cross ? STR("=>") : STR(">"));
            buf_add(&out, l->assets[e->downstream].key);
            buf_add(&out, STR(" by "));
            buf_add(&out, str_is_empty(r->dataset) ? STR("key") : r->dataset);
            buf_add(&out, STR(" from "));
            add_devices(&out, l, r->from);
            buf_add(&out, STR(" to "));
            add_devices(&out, l, r->to);
        }
    }
    if (!str_eq(buf_str(&out), str_from(expected))) {
        fail_msg("edges: " STR_FMT "\nexpected: %s", STR_ARG(buf_str(&out)), expected);
    }
}

#define GRAPH(...)                                                                                 \
    graph((const struct row[]){__VA_ARGS__}, COUNT_OF(((const struct row[]){__VA_ARGS__})))

static void assets_of_two_devices_are_joined_by_the_table_between_them(void **state)
{
    (void)state;
    struct lineage l = GRAPH(
        {"report", "hq", "", "{\"key\":\"report\",\"reads\":[\"postgres://wh:5432 s.p.orders\"]}"},
        {"sales", "berlin", "", "{\"writes\":[\"postgresql://WH s.p.orders\"]}"},
        {"sales", "oslo", "", "{\"writes\":[\"postgresql://WH s.p.orders\"]}"});
    expect_edges(&l, "sales=>report by postgres://wh:5432 s.p.orders from berlin,oslo to hq");
    assert_true(lineage_edge_crosses(&l.edges[0]));
}

static void what_two_devices_call_localhost_is_not_the_same(void **state)
{
    (void)state;
    struct lineage apart =
        GRAPH({"report", "hq", "", "{\"reads\":[\"postgres://localhost a.b.c\"]}"},
              {"sales", "berlin", "", "{\"writes\":[\"postgres://127.0.0.1:5432 a.b.c\"]}"});
    expect_edges(&apart, "");
    struct lineage on_each =
        GRAPH({"report", "berlin", "", "{\"reads\":[\"sqlite:///d/s.db t\"]}"},
              {"report", "hq", "", "{\"reads\":[\"sqlite:///d/s.db t\"]}"},
              {"sales", "berlin", "", "{\"writes\":[\"sqlite:///d/s.db t\"]}"});
    expect_edges(&on_each, "sales>report by sqlite://berlin/d/s.db t from berlin to berlin");
}

static void a_private_address_is_the_sites_own(void **state)
{
    (void)state;
    struct lineage l =
        GRAPH({"report", "b-hq", "berlin", "{\"reads\":[\"postgres://192.168.0.9 a.b.c\"]}"},
              {"report", "o-hq", "oslo", "{\"reads\":[\"postgres://192.168.0.9 a.b.c\"]}"},
              {"sales", "b-till", "berlin", "{\"writes\":[\"postgres://192.168.0.9 a.b.c\"]}"},
              {"sales", "p-till", "paris", "{\"writes\":[\"postgres://192.168.0.9 a.b.c\"]}"});
    expect_edges(&l, "sales=>report by postgres://192.168.0.9:5432 a.b.c from b-till to b-hq");
}

static void a_device_may_be_named_as_the_host(void **state)
{
    (void)state;
    struct lineage l = GRAPH({"report", "hq", "", "{\"reads\":[\"file://berlin /d/a.csv\"]}"},
                             {"sales", "berlin", "", "{\"writes\":[\"file:// /d/a.csv\"]}"},
                             {"sales", "oslo", "", "{\"writes\":[\"file:// /d/a.csv\"]}"});
    expect_edges(&l, "sales=>report by file://berlin /d/a.csv from berlin to hq");
}

static void a_device_that_names_an_asset_of_another_is_joined_by_key(void **state)
{
    (void)state;
    struct lineage l = GRAPH({"orders", "berlin", "", "{\"key\":\"orders\"}"},
                             {"orders", "hq", "", "{\"external\":true}"},
                             {"report", "hq", "", "{\"deps\":[\"orders\",\"weather\"]}"});
    expect_edges(&l, "orders=>report by key from berlin to hq; weather>report by key from  to hq");
    uint32_t orders = 0;
    assert_true(strmap_get(&l.by_key, STR("orders"), &orders));
    assert_int_equal(l.assets[orders].made_on.count, 1);
    assert_int_equal(l.assets[orders].external_on.count, 1);
}

static void an_external_asset_finds_who_makes_its_data(void **state)
{
    (void)state;
    static const struct row with[] = {
        {"erp/orders", "hq", "", "{\"external\":true,\"reads\":[\"postgres://wh a.b.c\"]}"},
        {"report", "hq", "", "{\"deps\":[\"erp/orders\"]}"},
        {"sales", "berlin", "", "{\"writes\":[\"postgres://wh a.b.c\"]}"}};
    struct lineage l = graph(with, 3);
    expect_edges(&l, "erp/orders>report by key from  to hq; "
                     "sales=>erp/orders by postgres://wh:5432 a.b.c from berlin to hq");
    struct lineage without = graph(with, 2); /* its producer has gone */
    expect_edges(&without, "erp/orders>report by key from  to hq");
}

static void circles_are_walked_once(void **state)
{
    (void)state;
    struct lineage l = GRAPH({"a", "x", "",
                              "{\"reads\":[\"postgres://wh d.s.b\"],\"writes\":[\"postgres://wh "
                              "d.s.a\"]}"},
                             {"b", "y", "",
                              "{\"reads\":[\"postgres://wh d.s.a\"],\"writes\":[\"postgres://wh "
                              "d.s.b\"],\"deps\":[\"b\"]}"},
                             {"c", "y", "", "{\"deps\":[\"b\"]}"}, {"d", "y", "", "{}"});
    bool *set = arena_array(&arena, l.asset_count, sizeof(bool));
    assert_true(lineage_reach(&l, 2, true, &arena, set));
    assert_true(set[0] && set[1] && !set[2] && !set[3]);
    memset(set, 0, l.asset_count);
    assert_true(lineage_reach(&l, 0, false, &arena, set));
    assert_true(set[0] && set[1] && set[2] && !set[3]);
}

static void what_devices_say_is_told_apart_as_versions(void **state)
{
    (void)state;
    static const char *const old = "{\"key\":\"a\",\"code_version\":\"1\",\"group\":\"g\"}";
    static const char *const new = "{\"key\":\"a\",\"code_version\":\"2\",\"owners\":[\"x\"]}";
    struct lineage l =
        GRAPH({"a", "oslo", "", old}, {"a", "berlin", "", new}, {"a", "hq", "", new});
    const struct lineage_version *v = l.assets[0].versions;
    assert_int_equal(l.assets[0].version_count, 2);
    assert_int_equal(v->devices.count, 2);
    assert_true(str_eq(v->code_version, STR("2")));
    AUTO(buf) out = buf_growing(1024);
    lineage_add_differences(&out, v->next->body, v->body);
    assert_true(str_eq(buf_str(&out), STR("code_version, group, owners")));
    assert_true(lineage_differs(v->next->body, v->body));
    assert_false(lineage_differs(STR("{\"reads\":[\"a\"]}"), STR("{\"writes\":[\"b\"]}")));
}

static void what_makes_no_sense_is_passed_over(void **state)
{
    (void)state;
    struct lineage l =
        GRAPH({"a", "x", "", "{\"deps\":\"b\",\"reads\":[1,null,\"no\",{\"a\":[]}],\"writes\":{}}"},
              {"b", "x", "", "[]"}, {"c", "x", "", "{\"deps\":[\"\",\"\\u0041\",3]}"});
    assert_int_equal(l.edge_count, 0);
    assert_int_equal(l.asset_count, 3);
}

static void a_graph_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct lineage l;
    struct arena small = arena_new(4096);
    struct lineage_builder *b = lineage_begin(&small);
    assert_non_null(b);
    for (int i = 0; i < 100; i++) {
        char device[16];
        (void)snprintf(device, sizeof(device), "d%d", i);
        lineage_add(b, &(struct lineage_row){.asset = STR("a"),
                                             .version = STR("v"),
                                             .device = str_from(device),
                                             .body = STR("{}")});
    }
    assert_false(lineage_end(b, &l, &err));
    assert_int_equal(err.code, ERR_FULL);
    arena_release(&small);
}

/* --- from the store, and as of a time -------------------------------------------------------- */

static void tell(struct story *s, int64_t at_ms, const char *assets)
{
    s->clock_ms = at_ms;
    story_add(s, "definitions", "\"hash\":\"h%lld\",\"part\":1,\"parts\":1,\"assets\":[%s]",
              (long long)at_ms, assets);
}

static struct lineage load(struct db *store, int64_t at_ms)
{
    struct err err = {0};
    struct lineage l;
    const struct lineage_filter filter = {.at = {at_ms * NS_PER_MS}};
    if (!lineage_load(store, &filter, &arena, &l, &err)) {
        fail_msg("%s", err.msg);
    }
    return l;
}

static void the_graph_of_an_earlier_time_is_kept(void **state)
{
    (void)state;
    const int64_t t0 = INT64_C(1795300000000);
    struct db *store = world_store();
    struct merge *merge = world_merge(store);
    struct story till = story_new("till", "00000000000000a1", t0, 1);
    struct story wiped = story_new("till", "00000000000000a0", t0, 1);
    tell(&till, t0, "{\"key\":\"a\"},{\"key\":\"b\",\"deps\":[\"a\"]}");
    tell(&till, t0 + 10000, "{\"key\":\"a\"},{\"key\":\"c\",\"deps\":[\"a\"]}");
    tell(&wiped, t0 + 20000, "{\"key\":\"c\",\"deps\":[\"x\"]}");
    (void)world_send(merge, &wiped, 0, 1); /* the newer database comes in first */
    (void)world_send(merge, &till, 0, 2);
    struct lineage now = load(store, 0);
    expect_edges(&now, "x>c by key from  to till");
    struct lineage first = load(store, t0 + 5000);
    expect_edges(&first, "a>b by key from till to till");
    struct lineage second = load(store, t0 + 15000);
    expect_edges(&second, "a>c by key from till to till");
    assert_int_equal(second.assets[0].versions->since.ns, (t0 + 250) * NS_PER_MS);
    struct lineage before = load(store, t0 - 1);
    assert_int_equal(before.asset_count, 0);
    assert_int_equal(world_number(store, "SELECT count(*) FROM asset_text"), 4);
    assert_int_equal(world_number(store, "SELECT last_seq FROM asset_history WHERE asset = 'a'"),
                     2);
    world_expect_rebuildable(store);
    merge_close(merge);
    db_close(store);
    story_release(&till);
    story_release(&wiped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_says_whose_data_it_is),
        TEST(what_is_no_address_is_none),
        TEST(assets_of_two_devices_are_joined_by_the_table_between_them),
        TEST(what_two_devices_call_localhost_is_not_the_same),
        TEST(a_private_address_is_the_sites_own),
        TEST(a_device_may_be_named_as_the_host),
        TEST(a_device_that_names_an_asset_of_another_is_joined_by_key),
        TEST(an_external_asset_finds_who_makes_its_data),
        TEST(circles_are_walked_once),
        TEST(what_devices_say_is_told_apart_as_versions),
        TEST(what_makes_no_sense_is_passed_over),
        TEST(a_graph_that_is_too_large_is_refused),
        TEST(the_graph_of_an_earlier_time_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
