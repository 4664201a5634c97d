/* definitions_datasets_test.c - which addresses are told of what an asset reads and writes, and what of
 * a connection never is. */
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <string.h>

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = STR("wh.example.org");
    return str_eq(name, STR("HOST"));
}

static void expect(const struct loaded *l, size_t asset, const char *expected)
{
    const struct env_lookup env = {.get = get};
    AUTO(buf) out = buf_growing(8192);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    definitions_write_datasets(l->defs, asset, &env, &w);
    jw_end_object(&w);
    assert_string_equal(buf_cstr(&out), expected);
    assert_null(strstr(buf_cstr(&out), "hunter2"));
}

static void what_is_loaded_has_an_address(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(
        &l,
        "  wh: {type: postgres, url: \"postgresql://me:hunter2@${HOST}/shop?sslmode=require\"}\n"
        "  near: {type: postgres, dsn: \"user=me password='hunter2' dbname=shop port=5433\"}\n"
        "  plc: {type: modbus, host: 10.0.0.7}\n"
        "  bus: {type: mqtt, host: Broker, user: hunter2, password: hunter2}\n"
        "  api: {type: http, url: \"https://hunter2@api.example.org/v1?key=hunter2\"}\n"
        "assets:\n"
        "  - {key: a/orders, extract: {csv: \"in//./o.csv\"}, load: {resource: wh, schema: "
        "sales}}\n"
        "  - {key: b, extract: {resource: wh, table: orders}, load: {resource: near}}\n"
        "  - {key: c, extract: {resource: plc, every: 1s, for: 1s, registers: [{name: t, "
        "address: 1}]},\n"
        "     load: {jsonl: /var/c.jsonl}}\n"
        "  - {key: d, extract: {resource: bus, topics: [x/+, y], for: 1s},\n"
        "     load: {resource: bus, topic: \"out/{stream}\"}}\n"
        "  - {key: e, extract: {resource: api, path: /orders}, load: {resource: wh}}\n"
        "  - {key: f, sql: {resource: pos, query: select 1}}\n"
        "  - {key: g, run: [x]}\n");
    assert_loaded(&l);
    expect(&l, 0,
           "{\"reads\":[\"file:// shop/in/o.csv\"],"
           "\"writes\":[\"postgres://wh.example.org:5432 shop.sales.orders\"]}");
    expect(&l, 1,
           "{\"reads\":[\"postgres://wh.example.org:5432 shop.public.orders\"],"
           "\"writes\":[\"postgres://localhost:5433 shop.public.b\"]}");
    expect(&l, 2,
           "{\"reads\":[\"modbus://10.0.0.7:502 1\"],\"writes\":[\"file:// /var/c.jsonl\"]}");
    expect(&l, 3, "{\"reads\":[\"mqtt://broker:1883 x/+\",\"mqtt://broker:1883 y\"]}");
    expect(&l, 4,
           "{\"reads\":[\"https://api.example.org:443 /v1/orders\"],"
           "\"writes\":[\"postgres://wh.example.org:5432 shop.public.e\"]}");
    expect(&l, 5, "{\"writes\":[\"sqlite:///shop/pos.db f\"]}");
    expect(&l, 6, "{}");
    loaded_release(&l);
}

static void a_secret_and_what_is_not_known_are_left_out(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l,
                "  hidden: {type: postgres, url: \"postgresql://${secret:URL}/shop\"}\n"
                "  whole: {type: postgres, dsn: \"${secret:DSN}\"}\n"
                "  unset: {type: postgres, url: \"postgresql://${NOT_SET}/shop\"}\n"
                "  user: {type: postgres, url: \"postgresql://${secret:U}:${secret:P}@h/shop\"}\n"
                "assets:\n"
                "  - {key: a, extract: {csv: /x.csv}, load: {resource: hidden}}\n"
                "  - {key: b, extract: {csv: /x.csv}, load: {resource: whole}}\n"
                "  - {key: c, extract: {csv: /x.csv}, load: {resource: unset}}\n"
                "  - {key: d, extract: {csv: /x.csv}, load: {resource: user}}\n");
    assert_loaded(&l);
    expect(&l, 0, "{\"reads\":[\"file:// /x.csv\"]}");
    expect(&l, 1, "{\"reads\":[\"file:// /x.csv\"]}");
    expect(&l, 2, "{\"reads\":[\"file:// /x.csv\"]}");
    expect(&l, 3,
           "{\"reads\":[\"file:// /x.csv\"],\"writes\":[\"postgres://h:5432 shop.public.d\"]}");
    loaded_release(&l);
}

static void a_person_may_state_it(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l,
                "assets:\n"
                "  - {key: a, external: true, dataset: \"postgres://${HOST}:5432 s.p.o\"}\n"
                "  - {key: b, run: [x], dataset: [\"s3://bucket b\", \"s3://bucket c\"]}\n"
                "  - {key: s, run: [x], assets: [{key: t, dataset: \"s3://x t\"}, {key: u}]}\n");
    assert_loaded(&l);
    expect(&l, 0, "{\"reads\":[\"postgres://wh.example.org:5432 s.p.o\"]}");
    expect(&l, 1, "{\"writes\":[\"s3://bucket b\",\"s3://bucket c\"]}");
    expect(&l, 2, "{\"writes\":[\"s3://x t\"]}");
    expect(&l, 3, "{}");
    loaded_release(&l);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"orders", "postgres://wh", "\"postgres://wh \"", "\"a b\"",
                                        "\"s3://b ${secret:X}\""};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char text[256];
        struct loaded l;
        (void)snprintf(text, sizeof(text), "assets: [{key: a, run: [x], dataset: %s}]\n", wrong[i]);
        load_assets(&l, text);
        assert_null(l.defs);
        assert_int_equal(l.problems.total, 1);
        loaded_release(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_has_an_address),
        cmocka_unit_test(a_secret_and_what_is_not_known_are_left_out),
        cmocka_unit_test(a_person_may_state_it),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
