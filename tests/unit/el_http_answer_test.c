/* el_http_answer_test.c - common/json/json_path.h, http_records.h, http_query.h, http_auth.h, json_columns.h */
#include "agent/el/http_auth.h"
#include "agent/el/http_query.h"
#include "agent/el/http_records.h"
#include "agent/el/json_columns.h"
#include "common/json/json_path.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const char answer[] =
    "{\"data\": {\"a.b\": [10, {\"id\": 7}, [1, 2]], \"x\\u0079\": null}, \"n\": -1.5, \"\": true}";

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *value; /* NULL = there is none */
    } cases[] = {
        {"", answer},
        {"$", answer},
        {"data['a.b'][0]", "10"},
        {"$.data[\"a.b\"][1].id", "7"},
        {"$['data']['a.b'][-1]", "[1, 2]"},
        {"data['a.b'][-1][-1]", "2"},
        {"data.xy", "null"},
        {"n", "-1.5"},
        {"data['a.b'][3]", NULL},
        {"data.a", NULL},
        {"n.x", NULL},
        {"n[0]", NULL},
        {"data[0]", NULL},
        {"$x", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_raw found;
        bool is_found = false;
        struct err err = {0};
        assert_true(json_path_check(str_from(cases[i].path), &err));
        assert_true(
            json_path_find(str_from(cases[i].path), str_from(answer), &is_found, &found, &err));
        assert_int_equal(is_found, cases[i].value != NULL);
        assert_true(!is_found || str_eq(found.text, str_from(cases[i].value)));
    }
}

static void what_is_no_path(void **state)
{
    (void)state;
    static const char *const none[] = {"a..b", "a.",     "[",       "[x]", "[-2]",
                                       "['a",  "['a'x]", "a[1]]x[", "[]",  "a[99999999999]"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        struct err err = {0};
        assert_false(json_path_check(str_from(none[i]), &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void a_text_has_to_be_whole(void **state)
{
    (void)state;
    static const char *const none[] = {
        "", "7", "{\"a\": 1", "{\"a\": 1} x", "[1, 2", "{\"a\": 1, b}"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        struct json_raw found;
        bool is_found = false;
        struct err err = {0};
        assert_false(json_path_find(STR("a"), str_from(none[i]), &is_found, &found, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static size_t count(const char *body, const char *path, bool is_lines, struct err *err)
{
    struct http_records r;
    struct str record;
    bool is_found = true;
    size_t records = 0;
    *err = (struct err){0};
    if (!http_records_open(&r, str_from(body), str_from(path), is_lines, err)) {
        return 0;
    }
    while (http_records_next(&r, &record, &is_found, err) && is_found) {
        assert_true(record.len >= 2 && record.ptr[0] == '{');
        records++;
    }
    assert_int_equal(r.given, records);
    return records;
}

static void records(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(count("[{}, {\"a\": 1}]", "", false, &err), 2);
    assert_int_equal(count("{\"a\": {\"b\": [{}, {}, {}]}}", "a.b", false, &err), 3);
    assert_int_equal(count("\xEF\xBB\xBF{\"a\": 1}", "", false, &err), 1);
    assert_int_equal(count("{\"a\": null}", "a", false, &err), 0);
    assert_int_equal(count(" \n", "a", false, &err), 0);
    assert_int_equal(count("{}\n\r\n {\"a\": 1}\r\n", "", true, &err), 2);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(count("{\"a\": 7}", "a", false, &err), 0);
    assert_non_null(strstr(err.msg, "an integer"));
    assert_int_equal(count("[{}, 7]", "", false, &err), 1);
    assert_non_null(strstr(err.msg, "record 2"));
    assert_int_equal(count("{\"b\": 1}", "a", false, &err), 0);
    assert_non_null(strstr(err.msg, "has no \"a\": {\"b\": 1}"));
    assert_true(http_is_lines_type(STR("Application/X-NDJSON ; charset=utf-8")));
    assert_false(http_is_lines_type(STR("application/json")));
}

static void columns_widen_page_by_page(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct schema schema = schema_new(&arena);
    AUTO(json_columns) c;
    struct err err = {0};
    assert_true(json_columns_init(&c, &schema, &arena, &err));
    c.passes_over_nulls = true;
    assert_true(json_columns_look(&c, STR("{\"a\": 1, \"b\": null}"), &err));
    assert_true(json_columns_settle(&c));
    assert_int_equal(schema.count, 1);
    assert_true(json_columns_look(&c, STR("{\"a\": 2}"), &err));
    assert_false(json_columns_settle(&c));
    assert_true(json_columns_look(&c, STR("{\"b\": {}, \"a\": 2.5}"), &err));
    assert_true(json_columns_settle(&c));
    assert_int_equal(schema.columns[0].kind, COLUMN_REAL);
    assert_int_equal(schema.columns[1].kind, COLUMN_JSON);
    assert_false(json_columns_look(&c, STR("[]"), &err));
}

static void assert_body(const char *body, const char *path, const char *value, bool is_number,
                        const char *want)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) out = buf_growing(1000);
    struct json *tree = NULL;
    struct err err = {0};
    const struct page_param param = {
        .name = str_from(path), .value = str_from(value), .is_number = is_number};
    assert_true(json_parse(str_from(body), 1000, &arena, &tree, &err));
    assert_int_equal(body_set(tree, &param, &arena, &err), want != NULL);
    json_write(&out, tree);
    assert_true(want == NULL || strcmp(buf_cstr(&out), want) == 0);
}

static void parameters_of_a_body(void **state)
{
    (void)state;
    assert_body("{}", "page", "3", true, "{\"page\":3}");
    assert_body("{\"a\":1}", "v.after", "x\"", false, "{\"a\":1,\"v\":{\"after\":\"x\\\"\"}}");
    assert_body("{\"v\":{\"after\":[1],\"b\":2}}", "v.after", "9", false,
                "{\"v\":{\"after\":\"9\",\"b\":2}}");
    assert_body("{\"p\":0.5}", "p", "1.5", true, "{\"p\":1.5}");
    assert_body("{\"v\":7}", "v.x", "1", false, NULL);
    assert_body("{}", "v[0]", "1", false, NULL);
    assert_body("{}", "", "1", false, NULL);
}

static void what_must_not_be_seen(void **state)
{
    (void)state;
    struct str header_name = STR("X");
    struct str header = STR("abcd");
    struct http_options o = {.auth = {.kind = AUTH_BEARER, .token = STR("to/ken")},
                             .headers = {.keys = &header_name, .values = &header, .count = 1}};
    struct secrets secrets = {0};
    AUTO(buf) out = buf_growing(1000);
    secrets_collect(&secrets, &o);
    secrets_add(&secrets, STR("abcdef"));
    secrets_add(&secrets, STR("x"));
    secrets_mask(&secrets, STR("x to/ken to%2Fken abcdefg abcd to/ke"), &out);
    assert_string_equal(buf_cstr(&out), "x *** *** ***g *** to/ke");
}

static void basic_authentication(void **state)
{
    (void)state;
    /* RFC 7617 section 2, RFC 4648 section 10 */
    static const struct {
        const char *user, *password, *want;
    } cases[] = {{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
                 {"f", "", "Basic Zjo="},
                 {"fo", "bar", "Basic Zm86YmFy"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) out = buf_growing(1000);
        const struct auth_options a = {.kind = AUTH_BASIC,
                                       .user = str_from(cases[i].user),
                                       .password = str_from(cases[i].password)};
        auth_header(&a, STR(""), &out);
        assert_string_equal(buf_cstr(&out), cases[i].want);
    }
}

static void tokens(void **state)
{
    (void)state;
    AUTO(buf) token = buf_growing(100);
    int64_t lasts_s = 0;
    struct err err = {0};
    assert_true(auth_token_read(STR("{\"access_token\": \"a\\/b\", \"expires_in\": 60}"), &token,
                                &lasts_s, &err));
    assert_string_equal(buf_cstr(&token), "a/b");
    assert_int_equal(lasts_s, 60);
    assert_true(auth_token_read(STR("{\"access_token\": \"ab\"}"), &token, &lasts_s, &err));
    assert_string_equal(buf_cstr(&token), "ab");
    assert_int_equal(lasts_s, -1);
    assert_false(auth_token_read(STR("{\"access_token\": 7}"), &token, &lasts_s, &err));
    assert_false(auth_token_read(STR("{\"error\": \"x\"}"), &token, &lasts_s, &err));
    assert_false(auth_token_read(STR("x"), &token, &lasts_s, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(what_is_no_path),
        cmocka_unit_test(a_text_has_to_be_whole),
        cmocka_unit_test(records),
        cmocka_unit_test(columns_widen_page_by_page),
        cmocka_unit_test(parameters_of_a_body),
        cmocka_unit_test(what_must_not_be_seen),
        cmocka_unit_test(basic_authentication),
        cmocka_unit_test(tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
