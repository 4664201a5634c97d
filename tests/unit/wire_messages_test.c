/* wire_messages_test.c - common/wire/messages.h */
#include "common/wire/messages.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct buf text;
static struct arena arena;
static struct err err;

static int begin(void **state)
{
    (void)state;
    text = buf_growing(1 << 20);
    arena = arena_new(1 << 20);
    err = (struct err){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_release(&text);
    arena_release(&arena);
    return 0;
}

static void birth_comes_back(void **state)
{
    (void)state;
    struct message_birth m = {.epoch = "0123456789abcdef",
                              .first_seq = 5,
                              .last_seq = 4,
                              .at = {INT64_C(1795314600123) * NS_PER_MS},
                              .clock_trusted = true,
                              .version = STR("0.1.0"),
                              .board = STR("x86_64 \"debian\" 12"),
                              .boot_id = STR("b"),
                              .session = STR("s"),
                              .definitions_hash = STR("h"),
                              .authorities = STR("b1f0 a6e7"),
                              .authority = STR("a6e7")};
    message_birth_encode(&m, &text);
    struct message_birth r;
    assert_true(message_birth_decode(buf_str(&text), &arena, &r, &err));
    assert_string_equal(r.epoch, m.epoch);
    assert_int_equal(r.first_seq, 5);
    assert_int_equal(r.last_seq, 4);
    assert_int_equal(r.at.ns, m.at.ns);
    assert_true(r.clock_trusted);
    assert_true(str_eq(r.board, m.board));
    assert_true(str_eq(r.session, m.session));
    assert_true(str_eq(r.definitions_hash, m.definitions_hash));
    assert_true(str_eq(r.authorities, m.authorities));
    assert_true(str_eq(r.authority, m.authority));
}

static void births_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",
        "[]",
        "",
        "{\"epoch\":\"0123456789abcdeX\",\"first_seq\":1,\"last_seq\":0,\"at\":\"2026-11-22\","
        "\"clock_trusted\":true,"
        "\"version\":\"1\",\"session\":\"s\"}",
        "{\"epoch\":\"0123456789abcdef\",\"first_seq\":2,\"last_seq\":0,\"at\":\"2026-11-22\","
        "\"clock_trusted\":true,"
        "\"version\":\"1\",\"session\":\"s\"}",
        "{\"epoch\":\"0123456789abcdef\",\"first_seq\":0,\"last_seq\":0,\"at\":\"2026-11-22\","
        "\"clock_trusted\":true,"
        "\"version\":\"1\",\"session\":\"s\"}",
        "{\"epoch\":\"0123456789abcdef\",\"first_seq\":1,\"last_seq\":0,\"at\":\"soon\",\"clock_"
        "trusted\":true,"
        "\"version\":\"1\",\"session\":\"s\"}",
        "{\"epoch\":\"0123456789abcdef\",\"first_seq\":1,\"last_seq\":0,\"at\":\"2026-11-22\","
        "\"clock_trusted\":\"yes\","
        "\"version\":\"1\",\"session\":\"s\"}",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct message_birth r = {.first_seq = 77};
        assert_false(message_birth_decode(str_from(wrong[i]), &arena, &r, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(r.first_seq, 77);
    }
}

static void unknown_members_are_ignored(void **state)
{
    (void)state;
    struct message_death r;
    assert_true(message_death_decode(
        STR("{\"session\":\"s\",\"reason\":\"stopped\",\"mood\":{\"x\":[1]}}"), &arena, &r, &err));
    assert_true(str_eq(r.reason, STR("stopped")));
}

static void death_comes_back(void **state)
{
    (void)state;
    struct message_death m = {.session = STR("s1"), .reason = STR("connection lost")};
    message_death_encode(&m, &text);
    struct message_death r;
    assert_true(message_death_decode(buf_str(&text), &arena, &r, &err));
    assert_true(str_eq(r.session, m.session));
    assert_true(str_eq(r.reason, m.reason));
    assert_false(message_death_decode(STR("{\"reason\":\"x\"}"), &arena, &r, &err));
}

static void ack_comes_back(void **state)
{
    (void)state;
    struct message_ack m = {.epoch = "0123456789abcdef", .seq = 64};
    message_ack_encode(&m, &text);
    assert_string_equal(buf_cstr(&text), "{\"epoch\":\"0123456789abcdef\",\"seq\":64}");
    struct message_ack r;
    assert_true(message_ack_decode(buf_str(&text), &arena, &r, &err));
    assert_int_equal(r.seq, 64);
    assert_int_equal(r.resend_from, 0);
    assert_false(r.refused);

    m.resend_from = 65;
    m.check = UINT32_MAX;
    m.refused = true;
    m.reason = STR("line 3: not an event");
    buf_reset(&text);
    message_ack_encode(&m, &text);
    assert_true(message_ack_decode(buf_str(&text), &arena, &r, &err));
    assert_int_equal(r.resend_from, 65);
    assert_int_equal(r.check, UINT32_MAX);
    assert_true(r.refused);
    assert_true(str_eq(r.reason, m.reason));
    assert_false(message_ack_decode(
        STR("{\"epoch\":\"0123456789abcdef\",\"seq\":64,\"resend_from\":3}"), &arena, &r, &err));
    assert_false(
        message_ack_decode(STR("{\"epoch\":\"0123456789abcdef\",\"seq\":-1}"), &arena, &r, &err));
}

static void hub_state_comes_back(void **state)
{
    (void)state;
    struct message_hub_state m = {.online = true,
                                  .instance = STR("i"),
                                  .at = {INT64_C(1795314600000) * NS_PER_MS},
                                  .spread_ms = 57142};
    message_hub_state_encode(&m, &text);
    struct message_hub_state r;
    assert_true(message_hub_state_decode(buf_str(&text), &arena, &r, &err));
    assert_true(r.online);
    assert_true(str_eq(r.instance, m.instance));
    assert_int_equal(r.at.ns, m.at.ns);
    assert_int_equal(r.spread_ms, 57142);
    assert_false(message_hub_state_decode(STR("{\"online\":true,\"instance\":\"i\",\"at\":\"2026-"
                                              "11-22T16:45:17.530Z\",\"spread_ms\":600001}"),
                                          &arena, &r, &err));
}

static void enrolment_comes_back(void **state)
{
    (void)state;
    struct message_enrol_request m = {.token_id = STR("abcdefgh"),
                                      .token_secret = STR("s"),
                                      .device = STR("till-7"),
                                      .csr_pem = STR("-----BEGIN\nx\n"),
                                      .version = STR("1"),
                                      .board = STR("b")};
    message_enrol_request_encode(&m, &text);
    struct message_enrol_request r;
    assert_true(message_enrol_request_decode(buf_str(&text), &arena, &r, &err));
    assert_true(str_eq(r.csr_pem, m.csr_pem));
    assert_true(str_eq(r.device, m.device));
    m.device = STR("Till 7");
    buf_reset(&text);
    message_enrol_request_encode(&m, &text);
    assert_false(message_enrol_request_decode(buf_str(&text), &arena, &r, &err));
    assert_true(err.hint[0] != '\0');
}

static void enrolment_reply_comes_back(void **state)
{
    (void)state;
    struct message_enrol_reply m = {.accepted = true,
                                    .device = STR("till-7"),
                                    .cert_pem = STR("c"),
                                    .ca_pem = STR("ca"),
                                    .host = STR("::1"),
                                    .port = 8883};
    message_enrol_reply_encode(&m, &text);
    struct message_enrol_reply r;
    assert_true(message_enrol_reply_decode(buf_str(&text), &arena, &r, &err));
    assert_true(r.accepted);
    assert_int_equal(r.port, 8883);
    assert_true(message_enrol_reply_decode(STR("{\"accepted\":false,\"reason\":\"used\"}"), &arena,
                                           &r, &err));
    assert_false(r.accepted);
    assert_false(message_enrol_reply_decode(STR("{\"accepted\":true}"), &arena, &r, &err));
}

static void a_full_arena_is_reported(void **state)
{
    (void)state;
    struct message_hub_state m = {.online = true, .instance = STR("i"), .at = {0}};
    message_hub_state_encode(&m, &text);
    AUTO(arena) small = arena_new(64);
    struct message_hub_state r;
    assert_false(message_hub_state_decode(buf_str(&text), &small, &r, &err));
    assert_int_not_equal(err.code, ERR_NONE);
}

static const struct enrol_token sample_token = {
    .fleet = STR_INIT("shops"),
    .host = STR_INIT("fe80::1%eth0"),
    .port = 8884,
    .id = STR_INIT("abcdefg2"),
    .secret = STR_INIT("abcdefghijklmnopqrstuvwxyz234567"),
    .ca_fingerprint = STR_INIT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
};

static void tokens_come_back(void **state)
{
    (void)state;
    enrol_token_format(&sample_token, &text);
    buf_add_char(&text, '\n'); /* as it comes from a terminal */
    struct enrol_token r;
    assert_true(enrol_token_parse(buf_str(&text), &r, &err));
    assert_true(str_eq(r.fleet, sample_token.fleet));
    assert_true(str_eq(r.host, sample_token.host));
    assert_int_equal(r.port, 8884);
    assert_true(str_eq(r.id, sample_token.id));
    assert_true(str_eq(r.secret, sample_token.secret));
    assert_true(str_eq(r.ca_fingerprint, sample_token.ca_fingerprint));
}

/* Made while the fleet changes its CA. */
static void a_token_may_name_two_cas(void **state)
{
    (void)state;
    static const char both[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                               "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    struct enrol_token token = sample_token;
    struct enrol_token r;
    token.ca_fingerprint = str_from(both);
    enrol_token_format(&token, &text);
    assert_true(enrol_token_parse(buf_str(&text), &r, &err));
    assert_true(str_eq(r.ca_fingerprint, str_from(both)));
    buf_add(&text, str_slice(str_from(both), 0, 64));
    assert_false(enrol_token_parse(buf_str(&text), &r, &err)); /* three */
}

static void a_certificate_message_says_one_thing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{}",
        "{\"certificate\":\"c\",\"reason\":\"r\"}",
        "{\"certificate\":\"c\",\"authorities\":\"a\",\"signature\":\"s\"}",
        "{\"authorities\":\"a\"}",
        "{\"signature\":\"s\"}",
        "{\"reason\":\"r\",\"signature\":\"s\"}",
    };
    struct message_certificate r;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(message_certificate_decode(str_from(wrong[i]), &arena, &r, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    const struct message_certificate m = {.authorities = STR("a"), .signature = STR("s")};
    message_certificate_encode(&m, &text);
    assert_true(message_certificate_decode(buf_str(&text), &arena, &r, &err));
    assert_true(str_eq(r.authorities, STR("a")) && str_eq(r.signature, STR("s")));
}

static void what_is_said_to_be_trusted_is_short(void **state)
{
    (void)state;
    char list[AUTHORITIES_TEXT_MAX + 2];
    struct message_want_certificate r;
    memset(list, 'a', sizeof(list));
    const struct message_want_certificate fits = {.authorities = {list, AUTHORITIES_TEXT_MAX},
                                                  .authority = {list, AUTHORITY_TEXT_MAX}};
    message_want_certificate_encode(&fits, &text);
    assert_true(message_want_certificate_decode(buf_str(&text), &arena, &r, &err));
    assert_true(str_eq(r.authorities, fits.authorities) && str_eq(r.authority, fits.authority));
    const struct message_want_certificate wrong[] = {
        {.authorities = {list, AUTHORITIES_TEXT_MAX + 1}},
        {.authority = {list, AUTHORITY_TEXT_MAX + 1}},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        buf_reset(&text);
        message_want_certificate_encode(&wrong[i], &text);
        assert_false(message_want_certificate_decode(buf_str(&text), &arena, &r, &err));
    }
}

static void a_token_with_anything_missing_is_refused(void **state)
{
    (void)state;
    enrol_token_format(&sample_token, &text);
    struct enrol_token r;
    for (size_t len = 0; len < text.len; len++) {
        assert_false(enrol_token_parse(str_slice(buf_str(&text), 0, len), &r, &err));
        assert_null(strstr(err.msg, "abcdefghijkl")); /* the secret is not repeated */
    }
    /* Every single character matters in the fixed part. */
    text.ptr[0] = 'S';
    assert_false(enrol_token_parse(buf_str(&text), &r, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(birth_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(births_that_cannot_be_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(unknown_members_are_ignored, begin, end),
        cmocka_unit_test_setup_teardown(death_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(ack_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(hub_state_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(enrolment_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(enrolment_reply_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(a_full_arena_is_reported, begin, end),
        cmocka_unit_test_setup_teardown(tokens_come_back, begin, end),
        cmocka_unit_test_setup_teardown(a_token_may_name_two_cas, begin, end),
        cmocka_unit_test_setup_teardown(a_certificate_message_says_one_thing, begin, end),
        cmocka_unit_test_setup_teardown(what_is_said_to_be_trusted_is_short, begin, end),
        cmocka_unit_test_setup_teardown(a_token_with_anything_missing_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
