/* el_singer_catalog_test.c - agent/el/singer_catalog.h and singer_state.h */
#include "agent/el/singer_catalog.h"
#include "agent/el/singer_state.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
    static struct arena arena;
    arena = arena_new(16 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    return 0;
}

#define ROOT(members_)     "{\"breadcrumb\":[],\"metadata\":{" members_ "}}"
#define PROPERTY(members_) "{\"breadcrumb\":[\"properties\",\"p\"],\"metadata\":{" members_ "}}"

/* By the rules of singer_sdk/singerlib/catalog.py, and what catalogs of old say. */
static void selection(void **state)
{
    static const struct {
        const char *metadata; /* of the list */
        const char *schema;
        bool has_stream;
        bool has_property; /* p, of the stream if that is selected */
    } cases[] = {
        {"", "", true, true},
        {ROOT(""), "", false, false},
        {ROOT("\"selected\":true"), "", true, true},
        {ROOT("\"selected\":\"true\""), "", true, true},
        {ROOT("\"selected\":\"False\",\"selected-by-default\":true"), "", false, false},
        {ROOT("\"selected\":false"), "", false, false},
        {ROOT("\"selected\":null,\"selected-by-default\":true"), "", true, true},
        {ROOT("\"selected-by-default\":false"), "", false, false},
        {ROOT("\"inclusion\":\"unsupported\",\"selected\":true"), "", false, false},
        {ROOT("\"inclusion\":\"automatic\",\"selected\":false"), "", true, true},
        {ROOT("\"selected\":true") "," PROPERTY("\"selected\":false"), "", true, false},
        {ROOT("\"selected\":true") "," PROPERTY("\"selected\":\"false\""), "", true, false},
        {ROOT("\"selected\":true") "," PROPERTY("\"selected-by-default\":false"), "", true, false},
        {ROOT("\"selected\":true") "," PROPERTY("\"selected\":true,\"selected-by-default\":false"),
         "", true, true},
        {ROOT("\"selected\":true") "," PROPERTY("\"inclusion\":\"unsupported\",\"selected\":true"),
         "", true, false},
        {ROOT("\"selected\":true") "," PROPERTY("\"inclusion\":\"automatic\",\"selected\":false"),
         "", true, true},
        {ROOT("\"selected\":true") "," PROPERTY("\"inclusion\":\"available\""), "", true, true},
        {"", "\"selected\":\"true\"", true, true},
        {"", "\"selected\":false", false, false},
        {"", "\"selected\":true,\"properties\":{\"p\":{\"selected\":false}}", true, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[1024];
        struct catalog catalog;
        struct err err = {0};
        (void)snprintf(
            text, sizeof(text),
            "{\"streams\":[{\"tap_stream_id\":\"s\",\"schema\":{%s},\"metadata\":[%s]}]}",
            cases[i].schema, cases[i].metadata);
        assert_true(singer_catalog_read(str_from(text), *state, &catalog, &err));
        assert_int_equal(catalog.count, 1);
        const struct catalog_stream *s = &catalog.streams[0];
        if (s->is_selected != cases[i].has_stream) {
            fail_msg("%s: stream %d", text, s->is_selected);
        }
        if (s->is_selected && singer_catalog_has_property(s, STR("p")) != cases[i].has_property) {
            fail_msg("%s: property", text);
        }
        assert_true(singer_catalog_has_property(s, STR("new")));
    }
}

static void keys_and_replication(void **state)
{
    struct catalog c;
    struct err err = {0};
    assert_true(singer_catalog_read(
        STR("{\"streams\":["
            "{\"stream\":\"a\",\"key_properties\":[\"k\"],\"replication_method\":\"FULL_TABLE\","
            "\"replication_key\":\"r\"},"
            "{\"tap_stream_id\":\"x-b\",\"stream\":\"b\",\"key_properties\":[\"k\"],"
            "\"replication_method\":\"FULL_TABLE\",\"metadata\":[{\"breadcrumb\":[],\"metadata\":{"
            "\"table-key-properties\":[\"m\",\"n\"],\"replication-method\":\"INCREMENTAL\","
            "\"replication-key\":\"q\"}}]},"
            "{\"stream\":\"c\",\"metadata\":[{\"breadcrumb\":[],\"metadata\":{"
            "\"view-key-properties\":[],\"table-key-properties\":[\"n\"]}}]}]}"),
        *state, &c, &err));
    assert_int_equal(c.count, 3);
    assert_true(str_eq(c.streams[0].id, STR("a")));
    assert_int_equal(c.streams[0].replication, REPLICATION_FULL);
    assert_true(str_eq(c.streams[0].replication_key, STR("r")));
    assert_true(c.streams[0].has_key && str_eq(c.streams[0].key.items[0], STR("k")));
    assert_true(str_eq(c.streams[1].id, STR("x-b")) && str_eq(c.streams[1].stream, STR("b")));
    assert_int_equal(c.streams[1].replication, REPLICATION_KEY);
    assert_true(str_eq(c.streams[1].replication_key, STR("q")));
    assert_int_equal(c.streams[1].key.count, 2);
    assert_int_equal(c.streams[2].replication, REPLICATION_NOT_SAID);
    assert_true(c.streams[2].has_key && c.streams[2].key.count == 0);
}

static void wrong_catalogs_are_refused(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "line 1"},
        {"[]", "streams"},
        {"{\"streams\":{}}", "streams"},
        {"{\"streams\":[{\"stream\":\"a\"},{}]}", "streams[1]: \"tap_stream_id\""},
        {"{\"streams\":[1]}", "streams[0]"},
        {"{\"streams\":[{\"stream\":\"a\",\"key_properties\":[1]}]}", "a key property is"},
        {"{\"streams\":[{\"stream\":\"a\",\"replication_method\":\"full\"}]}", "\"full\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct catalog c;
        struct err err = {0};
        assert_false(singer_catalog_read(str_from(cases[i].text), *state, &c, &err));
        if (strstr(err.msg, cases[i].words) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.msg);
        }
    }
}

static void what_is_written_is_read_back(void **state)
{
    struct str key[] = {STR("id")};
    struct found_stream found = {.name = STR("odd \"name\""),
                                 .schema = schema_new(*state),
                                 .key = {key, 1},
                                 .replication_keys = {key, 1},
                                 .row_count = 7,
                                 .is_database = true};
    static const struct column columns[] = {
        {.name = STR_INIT("id"), .kind = COLUMN_INTEGER, .is_required = true},
        {.name = STR_INIT("v"), .kind = COLUMN_TEXT},
    };
    AUTO(buf) out = buf_growing(1 << 16);
    struct json_writer w = json_writer(&out);
    struct catalog c;
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        assert_true(schema_add(&found.schema, &columns[i], &err));
    }
    buf_add_text(&out, "{\"streams\":[");
    singer_catalog_write(&w, &found);
    buf_add_text(&out, "]}");
    assert_true(singer_catalog_read(buf_str(&out), *state, &c, &err));
    assert_int_equal(c.count, 1);
    assert_true(c.streams[0].is_selected && str_eq(c.streams[0].id, found.name));
    assert_true(c.streams[0].key.count == 1 && str_eq(c.streams[0].key.items[0], STR("id")));
    assert_true(singer_catalog_has_property(&c.streams[0], STR("v")));
    assert_non_null(strstr(buf_cstr(&out), "\"row-count\":7"));
    assert_non_null(strstr(buf_cstr(&out), "{\"type\":[\"integer\"]}"));
}

static void one_part_of_a_state_is_replaced(void **state)
{
    AUTO(singer_state) s;
    AUTO(buf) out = buf_growing(4096);
    struct json_writer w = json_writer(&out);
    struct err err = {0};
    assert_true(singer_state_read(
        &s, STR("{\"currently_syncing\":\"a\",\"bookmarks\":{\"a\":{\"x\":[1]},\"b\":2}}"), *state,
        &err));
    assert_true(str_eq(singer_state_get(&s, STR("a")), STR("{\"x\":[1]}")));
    assert_true(singer_state_get(&s, STR("c")).len == 0);
    assert_true(singer_state_set(&s, STR("b"), STR("{\"y\":1}"), &err));
    assert_true(singer_state_set(&s, STR("c"), STR("3"), &err));
    singer_state_write(&s, &w);
    assert_string_equal(buf_cstr(&out),
                        "{\"bookmarks\":{\"a\":{\"x\":[1]},\"b\":{\"y\":1},\"c\":3}}");
}

static void states_that_say_nothing(void **state)
{
    static const char *const texts[] = {"", " \n", "{}", "null", "{\"bookmarks\":null}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(singer_state) s;
        struct err err = {0};
        assert_true(singer_state_read(&s, str_from(texts[i]), *state, &err));
        assert_int_equal(s.count, 0);
    }
    struct singer_state s;
    struct err err = {0};
    assert_false(singer_state_read(&s, STR("{\"bookmarks\""), *state, &err));
    assert_non_null(strstr(err.msg, "state: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(selection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_and_replication, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_catalogs_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_part_of_a_state_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(states_that_say_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
