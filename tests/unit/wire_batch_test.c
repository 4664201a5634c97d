/* wire_batch_test.c - common/wire/batch.h */
#include "common/base/limits.h"
#include "common/wire/batch.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const struct batch_header header = {.epoch = "00ff00ff00ff00ff", .first = 41, .last = 104};

static struct buf sample_lines(int count)
{
    struct buf lines = buf_growing(1 << 20);
    for (int i = 0; i < count; i++) {
        buf_addf(&lines,
                 "{\"seq\":%d,\"at\":\"2026-11-22T02:30:00.123Z\",\"type\":\"run_start\"}\n",
                 41 + i);
    }
    return lines;
}

static bool decodes(const char *head, struct str body, struct err *err)
{
    AUTO(buf) payload = buf_growing(1 << 20);
    buf_add_text(&payload, head);
    buf_add_char(&payload, '\n');
    buf_add(&payload, body);
    AUTO(buf) lines = buf_growing(1 << 20);
    buf_add(&lines, STR("kept"));
    struct batch_header got;
    bool ok = batch_decode(buf_str(&payload), &got, &lines, err);
    if (!ok) {
        assert_true(str_eq(buf_str(&lines), STR("kept")));
        assert_int_not_equal(err->code, ERR_NONE);
        assert_true(err->msg[0] != '\0');
    }
    return ok;
}

static void many_lines_travel_deflated(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf) lines = sample_lines(64);
    AUTO(buf) payload = buf_growing(1 << 20);
    assert_true(batch_encode(&header, buf_str(&lines), &payload, &err));
    assert_true(payload.len < lines.len / 5);
    assert_true(str_contains(buf_str(&payload), STR("\"codec\":\"deflate\"")));
    struct batch_header got;
    AUTO(buf) back = buf_growing(1 << 20);
    assert_true(batch_decode(buf_str(&payload), &got, &back, &err));
    assert_string_equal(got.epoch, header.epoch);
    assert_int_equal(got.first, 41);
    assert_int_equal(got.last, 104);
    assert_true(str_eq(buf_str(&back), buf_str(&lines)));
}

static void what_does_not_shrink_travels_as_it_is(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf) payload = buf_growing(1 << 20);
    assert_true(batch_encode(&header, STR("{}\n"), &payload, &err));
    assert_string_equal(buf_cstr(&payload),
                        "{\"v\":1,\"epoch\":\"00ff00ff00ff00ff\",\"first\":41,\"last\":104,"
                        "\"codec\":\"none\",\"size\":3}\n{}\n");
    struct batch_header got;
    AUTO(buf) back = buf_growing(1 << 20);
    assert_true(batch_decode(buf_str(&payload), &got, &back, &err));
    assert_true(str_eq(buf_str(&back), STR("{}\n")));
}

static void a_buffer_that_is_too_small_is_said(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf) lines = sample_lines(64);
    AUTO(buf) payload = buf_growing(100);
    assert_false(batch_encode(&header, buf_str(&lines), &payload, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_false(batch_encode(&header, STR(""), &payload, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    struct err err = {0};
    static const struct {
        const char *head;
        bool is_good;
    } cases[] = {
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":3}",
         true},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":3,\"new\":[1]}",
         true},
        {"{\"v\":2,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":3}",
         false},
        {"{\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\",\"size\":3}",
         false},
        {"{\"v\":1,\"first\":1,\"last\":1,\"codec\":\"none\",\"size\":3}", false},
        {"{\"v\":1,\"epoch\":\"0123456789ABCDEF\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":3}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcde\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":3}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":0,\"last\":1,\"codec\":\"none\","
         "\"size\":3}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":2,\"last\":1,\"codec\":\"none\","
         "\"size\":3}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":\"1\",\"codec\":\"none\","
         "\"size\":3}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"gzip\","
         "\"size\":3}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":4}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":0}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"none\","
         "\"size\":99999999999}",
         false},
        {"{\"v\":1,\"epoch\":\"0123456789abcdef\",\"first\":1,\"last\":1,\"codec\":\"deflate\","
         "\"size\":3}",
         false},
        {"[]", false},
        {"", false},
        {"{\"v\":1", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(decodes(cases[i].head, STR("{}\n"), &err), cases[i].is_good);
    }
    assert_false(decodes(cases[0].head, STR("{} "), &err)); /* no end of line */
}

static void a_body_longer_or_shorter_than_said_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf) lines = sample_lines(64);
    AUTO(buf) payload = buf_growing(1 << 20);
    assert_true(batch_encode(&header, buf_str(&lines), &payload, &err));
    struct str head;
    struct str body;
    assert_true(str_cut(buf_str(&payload), '\n', &head, &body));
    const long sizes[] = {-1000, -1, 1, 1000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char wrong[256];
        (void)snprintf(wrong, sizeof(wrong),
                       "{\"v\":1,\"epoch\":\"00ff00ff00ff00ff\",\"first\":41,\"last\":104,"
                       "\"codec\":\"deflate\",\"size\":%ld}",
                       (long)lines.len + sizes[i]);
        assert_false(decodes(wrong, body, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    /* Cut short, and with something behind it. */
    AUTO(buf) text = buf_growing(256);
    buf_add(&text, head);
    assert_false(decodes(buf_cstr(&text), str_slice(body, 0, body.len - 1), &err));
    AUTO(buf) longer = buf_growing(1 << 20);
    buf_add(&longer, body);
    buf_add_char(&longer, 'x');
    assert_false(decodes(buf_cstr(&text), buf_str(&longer), &err));
}

static void oversized_and_headless_payloads_are_refused(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf) payload = buf_growing(1 << 20);
    while (payload.len <= LIMIT_MESSAGE_BYTES) {
        buf_add(&payload, STR("0123456789abcdef"));
    }
    struct batch_header got;
    AUTO(buf) lines = buf_growing(1 << 20);
    assert_false(batch_decode(buf_str(&payload), &got, &lines, &err));
    assert_false(batch_decode(str_slice(buf_str(&payload), 0, 1000), &got, &lines, &err));
    assert_false(batch_decode(STR_NONE, &got, &lines, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_lines_travel_deflated),
        cmocka_unit_test(what_does_not_shrink_travels_as_it_is),
        cmocka_unit_test(a_buffer_that_is_too_small_is_said),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(a_body_longer_or_shorter_than_said_is_refused),
        cmocka_unit_test(oversized_and_headless_payloads_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
