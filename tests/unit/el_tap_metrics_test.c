/* el_tap_metrics_test.c - agent/el/tap_metrics.h and schema_hash.h */
#include "agent/el/schema_hash.h"
#include "agent/el/tap_metrics.h"
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static void take(struct tap_metrics *m, const char *line)
{
    tap_metrics_take(m, str_from(line));
}

static void lines_of_both_libraries(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) out = buf_growing(1 << 16);
    struct json_writer w = json_writer(&out);
    struct tap_metrics m = {.arena = &arena};
    take(&m, "INFO METRIC: {\"type\": \"counter\", \"metric\": \"record_count\", \"value\": 2, "
             "\"tags\": {\"endpoint\": \"a\"}}");
    take(&m, "{\"message\":\"METRIC\",\"metric_info\":{\"metric_type\":\"timer\",\"metric\":"
             "\"sync_duration\",\"value\":0.5,\"tags\":{\"stream\":\"a\",\"endpoint\":\"/x\","
             "\"status\":\"failed\"}}}");
    take(&m, "x METRIC: {\"type\":\"counter\",\"metric\":\"record_count\",\"value\":1,\"tags\":{"
             "\"stream\":\"b\"}}\r");
    tap_metrics_write(&m, &w);
    assert_string_equal(buf_cstr(&out),
                        "{\"record_count\":{\"a\":{\"total\":2,\"count\":1},\"b\":{\"total\":1,"
                        "\"count\":1}},\"sync_duration\":{\"a\":{\"total\":0.5,\"count\":1,"
                        "\"max\":0.5,\"failed\":1}}}");
}

static void what_is_no_measurement(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "METRIC: {",
        "METRIC: {}",
        "METRIC: [1]",
        "METRIC: {\"metric\": \"m\"}",
        "METRIC: {\"metric\": \"m\", \"value\": \"1\"}",
        "METRIC: {\"metric\": \"\", \"value\": 1}",
        "METRIC: {\"metric\": \"m\", \"value\": 1} and more",
        "METRIC: {\"metric\": \"m\", \"value\": 1e999}",
        "{\"metric_info\": null}",
        "{\"metric_info\": {\"metric\": 1, \"value\": 1}}",
        "\xff METRIC: {\"metric\": \"\xff\", \"value\": 1}",
    };
    AUTO(arena) arena = arena_new(1 << 20);
    struct tap_metrics m = {.arena = &arena};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        take(&m, lines[i]);
    }
    assert_int_equal(m.count, 0);
    assert_int_equal(m.dropped, 0);
}

static struct str hash_of(const char *const *columns, size_t count, char text[SCHEMA_HASH_SIZE])
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct schema s = schema_new(&arena);
    for (size_t i = 0; i < count; i++) {
        struct column c = {.name = str_from(columns[2 * i]), .type = str_from(columns[2 * i + 1])};
        struct err err = {0};
        assert_true(schema_add(&s, &c, &err));
    }
    return schema_hash(&s, text);
}

static void a_schema_has_one_hash(void **state)
{
    (void)state;
    static const char *const columns[] = {"id", "INTEGER", "name", "TEXT"};
    static const char *const turned[] = {"name", "TEXT", "id", "INTEGER"};
    static const char *const other[] = {"id", "INTEGER", "name", "REAL"};
    char a[SCHEMA_HASH_SIZE];
    char b[SCHEMA_HASH_SIZE];
    assert_true(str_eq(hash_of(columns, 2, a), hash_of(turned, 2, b)));
    assert_false(str_eq(hash_of(columns, 2, a), hash_of(other, 2, b)));
    /* XXH64 of "id\tINTEGER\nname\tTEXT\n" by the reference implementation. */
    assert_string_equal(a, "02f31c974dffa08b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_both_libraries),
        cmocka_unit_test(what_is_no_measurement),
        cmocka_unit_test(a_schema_has_one_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
