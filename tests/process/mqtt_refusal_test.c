/* mqtt_refusal_test.c - common/mqtt/mqtt.h against a real mosquitto: who is refused, by whom, and
 * how it reads. */
#include "common/tls/identity.h"
#include "tests/process/mqtt_fixture.h"
#include "tests/support/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define YEAR_NS (INT64_C(365) * 86400 * NS_PER_SEC)

static void refused(struct world *w, const struct mqtt_options *options, enum err_code code,
                    const char *part)
{
    struct client c;
    client_open(&c, w, options);
    for (int i = 0; i < 2; i++) { /* and again: a failed attempt leaves nothing behind */
        client_fail_to_connect(&c, w);
        assert_contains(c.why.msg, part);
        assert_int_equal(c.why.code, code);
    }
    client_close(&c);
}

/* An identity and a CA that have nothing to do with the broker's. */
struct stranger {
    struct test_broker broker; /* never started */
    struct test_identity identity;
};

static void stranger_open(struct stranger *s)
{
    struct err err = {0};
    assert_true(test_broker_open(&s->broker, NULL, &err));
    assert_true(test_broker_issue(&s->broker, "shop-1", 30, &s->identity, &err));
}

static void stranger_close(struct stranger *s)
{
    test_identity_release(&s->identity);
    test_broker_close(&s->broker);
}

static void a_broker_of_another_ca_is_refused(void **state)
{
    struct world *w = *state;
    struct stranger s;
    stranger_open(&s);
    struct mqtt_options options = client_options(w, "shop");
    options.ca_pem = buf_str(&s.broker.ca_cert);
    refused(w, &options, ERR_DENIED,
            "server certificate \"test-broker\" is not signed by a CA that we trust");
    stranger_close(&s);
}

static void a_client_of_another_ca_is_refused(void **state)
{
    struct world *w = *state;
    struct stranger s;
    stranger_open(&s);
    struct mqtt_options options = client_options(w, "shop");
    options.cert_pem = buf_str(&s.identity.cert);
    options.key_pem = buf_str(&s.identity.key);
    refused(w, &options, ERR_DENIED, "the server does not know the CA of our certificate");
    stranger_close(&s);
}

static void an_expired_client_is_refused(void **state)
{
    struct world *w = *state;
    struct test_identity old;
    struct err err = {0};
    assert_true(test_broker_issue(&w->broker, "shop-1", -1, &old, &err));
    struct mqtt_options options = client_options(w, "shop");
    options.cert_pem = buf_str(&old.cert);
    options.key_pem = buf_str(&old.key);
    refused(w, &options, ERR_DENIED, "our certificate has expired");
    test_identity_release(&old);
}

static void a_client_without_certificate_is_refused(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    options.cert_pem = options.key_pem = STR_NONE;
    refused(w, &options, ERR_DENIED, "it asks for a client certificate and we have none");
}

static void an_expired_broker_is_refused_by_our_clock(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    w->wall_offset_ns = 2 * YEAR_NS;
    refused(w, &options, ERR_DENIED, "server certificate \"test-broker\" expired on 2");
    w->wall_offset_ns = -3 * YEAR_NS;
    refused(w, &options, ERR_DENIED, "server certificate \"test-broker\" is not valid before 2");

    /* A device whose clock is not set yet may come in nevertheless. */
    options.ignore_dates = true;
    struct client c;
    client_open(&c, w, &options);
    client_connect(&c, w);
    client_disconnect(&c, w);
    client_close(&c);
}

static void a_broker_of_another_name_is_refused(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    options.server_name = STR("other.example");
    refused(w, &options, ERR_DENIED,
            "server certificate \"test-broker\" is not for the name other.example");
    options.server_name = STR("127.0.0.2");
    refused(w, &options, ERR_DENIED, "is not for the name 127.0.0.2");
}

static void enrolment_trusts_the_ca_of_the_fingerprint_and_no_other(void **state)
{
    struct world *w = *state;
    struct identity_info ca;
    struct err err = {0};
    assert_true(identity_read_cert(buf_str(&w->broker.ca_cert), &ca, &err));
    struct mqtt_options options = client_options(w, "shop");
    options.ca_pem = STR_NONE;
    options.ca_fingerprint = str_from(ca.fingerprint);
    struct client c;
    client_open(&c, w, &options);
    assert_int_equal(mqtt_learned_ca(c.session).len, 0);
    client_connect(&c, w);
    assert_true(str_eq(mqtt_learned_ca(c.session), buf_str(&w->broker.ca_cert)));
    client_disconnect(&c, w);
    client_close(&c);

    ca.fingerprint[0] = ca.fingerprint[0] == 'a' ? 'b' : 'a';
    refused(w, &options, ERR_DENIED, "is not signed by a CA that we trust");

    /* Neither does the pin make another name good. */
    assert_true(identity_read_cert(buf_str(&w->broker.ca_cert), &ca, &err));
    options.server_name = STR("other.example");
    refused(w, &options, ERR_DENIED, "is not for the name other.example");
}

static void access_rules_are_said_per_message(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    struct client c;
    client_open(&c, w, &options);
    client_connect(&c, w);
    client_publish(&c, w, "own/shop-2/x", STR("?"));
    assert_int_equal(c.publish_why.code, ERR_DENIED);
    assert_contains(c.publish_why.msg, "Not authorized");
    client_publish(&c, w, "own/shop-1/nobody-listens", STR("?")); /* 0x10 is no refusal */
    assert_int_equal(c.publish_why.code, ERR_NONE);
    client_close(&c);
}

/* mosquitto's access list takes any subscription and filters what it delivers. */
static void others_messages_are_not_delivered(void **state)
{
    struct world *w = *state;
    struct test_identity other;
    struct err err = {0};
    assert_true(test_broker_issue(&w->broker, "shop-2", 30, &other, &err));
    struct mqtt_options options = client_options(w, "shop-1");
    struct client curious;
    client_open(&curious, w, &options);
    options.client_id = STR("shop-2");
    options.cert_pem = buf_str(&other.cert);
    options.key_pem = buf_str(&other.key);
    struct client neighbour;
    client_open(&neighbour, w, &options);
    client_connect(&curious, w);
    client_connect(&neighbour, w);
    client_subscribe(&curious, w, "#");
    client_publish(&neighbour, w, "own/shop-2/x", STR("private"));
    assert_int_equal(neighbour.publish_why.code, ERR_NONE);
    client_publish(&neighbour, w, "open/x", STR("public"));
    await_count(w, &curious.messages, 1);
    assert_string_equal(curious.topic, "open/x");
    client_close(&curious);
    client_close(&neighbour);
    test_identity_release(&other);
}

static void the_same_client_id_takes_over(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    struct client first;
    struct client second;
    client_open(&first, w, &options);
    client_open(&second, w, &options);
    client_connect(&first, w);
    client_connect(&second, w);
    await_count(w, &first.offline, 1);
    assert_int_equal(first.why.code, ERR_OFFLINE); /* mosquitto 2.0.11 does not say why */
    assert_string_equal(first.why.msg, "the broker closed the connection");
    assert_true(mqtt_is_online(second.session));
    client_close(&first);
    client_close(&second);
}

static void a_message_above_our_limit_ends_the_connection(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "big");
    struct client big;
    struct client small;
    client_open(&big, w, &options);
    options.client_id = STR("small");
    options.payload_bytes_max = 1000;
    client_open(&small, w, &options);
    client_connect(&big, w);
    client_connect(&small, w);
    client_subscribe(&small, w, "open/x");
    static char bytes[3000];
    client_publish(&big, w, "open/x",
                   (struct str){bytes, 3000}); /* above what we announced: the broker keeps it */
    client_publish(&big, w, "open/x", (struct str){bytes, 1000});
    await_count(w, &small.messages, 1);
    client_publish(&big, w, "open/x", (struct str){bytes, 1001});
    await_count(w, &small.offline, 1);
    assert_int_equal(small.messages, 1);
    assert_int_equal(small.why.code, ERR_FULL);
    assert_contains(small.why.msg, "the limit is 1000");
    int id = 0;
    struct err err = {0};
    client_connect(&small, w);
    assert_false(
        mqtt_publish(small.session, STR("open/x"), (struct str){bytes, 1001}, 0, 0, &id, &err));
    assert_int_equal(err.code, ERR_INVALID);
    client_close(&big);
    client_close(&small);
}

static int listen_silently(int backlog, int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void silence_is_a_time_out(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    options.connect_timeout_ms = 300;
    int fd = listen_silently(4, &options.port);
    refused(w, &options, ERR_TIMEOUT, "no answer to the TLS handshake within 300 ms");
    (void)close(fd);

    /* A full queue of connections makes the kernel swallow the next one. */
    fd = listen_silently(0, &options.port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options.port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fillers[4];
    for (size_t i = 0; i < COUNT_OF(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
    }
    refused(w, &options, ERR_TIMEOUT, "no answer within 300 ms");
    for (size_t i = 0; i < COUNT_OF(fillers); i++) {
        (void)close(fillers[i]);
    }
    (void)close(fd);
}

static void a_server_that_is_no_broker_is_said(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    struct err err = {0};
    int listener = listen_silently(4, &options.port);
    static const struct {
        const char *bytes;
        const char *reason;
    } cases[] = {{"", "the server closed the connection"},
                 {"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS handshake: "}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct client c;
        client_open(&c, w, &options);
        assert_true(mqtt_connect(c.session, &err));
        while (strcmp(mqtt_state_name(c.session), "handshake") != 0) {
            assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
        }
        int fd = accept(listener, NULL, NULL);
        char hello[1024];
        assert_true(recv(fd, hello, sizeof(hello), 0) > 0);
        assert_int_equal(send(fd, cases[i].bytes, strlen(cases[i].bytes), 0),
                         (int)strlen(cases[i].bytes));
        (void)close(fd);
        await_count(w, &c.offline, 1);
        assert_contains(c.why.msg, cases[i].reason);
        client_close(&c);
    }
    (void)close(listener);
}

static void bad_options_are_refused_at_once(void **state)
{
    struct world *w = *state;
    const struct mqtt_handlers handlers = {0};
    const struct mqtt_options good = client_options(w, "shop");
    struct mqtt_options bad[11];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bad[i] = good;
    }
    bad[0].keepalive_s = 4;
    bad[1].keepalive_s = 3601;
    bad[2].inflight_max = 0;
    bad[3].client_id = STR_NONE;
    bad[4].host = STR_NONE;
    bad[5].port = 0;
    bad[6].ca_pem = STR_NONE;
    bad[7].ca_pem = STR("nonsense");
    bad[8].key_pem = buf_str(&w->broker.ca_key);
    bad[9].key_pem = STR_NONE;
    bad[10].payload_bytes_max = 0;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct mqtt_session *session = NULL;
        struct err err = {0};
        assert_false(mqtt_open(&session, w->loop, &w->rng, &bad[i], &handlers, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(session);
    }
    /* What only shows at the end of the handshake: the in-process socket has no place. */
    struct mqtt_options nowhere = good;
    nowhere.socket_dir = STR("/no/such/folder");
    refused(w, &nowhere, ERR_NOT_FOUND, "in-process socket");
    char deep[120];
    memset(deep, 'x', sizeof(deep));
    nowhere.socket_dir = (struct str){deep, sizeof(deep)};
    refused(w, &nowhere, ERR_INVALID, "has a name that is too long");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(a_broker_of_another_ca_is_refused),
        TEST(a_client_of_another_ca_is_refused),
        TEST(an_expired_client_is_refused),
        TEST(a_client_without_certificate_is_refused),
        TEST(an_expired_broker_is_refused_by_our_clock),
        TEST(a_broker_of_another_name_is_refused),
        TEST(enrolment_trusts_the_ca_of_the_fingerprint_and_no_other),
        TEST(access_rules_are_said_per_message),
        TEST(others_messages_are_not_delivered),
        TEST(the_same_client_id_takes_over),
        TEST(a_message_above_our_limit_ends_the_connection),
        TEST(silence_is_a_time_out),
        TEST(a_server_that_is_no_broker_is_said),
        TEST(bad_options_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
