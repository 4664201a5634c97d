/* definitions_steps_test.c - blocks that make several assets, taken apart. */
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <string.h>

static const char streams[] =
    "assets:\n"
    "  - key: lake\n"
    "    deps: [crm]\n"
    "    group: raw\n"
    "    tags: {domain: sales}\n"
    "    description: From the shop.\n"
    "    extract:\n"
    "      tap: [tap-shop, --fast]\n"
    "      config: {url: here}\n"
    "      streams:\n"
    "        - orders\n"
    "        - name: tags\n"
    "          key: lake/labels\n"
    "          deps: [crm2]\n"
    "          description: What hangs on things.\n"
    "          code_version: '2'\n"
    "          checks: [{name: has_rows, sql: select 1, blocking: true}]\n"
    "    load: {resource: local}\n"
    "    retry: {max: 2, delay: 1s}\n"
    "  - {key: crm, external: true}\n"
    "  - {key: crm2, external: true}\n"
    "  - {key: report, deps: [lake/labels, lake/orders], run: [x]}\n";

static void each_stream_is_an_asset(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, streams);
    assert_loaded(&l);
    const struct definitions *defs = l.defs;
    assert_int_equal(defs->asset_count, 5);
    assert_int_equal(defs->shared_step_count, 1);
    const struct asset *orders = &defs->assets[0];
    const struct asset *labels = &defs->assets[1];
    assert_true(str_eq(orders->key, STR("lake/orders")));
    assert_true(str_eq(labels->key, STR("lake/labels")));
    assert_ptr_equal(orders->step, labels->step);
    assert_true(str_eq(asset_step_key(labels), STR("lake")));
    assert_int_equal(orders->step->asset_count, 2);
    assert_int_equal(orders->step->assets[0], 0);
    assert_int_equal(orders->step->assets[1], 1);
    assert_true(str_eq(orders->stream, STR("orders")));
    assert_true(str_eq(labels->stream, STR("tags"))); /* also a word of ours */
    for (int i = 0; i < 2; i++) {
        const struct asset *asset = &defs->assets[i];
        assert_int_equal(asset->work, ASSET_EXTRACT_LOAD);
        assert_string_equal(asset->extract.connector->type, "singer_program");
        assert_true(str_contains(asset->extract.written, STR("\"config\":{\"url\":\"here\"}")));
        assert_false(str_contains(asset->extract.written, STR("stream")));
        assert_int_equal(asset->load.mode, MODE_UPSERT);
        assert_non_null(asset->load.resource);
        assert_int_equal(asset->retry.max, 2);
        assert_true(str_eq(asset->group, STR("raw")));
        assert_int_equal(asset->tags.count, 1);
        assert_int_equal(asset->kinds.count, 3);
    }
    assert_int_equal(orders->deps.count, 1);
    assert_int_equal(labels->deps.count, 2);
    assert_true(str_eq(labels->deps.items[1], STR("crm2")));
    assert_true(str_eq(orders->description, STR("From the shop.")));
    assert_true(str_eq(labels->description, STR("What hangs on things.")));
    assert_true(str_eq(labels->code_version, STR("2")));
    assert_int_equal(orders->check_count, 0);
    assert_int_equal(labels->check_count, 1);
    assert_ptr_equal(labels->checks[0].resource, labels->load.resource);
    assert_null(defs->assets[4].step);
    /* Behind all that they are made from, together, before what is made from them. */
    static const uint32_t order[] = {2, 3, 0, 1, 4};
    assert_memory_equal(defs->order, order, sizeof(order));
    loaded_release(&l);
}

static void a_command_makes_what_it_names(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - key: etl\n"
                    "    run: [x]\n"
                    "    code_version: '1'\n"
                    "    assets:\n"
                    "      - report/daily\n"
                    "      - {key: report/monthly, deps: [report/daily], code_version: '7',\n"
                    "         checks: [{name: sane}]}\n"
                    "  - {key: one, run: [x], assets: [other]}\n");
    assert_loaded(&l);
    assert_int_equal(l.defs->asset_count, 3);
    assert_int_equal(l.defs->shared_step_count, 2);
    assert_true(str_eq(l.defs->assets[1].key, STR("report/monthly")));
    assert_true(str_eq(l.defs->assets[0].code_version, STR("1")));
    assert_true(str_eq(l.defs->assets[1].code_version, STR("7")));
    assert_int_equal(l.defs->assets[1].check_count, 1);
    assert_int_equal(l.defs->assets[1].work, ASSET_RUN);
    assert_true(str_eq(l.defs->assets[2].key, STR("other")));
    assert_true(str_eq(asset_step_key(&l.defs->assets[2]), STR("one")));
    loaded_release(&l);
}

static void what_is_wrong_is_told_once_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *problem;
        const char *hint;
    } cases[] = {
        {"  - {key: a, run: [x], checks: [{name: c}], assets: [b, c]}\n",
         "6:32: asset a: checks: the step makes several assets; give each its own",
         "assets: [{key: ..., checks: ...}]"},
        {"  - {key: a, external: true, assets: [b]}\n",
         "6:38: asset a: assets goes with run, meltano and dbt only", "take it away"},
        {"  - {key: a, extract: {csv: x, streams: [b]}, load: {resource: local}}\n",
         "6:41: asset a: streams goes with tap only", NULL},
        {"  - {key: a, extract: {tap: [x], stream: y, streams: [b]}, load: {resource: local}}\n",
         "6:42: asset a: extract has both stream and streams", NULL},
        {"  - {key: a, extract: {tap: [x], streams: [b]}, load: {resource: local, table: t}}\n",
         "6:80: asset a: load: each of the streams has a table by its name, not one for all",
         "take it away"},
        {"  - {key: a, extract: {tap: [x], streams: [b]}, load: {jsonl: out.jsonl}}\n",
         "6:63: asset a: load: a file takes one stream, and there are streams", NULL},
        {"  - {key: a, extract: {tap: [x], streams: [b]}, load: {csv: out.csv}}\n",
         "6:61: asset a: load: a file takes one stream, and there are streams",
         "write {stream} into the file's name, or load into a database"},
        {"  - {key: a, extract: {tap: [x], streams: [b, b]}, load: {resource: local}}\n",
         "6:47: asset a: stream b is named twice", NULL},
        {"  - {key: a, extract: {tap: [x], streams: []}, load: {resource: local}}\n",
         "6:43: assets[0].extract.streams: expected at least 1, got 0", NULL},
        /* What all of them share is wrong once. */
        {"  - {key: a, run: [x], user: '!', assets: [a/b, a/c, a/d]}\n",
         "6:30: asset a/b: user \"!\" is not a user's name", NULL},
        {"  - {key: a, run: [x], assets: [b c, d]}\n",
         "6:33: asset key \"b c\": byte 0x20 is not allowed", NULL},
        {"  - {key: a, run: [x], assets: [b, b]}\n",
         "6:36: asset b: it is defined twice (first in line 6)", NULL},
        /* Keys of steps and of assets. */
        {"  - {key: a, run: [x], assets: [b]}\n  - {key: a, run: [x]}\n",
         "7:5: the key a is that of a step that makes several assets, and of another asset",
         "give one of them another key"},
        {"  - {key: a, run: [x]}\n  - {key: a, run: [x], assets: [b]}\n",
         "7:5: the key a is that of a step that makes several assets, and of another asset",
         "give one of them another key"},
        {"  - {key: a, run: [x], assets: [b]}\n  - {key: a, run: [x], assets: [c]}\n",
         "7:5: the key a is that of a step that makes several assets, and of another step",
         "give one of them another key"},
        {"  - {key: a, run: [x], assets: [b]}\n  - {key: c, deps: [a], run: [x]}\n",
         "7:21: asset c depends on a, which is not defined: it is a step that makes several "
         "assets",
         "name those of its assets that are meant"},
        {"  - {key: a, run: [x], assets: [b, {key: c, deps: [d]}]}\n"
         "  - {key: d, deps: [b], run: [x]}\n",
         "6:5: steps wait for each other: a -> d -> a",
         "a step makes its assets together: drop one dep, or make one of them in a step of its "
         "own"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[400];
        struct buf out = buf_fixed(text, sizeof(text));
        buf_addf(&out, "assets:\n%s", cases[i].text);
        struct loaded l;
        load_assets(&l, buf_cstr(&out));
        assert_null(l.defs);
        assert_problem(&l, 0, cases[i].problem, cases[i].hint);
        assert_int_equal(l.problems.total, 1);
        loaded_release(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stream_is_an_asset),
        cmocka_unit_test(a_command_makes_what_it_names),
        cmocka_unit_test(what_is_wrong_is_told_once_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
