/* pipes_context_test.c - agent/pipes/pipes_context.h. The vectors are what Python's zlib and base64
 * read back as the text beside them. */
#include "agent/pipes/pipes_context.h"

#include "tests/support/cmocka_all.h"

static void assert_context(const struct pipes_context *context, const char *expected)
{
    AUTO(buf) out = buf_growing(1 << 16);
    pipes_context_write(context, &out);
    assert_false(out.overflow);
    assert_string_equal(buf_cstr(&out), expected);
}

static void all_ten_fields_are_there_when_nothing_is_known(void **state)
{
    (void)state;
    const struct pipes_asset asset = {.key = STR("raw/orders")};
    const struct pipes_context context = {
        .assets = &asset, .asset_count = 1, .run = STR("db892d7f")};
    assert_context(&context,
                   "{\"asset_keys\":[\"raw/orders\"],"
                   "\"code_version_by_asset_key\":{\"raw/orders\":null},"
                   "\"provenance_by_asset_key\":{\"raw/orders\":null},"
                   "\"partition_key\":null,\"partition_key_range\":null,"
                   "\"partition_time_window\":null,\"run_id\":\"db892d7f\",\"job_name\":null,"
                   "\"retry_number\":0,\"extras\":{}}");
}

static void all_that_is_known_is_said(void **state)
{
    (void)state;
    const struct pipes_asset assets[] = {{.key = STR("a"),
                                          .code_version = STR("v3"),
                                          .has_provenance = true,
                                          .made_by_code_version = STR("v2"),
                                          .made_from = STR("{\"up\":\"7\"}"),
                                          .is_user_version = true},
                                         {.key = STR("b")}};
    const struct pipes_context context = {
        .assets = assets,
        .asset_count = 2,
        .partition = STR("2024-01-01"),
        .window_start = STR("2024-01-01T00:00:00+00:00"),
        .window_end = STR("2024-01-02T00:00:00+00:00"),
        .run = STR("r"),
        .job = STR("nightly"),
        .retry_number = 2,
        .extras = STR("{\"deep\":{\"x\":[1,null]}}"),
    };
    assert_context(
        &context,
        "{\"asset_keys\":[\"a\",\"b\"],"
        "\"code_version_by_asset_key\":{\"a\":\"v3\",\"b\":null},"
        "\"provenance_by_asset_key\":{\"a\":{\"code_version\":\"v2\","
        "\"input_data_versions\":{\"up\":\"7\"},\"is_user_provided\":true},\"b\":null},"
        "\"partition_key\":\"2024-01-01\","
        "\"partition_key_range\":{\"start\":\"2024-01-01\",\"end\":\"2024-01-01\"},"
        "\"partition_time_window\":{\"start\":\"2024-01-01T00:00:00+00:00\","
        "\"end\":\"2024-01-02T00:00:00+00:00\"},\"run_id\":\"r\",\"job_name\":\"nightly\","
        "\"retry_number\":2,\"extras\":{\"deep\":{\"x\":[1,null]}}}");
}

static void a_range_has_no_single_key(void **state)
{
    (void)state;
    const struct pipes_asset asset = {.key = STR("a")};
    struct pipes_context context = {.assets = &asset,
                                    .asset_count = 1,
                                    .run = STR("r"),
                                    .partition = STR("k1"),
                                    .partition_end = STR("k3")};
    AUTO(buf) out = buf_growing(1 << 16);
    pipes_context_write(&context, &out);
    assert_true(str_contains(buf_str(&out),
                             STR("\"partition_key\":null,"
                                 "\"partition_key_range\":{\"start\":\"k1\",\"end\":\"k3\"}")));
    context.partition_end = STR("k1");
    buf_reset(&out);
    pipes_context_write(&context, &out);
    assert_true(str_contains(buf_str(&out),
                             STR("\"partition_key\":\"k1\","
                                 "\"partition_key_range\":{\"start\":\"k1\",\"end\":\"k1\"}")));
}

static void times_are_written_as_python_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        const char *expected;
    } rows[] = {
        {"2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00"},
        {"1969-12-31T23:59:58Z", "1969-12-31T23:59:58+00:00"},
        {"2024-02-29T12:34:56Z", "2024-02-29T12:34:56+00:00"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct wall_time at = {0};
        AUTO(buf) out = buf_growing(100);
        assert_true(wall_parse(str_from(rows[i].at), &at));
        pipes_add_time(&out, at, tz_utc());
        assert_string_equal(buf_cstr(&out), rows[i].expected);
    }
}

static void parameters_are_a_stored_zlib_stream_in_base64(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *value;
    } vectors[] = {
        {"{\"path\": \"/run/x/context\"}", "eAEBGgDl/3sicGF0aCI6ICIvcnVuL3gvY29udGV4dCJ9cogI5w=="},
        {"", "eAEBAAD//wAAAAE="},
        {"a", "eAEBAQD+/2EAYgBi"},
        {"ab", "eAEBAgD9/2FiASYAxA=="},
    };
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        AUTO(buf) out = buf_growing(1 << 10);
        pipes_param_encode(str_from(vectors[i].json), &out);
        assert_string_equal(buf_cstr(&out), vectors[i].value);
    }
}

static void a_value_that_does_not_fit_shows(void **state)
{
    (void)state;
    char memory[16];
    struct buf out = buf_fixed(memory, sizeof(memory));
    pipes_param_encode(STR("{\"path\":\"/a/long/path\"}"), &out);
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ten_fields_are_there_when_nothing_is_known),
        cmocka_unit_test(all_that_is_known_is_said),
        cmocka_unit_test(a_range_has_no_single_key),
        cmocka_unit_test(times_are_written_as_python_writes_them),
        cmocka_unit_test(parameters_are_a_stored_zlib_stream_in_base64),
        cmocka_unit_test(a_value_that_does_not_fit_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
