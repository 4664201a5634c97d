/* hub_broker_test.c - the broker's configuration, and what its log tells about strangers. */
#include "common/base/buf.h"
#include "hub/broker/broker.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>

static struct broker_reader reader;

static struct broker_line read_line(const char *line)
{
    struct broker_line note;
    broker_read_line(&reader, str_from(line), STR("main"), &note);
    return note;
}

static void expect(const char *line, const char *peer, const char *what, const char *why)
{
    struct broker_line note = read_line(line);
    assert_int_equal(note.note, BROKER_NOTE_REFUSED);
    assert_true(str_eq(note.peer, str_from(peer)));
    assert_true(str_eq(note.what, str_from(what)));
    assert_true(str_eq(note.why, str_from(why)));
}

static void expect_nothing(const char *line)
{
    assert_int_equal(read_line(line).note, BROKER_NOTE_NONE);
}

static void every_option_of_a_listener_follows_one(void **state)
{
    (void)state;
    static const char *const of_listeners[] = {"allow_zero_length_clientid", "allow_anonymous",
                                               "acl_file", "max_connections", "certfile"};
    struct broker_options options = {.dir = "/b", .fleet = STR("main"), .port = 1, .enrol_port = 2};
    AUTO(buf) text = buf_growing(64 << 10);
    broker_write_config(&text, &options);
    struct str rest = buf_str(&text);
    struct str line = STR_NONE;
    int listeners = 0;
    while (str_cut(rest, '\n', &line, &rest)) {
        listeners += str_starts(line, STR("listener "));
        for (size_t i = 0; i < COUNT_OF(of_listeners); i++) {
            /* Before the first it would open mosquitto's default one, without TLS. */
            assert_true(listeners > 0 || !str_starts(line, str_from(of_listeners[i])));
        }
    }
    assert_int_equal(listeners, 2);
}

static void devices_are_told_by_their_certificate(void **state)
{
    (void)state;
    expect_nothing("New connection from 192.0.2.7:1 on port 8883.");
    expect_nothing(
        "New client connected from 192.0.2.7:1 as chicago.1f (p5, c1, k60, u'chicago').");
    expect("Denied PUBLISH from chicago.1f (d0, q1, r0, m2, 'selvedge/v1/main/boston/events', ... "
           "(5 bytes))",
           "chicago", "publish", "it may not publish to selvedge/v1/main/boston/events");
    expect("Client chicago.1f disconnected due to oversize packet.", "chicago", "packet",
           "it is larger than what a device may send");
    expect_nothing("chicago.1f 1 selvedge/v1/main/chicago/ack");
    expect_nothing("chicago.1f 1 selvedge/v1/main/hub/state");
    expect("chicago.1f 1 selvedge/v1/main/boston/ack", "chicago", "subscribe",
           "it may not read selvedge/v1/main/boston/ack");
    expect("chicago.1f 0 #", "chicago", "subscribe", "it may not read #");

    /* Calls itself another, and is not taken for it. */
    expect_nothing("New client connected from 192.0.2.7:2 as boston.1f (p5, c1, k60, u'chicago').");
    expect("boston.1f 1 selvedge/v1/main/boston/ack", "chicago", "subscribe",
           "it may not read selvedge/v1/main/boston/ack");
}

static void strangers_are_told_by_their_address(void **state)
{
    (void)state;
    expect_nothing("New client connected from 192.0.2.8:3 as hub (p5, c1, k60).");
    expect("Denied PUBLISH from hub (d0, q1, r0, m2, 'a', ... (5 bytes))", "192.0.2.8", "publish",
           "it may not publish to a");
    expect("hub 2 selvedge/v1/main/+/events", "192.0.2.8", "subscribe",
           "it may not read selvedge/v1/main/+/events");
    expect_nothing("New client connected from 192.0.2.8:4 as 0a (p5, c1, k60).");
    expect_nothing("0a 1 selvedge/v1/main/enrol/reply/0a");
    expect("0a 1 selvedge/v1/main/enrol/reply/0b", "192.0.2.8", "subscribe",
           "it may not read selvedge/v1/main/enrol/reply/0b");
    expect_nothing("New client connected from 127.0.0.1:5 as hub.77 (p5, c1, k60, u'hub').");
    expect_nothing("hub.77 1 selvedge/v1/main/+/events");

    /* Who came long ago is forgotten: its name is all that is left. */
    for (int i = 0; i < BROKER_STRANGERS_MAX; i++) {
        char line[100];
        (void)snprintf(line, sizeof(line), "New client connected from 192.0.2.9:%d as s%d (p5).", i,
                       i);
        expect_nothing(line);
    }
    expect("0a 0 #", "0a", "subscribe", "it may not read #");
}

static void a_failed_handshake_names_the_last_address(void **state)
{
    (void)state;
    expect_nothing("New connection from 192.0.2.7:5 on port 8883.");
    expect("OpenSSL Error[0]: error:0A0000C7:SSL routines::peer did not return a certificate",
           "192.0.2.7", "connection", "it showed no client certificate");
    expect("OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed", "192.0.2.7",
           "connection", "its certificate is expired, revoked or signed by another CA");
    expect("Client connection from 192.0.2.6 failed: error:0A00010B:SSL routines::wrong version "
           "number.",
           "192.0.2.6", "connection", "it does not speak TLS 1.2");
    expect_nothing("Client connection from 192.0.2.6 failed: error:0A000126:SSL "
                   "routines::unexpected eof while reading.");
}

static void expect_client(struct broker_clients *clients, const char *line,
                          enum broker_client_type type, const char *id, const char *user)
{
    struct broker_client_line read;
    broker_read_client(str_from(line), &read);
    assert_int_equal(read.type, type);
    assert_true(str_eq(read.id, str_from(id)));
    assert_true(str_eq(read.user, str_from(user)));
    broker_clients_take(clients, &read);
}

static void count_client(void *ctx, struct str id)
{
    int *count = ctx;
    *count += id.len > 0;
}

static int clients_of(const struct broker_clients *clients, const char *user)
{
    int count = 0;
    broker_clients_each(clients, str_from(user), count_client, &count);
    return count;
}

static void who_is_connected_is_known(void **state)
{
    (void)state;
    struct broker_clients c = {0};
    expect_client(&c,
                  "New client connected from 192.0.2.7:1 as chicago.1 (p5, c1, k60, u'chicago').",
                  BROKER_CLIENT_CONNECTED, "chicago.1", "chicago");
    expect_client(&c,
                  "New client connected from 192.0.2.7:1 as a as b (p5, c1, k60, u'boston'). (p5, "
                  "c1, k60, u'chicago').",
                  BROKER_CLIENT_CONNECTED, "a as b (p5, c1, k60, u'boston').", "chicago");
    expect_client(&c, "New client connected from 192.0.2.7:1 as 0f (p5, c1, k60).",
                  BROKER_CLIENT_CONNECTED, "0f", "");
    assert_int_equal(clients_of(&c, "chicago"), 2);
    assert_int_equal(clients_of(&c, "boston"), 0);
    expect_client(&c, "Client chicago.1 already connected, closing old connection.",
                  BROKER_CLIENT_GONE, "chicago.1", "");
    expect_client(&c, "New client connected from 127.0.0.1:2 as chicago.1 (p5, c1, k60, u'hub').",
                  BROKER_CLIENT_CONNECTED, "chicago.1", "hub");
    expect_client(&c, "Client a as b (p5, c1, k60, u'boston'). closed its connection.",
                  BROKER_CLIENT_GONE, "a as b (p5, c1, k60, u'boston').", "");
    assert_int_equal(clients_of(&c, "chicago"), 0);
    assert_false(c.is_unclear);
    expect_client(&c, "New client connected from 192.0.2.7:1 as xxxxxxxxxxx", BROKER_CLIENT_UNCLEAR,
                  "", "");
    expect_client(&c, "Reloading config.", BROKER_CLIENT_RELOADED, "", "");
    assert_true(c.is_unclear);
    for (int i = 0; i < 1000; i++) {
        char line[120];
        (void)snprintf(line, sizeof(line),
                       "New client connected from 192.0.2.7:1 as c.%d (p5, c1, k60, u'c').", i);
        struct broker_client_line read;
        broker_read_client(str_from(line), &read);
        broker_clients_take(&c, &read);
    }
    assert_int_equal(clients_of(&c, "c"), 1000);
    expect_client(&c, "Client c.500 disconnected.", BROKER_CLIENT_GONE, "c.500", "");
    expect_client(&c, "Client c.501 has exceeded timeout, disconnecting.", BROKER_CLIENT_GONE,
                  "c.501", "");
    assert_int_equal(clients_of(&c, "c"), 998);
    broker_clients_clear(&c);
    assert_int_equal(c.count, 0);
}

static void trouble_names_the_port(void **state)
{
    (void)state;
    expect_nothing("Opening ipv4 listen socket on port 8883.");
    struct broker_line note = read_line("Error: Address already in use");
    assert_int_equal(note.note, BROKER_NOTE_TROUBLE);
    assert_true(str_eq(note.why, STR("port 8883: Address already in use")));
}

static void nonsense_is_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {"",
                                        " ",
                                        "a",
                                        "a 1",
                                        "a 1 ",
                                        "a 7 b",
                                        "New client connected",
                                        "Sending CONNACK to x (0, 0)",
                                        "\t# (QoS 1)"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        expect_nothing(lines[i]);
    }
    assert_int_equal(read_line("Denied PUBLISH from ").note, BROKER_NOTE_REFUSED);
}

static int forget(void **state)
{
    (void)state;
    reader = (struct broker_reader){0};
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_of_a_listener_follows_one),
        cmocka_unit_test_setup(devices_are_told_by_their_certificate, forget),
        cmocka_unit_test_setup(strangers_are_told_by_their_address, forget),
        cmocka_unit_test_setup(a_failed_handshake_names_the_last_address, forget),
        cmocka_unit_test(who_is_connected_is_known),
        cmocka_unit_test_setup(trouble_names_the_port, forget),
        cmocka_unit_test_setup(nonsense_is_nothing, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
