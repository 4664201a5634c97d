#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected))) {
        print_error("\"" STR_FMT "\" is not \"%s\"\n", STR_ARG(actual), expected);
        fail();
    }
}

static const char shop[] =
    "assets:\n"
    "  - key: pos/sales\n"
    "    extract: {resource: pos, replication_key: updated_at, columns: [id, updated_at, total]}\n"
    "    load: {resource: local, mode: upsert, primary_key: [id]}\n"
    "    group: pos\n"
    "    kinds: [orders, sqlite]\n"
    "    tags: {domain: sales, 'tier/one': 1.10}\n"
    "    owners: [team:retail, ann@shop.example]\n"
    "    description: What was sold.\n"
    "    code_version: \"3\"\n"
    "    retry: {max: 3, delay: 10s, backoff: exponential, jitter: full}\n"
    "    timeout: 10m\n"
    "    checks:\n"
    "      - {name: has_rows, sql: select count(*) > 0 from sales}\n"
    "      - {name: in_pos, sql: select 1, resource: pos, severity: warn}\n"
    "  - key: pos/items\n"
    "    extract: {csv: \"${IN:-/data}/*.csv\", delimiter: \"\\t\", header: false}\n"
    "    load: {jsonl: out/items.jsonl, mode: overwrite}\n"
    "  - key: log\n"
    "    extract: {jsonl: log.jsonl}\n"
    "    load: {resource: local, table: log_lines}\n"
    "  - key: reports/daily\n"
    "    deps: [pos/sales, erp/prices]\n"
    "    sql: {resource: local, materialized: table, file: sql/daily.sql}\n"
    "  - key: reports/top\n"
    "    deps: reports/daily\n"
    "    sql: {resource: local, query: select 1 as one, name: top_ten}\n"
    "  - key: forecast\n"
    "    deps: [reports/daily]\n"
    "    run: [python3, forecast.py, \"cost $$5\"]\n"
    "    env: {MODEL_DIR: \"${STATE_DIR}/models\", LEVEL: 3}\n"
    "  - {key: erp/prices, external: true, kinds: [erp]}\n"
    "jobs:\n"
    "  - {name: nightly, select: \"group:pos+\"}\n"
    "  - {name: reports, select: reports/*}\n"
    "schedules:\n"
    "  - {name: night, job: nightly, cron: 30 2 * * *, timezone: Europe/Berlin}\n"
    "  - {name: often, select: log, every: 90s}\n"
    "  - {name: noon, job: reports, cron: 0 12 * * mon-fri, timezone: Europe/Berlin}\n"
    "  - {name: utc, job: reports, cron: '@hourly'}\n";

static void a_shop_is_understood(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, shop);
    assert_loaded(&l);
    const struct definitions *d = l.defs;
    assert_str(d->project, "shop");
    assert_str(d->path, "shop/selvedge.yaml");
    assert_string_equal(d->dir, "shop");
    assert_int_equal(strlen(d->hash), 64);
    assert_int_equal(d->resource_count, 2);
    assert_str(d->resources[1].name, "local");
    assert_str(d->resources[1].written, "{\"type\":\"sqlite\",\"path\":\"${STATE_DIR}/shop.db\"}");
    const struct tap_options *local = d->resources[1].options;
    assert_str(local->path, "${STATE_DIR}/shop.db");
    assert_int_equal(d->asset_count, 7);
    assert_int_equal(d->graph.count, 7);

    const struct asset *sales = &d->assets[0];
    assert_int_equal(sales->work, ASSET_EXTRACT_LOAD);
    assert_string_equal(sales->extract.connector->type, "sqlite");
    assert_ptr_equal(sales->extract.resource, &d->resources[0]);
    assert_str(sales->extract.written, "{\"replication_key\":\"updated_at\",\"columns\":[\"id\","
                                       "\"updated_at\",\"total\"],\"table\":\"sales\"}");
    assert_ptr_equal(sales->load.resource, &d->resources[1]);
    assert_str(sales->load.written,
               "{\"primary_key\":[\"id\"],\"table\":\"sales\",\"mode\":\"upsert\"}");
    assert_int_equal(sales->load.mode, MODE_UPSERT);
    assert_str(sales->group, "pos");
    assert_int_equal(sales->kinds.count, 3);
    assert_str(sales->kinds.items[0], "tap");
    assert_str(sales->kinds.items[1], "sqlite");
    assert_str(sales->kinds.items[2], "orders");
    assert_str(sales->tags.keys[1], "tier/one");
    assert_str(sales->tags.values[1], "1.10"); /* as written, not as a number */
    assert_str(sales->code_version, "3");
    assert_int_equal(sales->retry.max, 3);
    assert_int_equal(sales->retry.delay_ns, 10 * NS_PER_SEC);
    assert_int_equal(sales->retry.growth, BACKOFF_EXPONENTIAL);
    assert_int_equal(sales->retry.jitter, JITTER_FULL);
    assert_int_equal(sales->timeout_ns, 600 * NS_PER_SEC);
    assert_int_equal(sales->check_count, 2);
    assert_ptr_equal(sales->checks[0].resource, &d->resources[1]); /* where it is written to */
    assert_int_equal(sales->checks[0].severity, CHECK_ERROR);
    assert_ptr_equal(sales->checks[1].resource, &d->resources[0]);
    assert_int_equal(sales->checks[1].severity, CHECK_WARN);
    assert_int_equal(sales->at.line, 6);
    loaded_release(&l);
}

static void defaults_and_types(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, shop);
    assert_loaded(&l);
    const struct definitions *d = l.defs;
    const struct asset *items = &d->assets[1];
    assert_string_equal(items->extract.connector->type, "csv");
    assert_str(items->extract.written,
               "{\"csv\":\"${IN:-/data}/*.csv\",\"delimiter\":\"\\t\",\"header\":false}");
    assert_null(items->extract.resource);
    assert_string_equal(items->load.connector->type, "jsonl");
    assert_int_equal(items->load.mode, MODE_OVERWRITE);
    assert_str(items->group, "default");
    assert_int_equal(items->retry.max, 0);
    assert_int_equal(items->timeout_ns, 0);
    assert_str(items->kinds.items[1], "csv");
    assert_str(items->kinds.items[2], "jsonl");

    const struct asset *log = &d->assets[2];
    assert_string_equal(log->extract.connector->type, "jsonl");
    assert_str(log->load.written, "{\"table\":\"log_lines\",\"mode\":\"append\"}");
    assert_int_equal(log->load.mode, MODE_APPEND);

    const struct asset *daily = &d->assets[3];
    assert_int_equal(daily->work, ASSET_SQL);
    assert_int_equal(daily->sql.materialized, SQL_TABLE);
    assert_str(daily->sql.query, "select day, sum(total) as total\nfrom sales group by day\n");
    assert_str(daily->sql.name, "daily");
    assert_str(daily->kinds.items[1], "table");
    const struct asset *top = &d->assets[4];
    assert_int_equal(top->sql.materialized, SQL_VIEW);
    assert_str(top->sql.name, "top_ten");
    assert_str(top->deps.items[0], "reports/daily"); /* a lone string is a list of one */

    const struct asset *forecast = &d->assets[5];
    assert_int_equal(forecast->work, ASSET_RUN);
    assert_int_equal(forecast->run.count, 3);
    assert_str(forecast->run.items[2], "cost $$5"); /* resolved when it runs */
    assert_str(forecast->env.values[1], "3");
    assert_int_equal(d->assets[6].work, ASSET_EXTERNAL);
    assert_int_equal(d->assets[6].kinds.count, 1);
    loaded_release(&l);
}

static void jobs_and_schedules_are_linked(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, shop);
    assert_loaded(&l);
    const struct definitions *d = l.defs;
    const struct job *nightly = NULL;
    assert_true(definitions_find_job(d, STR("nightly"), &nightly, &l.err));
    assert_int_equal(nightly->asset_count, 4);
    assert_int_equal(nightly->assets[3], 5);
    assert_int_equal(d->schedule_count, 4);
    assert_ptr_equal(d->schedules[0].job, nightly);
    assert_ptr_equal(d->schedules[0].assets, nightly->assets);
    assert_int_equal(d->schedules[0].cron.minutes, UINT64_C(1) << 30);
    assert_int_equal(tz_offset_at(d->schedules[0].tz, 1782864000), 7200);
    assert_ptr_equal(d->schedules[2].tz, d->schedules[0].tz); /* loaded once */
    assert_null(d->schedules[1].job);
    assert_int_equal(d->schedules[1].every_ns, 90 * NS_PER_SEC);
    assert_int_equal(d->schedules[1].asset_count, 1);
    assert_int_equal(d->schedules[1].assets[0], 2);
    assert_ptr_equal(d->schedules[3].tz, tz_utc());

    assert_false(definitions_find_job(d, STR("nigthly"), &nightly, &l.err));
    assert_int_equal(l.err.code, ERR_NOT_FOUND);
    assert_string_equal(l.err.hint, "did you mean nightly?");
    uint32_t asset = 0;
    assert_true(definitions_find_asset(d, STR("forecast"), &asset, &l.err));
    assert_int_equal(asset, 5);
    assert_false(definitions_find_asset(d, STR("forcast"), &asset, &l.err));
    assert_string_equal(l.err.hint, "did you mean forecast?");
    loaded_release(&l);
}

static void selections_know_the_attributes(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, shop);
    assert_loaded(&l);
    static const struct {
        const char *selection;
        const char *expected; /* one digit for each asset */
    } cases[] = {
        {"group:pos", "1000000"},    {"kind:tap", "1110000"},
        {"kind:sqlite", "1010000"},  {"kind:orders or kind:erp", "1000001"},
        {"kind:view", "0000100"},    {"tag:domain=sales", "1000000"},
        {"tag:domain", "0000000"},   {"owner:team:retail", "1000000"},
        {"+reports/top", "1001101"}, {"owner:ann@shop.example+1", "1001000"},
        {"group:po*", "1000000"},    {"is:external", "0000001"},
        {"owner:<null>", "0111111"}, {"kind:<null>", "0000000"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        bool *set = NULL;
        assert_true(definitions_select(l.defs, str_from(cases[i].selection), &arena, &set, &l.err));
        for (size_t n = 0; n < 7; n++) {
            assert_int_equal(set[n], cases[i].expected[n] == '1');
        }
    }
    loaded_release(&l);
}

static void assets_are_told(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, shop);
    assert_loaded(&l);
    static const char *const expected[] = {
        "{\"key\":\"pos/sales\",\"group\":\"pos\",\"kinds\":[\"tap\",\"sqlite\",\"orders\"],"
        "\"tags\":{\"domain\":\"sales\",\"tier/one\":\"1.10\"},"
        "\"owners\":[\"team:retail\",\"ann@shop.example\"],\"description\":\"What was sold.\","
        "\"code_version\":\"3\",\"checks\":[{\"name\":\"has_rows\",\"severity\":\"error\"},"
        "{\"name\":\"in_pos\",\"severity\":\"warn\"}],\"jobs\":[\"nightly\"],"
        "\"schedules\":[\"night\"]}",
        "{\"key\":\"pos/items\",\"group\":\"default\",\"kinds\":[\"tap\",\"csv\",\"jsonl\"]}",
        "{\"key\":\"log\",\"group\":\"default\",\"kinds\":[\"tap\",\"jsonl\",\"sqlite\"],"
        "\"schedules\":[\"often\"]}",
        "{\"key\":\"reports/daily\",\"deps\":[\"pos/sales\",\"erp/prices\"],"
        "\"group\":\"default\",\"kinds\":[\"sql\",\"table\"],\"jobs\":[\"nightly\",\"reports\"],"
        "\"schedules\":[\"night\",\"noon\",\"utc\"]}",
        NULL,
        NULL,
        "{\"key\":\"erp/prices\",\"group\":\"default\",\"kinds\":[\"erp\"],\"external\":true}",
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        AUTO(buf) out = buf_growing(4096);
        struct json_writer w = json_writer(&out);
        definitions_write_asset(l.defs, i, NULL, &w);
        if (expected[i] != NULL) {
            assert_string_equal(buf_cstr(&out), expected[i]);
        }
    }
    loaded_release(&l);
}

static void hash_of(const char *text, char ret[65])
{
    struct loaded l;
    load_assets(&l, text);
    assert_loaded(&l);
    memcpy(ret, l.defs->hash, 65);
    loaded_release(&l);
}

static void the_hash_is_of_the_content(void **state)
{
    (void)state;
    char first[65];
    char other[65];
    hash_of("assets:\n  - {key: a, sql: {resource: pos, file: sql/daily.sql}}\n", first);
    hash_of("# a comment\nassets:\n\n- key: \"a\"\n  sql:\n    resource: pos\n"
            "    file: sql/daily.sql\n",
            other);
    assert_string_equal(first, other);
    hash_of("assets:\n  - {key: b, sql: {resource: pos, file: sql/daily.sql}}\n", other);
    assert_string_not_equal(first, other);
    /* What the file holds counts, not only its name. */
    hash_of("assets:\n  - {key: a, sql: {resource: pos, query: sql/daily.sql}}\n", other);
    assert_string_not_equal(first, other);
}

static void nothing_at_all_is_fine(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "project: empty\n");
    assert_loaded(&l);
    assert_int_equal(l.defs->asset_count, 0);
    AUTO(arena) arena = arena_new(1 << 16);
    bool *set = NULL;
    assert_true(definitions_select(l.defs, STR("*"), &arena, &set, &l.err));
    loaded_release(&l);
    definitions_close(NULL);
}

static void they_live_until_the_last_user_closes_them(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "project: shared\n");
    assert_loaded(&l);
    struct definitions *run = definitions_share(l.defs);
    assert_ptr_equal(run, l.defs);
    loaded_release(&l); /* a reload */
    assert_str(run->project, "shared");
    definitions_close(run); /* the sanitizer would see a leak, or a use after it */
}

static void folders(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *dir;
    } cases[] = {{"selvedge.yaml", "."}, {"/selvedge.yaml", "/"}, {"/etc/s/x.yaml", "/etc/s"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct loaded l = {.report = arena_new(1 << 20)};
        l.problems.arena = &l.report;
        struct definitions_files files = fixture_files();
        assert_true(definitions_parse(STR("project: x"), str_from(cases[i].path), &files,
                                      &l.problems, &l.defs, &l.err));
        assert_int_equal(l.defs->file_count, 1);
        assert_str(l.defs->files[0], cases[i].path);
        assert_string_equal(l.defs->dir, cases[i].dir);
        loaded_release(&l);
    }
}

static void schema_and_reference_come_from_the_tables(void **state)
{
    (void)state;
    AUTO(buf) schema = buf_growing(1 << 20);
    definitions_write_schema(&schema);
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *root = NULL;
    struct err err = {0};
    assert_true(json_parse(buf_str(&schema), 1 << 20, &arena, &root, &err));
    const struct json *asset = json_get(json_get(json_get(root, "$defs"), "asset"), "properties");
    assert_non_null(json_get(asset, "extract"));
    assert_null(json_get(json_get(root, "properties"), "dbt")); /* of a later version */
    AUTO(buf) page = buf_growing(1 << 20);
    definitions_write_reference(&page);
    assert_false(page.overflow);
    assert_non_null(strstr(buf_cstr(&page), "| `replication_key` |"));
    assert_non_null(strstr(buf_cstr(&page), "### hourly_partitions\n"));
    assert_non_null(strstr(buf_cstr(&page), "### meltano_block\n"));
    assert_non_null(strstr(buf_cstr(&page), "### dbt_nodes\n"));
}

/* 10,000 assets in one file. */
static void large_definitions_load(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4 << 20);
    buf_add_text(&text, fixture_header);
    buf_add_text(&text, "assets:\n");
    for (int i = 0; i < 10000; i++) {
        buf_addf(
            &text,
            "  - key: pos/a%05d\n    deps: [%s%05d]\n    extract: {resource: pos, table: t%d}\n"
            "    load: {resource: local, mode: overwrite}\n",
            i, i == 0 ? "pos/b" : "pos/a", i == 0 ? 0 : i / 2, i);
    }
    buf_add_text(&text, "  - {key: pos/b00000, external: true}\n");
    buf_add_text(&text, "jobs: [{name: all, select: '*'}]\n");
    assert_false(text.overflow);
    struct loaded l;
    load_text(&l, buf_cstr(&text));
    assert_loaded(&l);
    assert_int_equal(l.defs->asset_count, 10001);
    assert_int_equal(l.defs->jobs[0].asset_count, 10001);
    loaded_release(&l);
}

static void real_files_and_zones(void **state)
{
    (void)state;
    struct definitions_files files = definitions_system_files();
    struct err err = {0};
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    assert_false(files.read_zone(files.ctx, "No/Where", &bytes, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.hint, "check the spelling, or install the package tzdata");

    struct loaded l = {.report = arena_new(1 << 20)};
    l.problems.arena = &l.report;
    assert_false(definitions_load("no/such.yaml", &files, &l.problems, &l.defs, &l.err));
    assert_int_equal(l.err.code, ERR_NOT_FOUND);
    assert_int_equal(l.problems.count, 1);
    assert_non_null(strstr(l.err.msg, "no/such.yaml"));
    loaded_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shop_is_understood),
        cmocka_unit_test(defaults_and_types),
        cmocka_unit_test(jobs_and_schedules_are_linked),
        cmocka_unit_test(selections_know_the_attributes),
        cmocka_unit_test(assets_are_told),
        cmocka_unit_test(the_hash_is_of_the_content),
        cmocka_unit_test(nothing_at_all_is_fine),
        cmocka_unit_test(they_live_until_the_last_user_closes_them),
        cmocka_unit_test(folders),
        cmocka_unit_test(schema_and_reference_come_from_the_tables),
        cmocka_unit_test(large_definitions_load),
        cmocka_unit_test(real_files_and_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
