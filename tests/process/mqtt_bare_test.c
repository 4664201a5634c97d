/* mqtt_bare_test.c - sessions without TLS against a real mosquitto: the same contract, and the same
 * bounds on what a broker may send. */
#include "tests/process/mqtt_fixture.h"
#include "tests/support/cmocka_all.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 256 << 10, SMALL_LIMIT = 64 << 10 };

static void messages_go_both_ways(void **state)
{
    struct world *w = *state;
    struct client sensor;
    struct client shop; /* over TLS: the two listeners are one broker */
    struct mqtt_options options = bare_options(w, "sensor");
    client_open(&sensor, w, &options);
    options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&sensor, w);
    client_connect(&shop, w);
    client_subscribe(&sensor, w, "open/+/door");
    client_publish(&shop, w, "open/1/door", STR("opened"));
    await_count(w, &sensor.messages, 1);
    assert_string_equal(sensor.topic, "open/1/door");
    assert_true(str_eq(buf_str(&sensor.payload), STR("opened")));
    assert_false(sensor.last.retained);
    assert_false(sensor.resumed);

    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    w->rng.fill(w->rng.ctx, bytes, LARGE);
    client_publish(&sensor, w, "open/2/door", (struct str){bytes, LARGE});
    await_count(w, &sensor.messages, 2);
    assert_int_equal(sensor.payload.len, LARGE);
    assert_memory_equal(sensor.payload.ptr, bytes, LARGE);
    free(bytes);
    assert_true(str_is_empty(mqtt_learned_ca(sensor.session)));
    client_disconnect(&sensor, w);
    client_connect(&sensor, w); /* a session is for many connections */
    client_close(&sensor);
    client_close(&shop);
}

static void retained_messages_say_so(void **state)
{
    struct world *w = *state;
    struct client sensor;
    struct mqtt_options options = bare_options(w, "sensor");
    client_open(&sensor, w, &options);
    client_connect(&sensor, w);
    int id = 0;
    struct err err = {0};
    assert_true(mqtt_publish(sensor.session, STR("open/bare-kept"), STR("still here"), MQTT_RETAIN,
                             60, &id, &err));
    await_count(w, &sensor.published, 1);
    client_subscribe(&sensor, w, "open/bare-kept");
    await_count(w, &sensor.messages, 1);
    assert_true(sensor.last.retained);
    assert_true(mqtt_publish(sensor.session, STR("open/bare-kept"), STR("new"), MQTT_RETAIN, 60,
                             &id, &err));
    await_count(w, &sensor.messages, 2);
    assert_false(sensor.last.retained); /* it is news to who listens already */
    client_close(&sensor);
}

static void a_wrong_password_is_said(void **state)
{
    struct world *w = *state;
    struct mqtt_options wrong[] = {bare_options(w, "a"), bare_options(w, "b"),
                                   bare_options(w, "c")};
    wrong[0].password = STR("sesam");
    wrong[1].user = STR("nobody");
    wrong[2].user = wrong[2].password = STR_NONE;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct client c;
        client_open(&c, w, &wrong[i]);
        client_fail_to_connect(&c, w);
        assert_int_equal(c.why.code, ERR_DENIED);
        assert_contains(c.why.msg, "connect to 127.0.0.1:");
        assert_contains(c.why.hint, "user and password");
        client_close(&c);
    }
}

static void a_broker_that_dies_is_noticed_and_found_again(void **state)
{
    struct world *w = *state;
    struct client sensor;
    struct mqtt_options options = bare_options(w, "sensor");
    client_open(&sensor, w, &options);
    client_connect(&sensor, w);
    test_broker_kill(&w->broker);
    await_count(w, &sensor.offline, 1);
    assert_true(sensor.has_why);
    assert_int_equal(sensor.why.code, ERR_OFFLINE);
    client_fail_to_connect(&sensor, w);
    assert_contains(sensor.why.hint, "is the broker running");
    struct err err = {0};
    assert_true(test_broker_start(&w->broker, &err));
    client_connect(&sensor, w);
    client_subscribe(&sensor, w, "open/again");
    client_publish(&sensor, w, "open/again", STR("here"));
    await_count(w, &sensor.messages, 1);
    client_close(&sensor);
}

/* We announce our limit, and mosquitto keeps larger messages to itself. */
static void what_is_larger_than_the_limit_does_not_come(void **state)
{
    struct world *w = *state;
    struct client sensor;
    struct client shop;
    struct mqtt_options options = bare_options(w, "sensor");
    options.payload_bytes_max = SMALL_LIMIT;
    client_open(&sensor, w, &options);
    options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&sensor, w);
    client_connect(&shop, w);
    client_subscribe(&sensor, w, "open/sizes");
    char *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    client_publish(&shop, w, "open/sizes", (struct str){bytes, LARGE});
    client_publish(&shop, w, "open/sizes", (struct str){bytes, SMALL_LIMIT});
    await_count(w, &sensor.messages, 1);
    assert_int_equal(sensor.payload.len, SMALL_LIMIT);
    assert_true(mqtt_is_online(sensor.session));
    free(bytes);
    client_close(&sensor);
    client_close(&shop);
}

/* --- who is no broker --- */

static int listen_on_free_port(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &len) == 0 && listen(fd, 4) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void silence_is_a_time_out(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = bare_options(w, "sensor");
    int listener = listen_on_free_port(&options.port);
    options.connect_timeout_ms = 200;
    struct client c;
    client_open(&c, w, &options);
    client_fail_to_connect(&c, w);
    assert_int_equal(c.why.code, ERR_TIMEOUT);
    assert_contains(c.why.msg, "no answer to MQTT CONNECT");
    client_close(&c);
    (void)close(listener);
}

static void answer_once(struct world *w, int listener, struct str bytes)
{
    int fd = -1;
    struct err err = {0};
    while (fd < 0) {
        assert_true(loop_turn(w->loop, 10 * NS_PER_MS, &err));
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    assert_int_equal(send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
    (void)shutdown(fd, SHUT_WR);
    char rest[256];
    while (recv(fd, rest, sizeof(rest), 0) > 0) {
    }
    (void)close(fd);
}

/* Each is read only up to what is wrong with it: nothing of the claimed size is taken. */
static void a_server_that_is_no_broker_is_said(void **state)
{
    struct world *w = *state;
    static const struct {
        struct str says;
        enum err_code code;
    } servers[] = {
        {STR_INIT("HTTP/1.1 400 Bad Request\r\n\r\n"),
         ERR_OFFLINE},                                /* an acknowledgement, cut off */
        {STR_INIT("\x30\xff\xff\xff\x7f"), ERR_FULL}, /* 256 MiB */
        {STR_INIT("\x20\xff\xff\xff\xff\xff"), ERR_INVALID},
        {STR_INIT(""), ERR_OFFLINE},
    };
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        struct mqtt_options options = bare_options(w, "sensor");
        options.payload_bytes_max = 4096;
        int listener = listen_on_free_port(&options.port);
        assert_true(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
        struct client c;
        struct err err = {0};
        client_open(&c, w, &options);
        assert_true(mqtt_connect(c.session, &err));
        answer_once(w, listener, servers[i].says);
        await_count(w, &c.offline, 1);
        assert_true(c.has_why);
        if (c.why.code != servers[i].code) {
            fail_msg("server %zu: %s", i, c.why.msg);
        }
        assert_contains(c.why.hint, "does an MQTT 5 broker");
        client_close(&c);
        (void)close(listener);
    }
}

static void certificates_and_passwords_do_not_mix(void **state)
{
    struct world *w = *state;
    struct mqtt_options options = client_options(w, "shop");
    const struct mqtt_handlers none = {0};
    struct mqtt_session *session = NULL;
    struct err err = {0};
    options.user = STR("reader");
    assert_false(mqtt_open(&session, w->loop, &w->rng, &options, &none, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_contains(err.msg, "the certificate is the user");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(messages_go_both_ways),
        TEST(retained_messages_say_so),
        TEST(a_wrong_password_is_said),
        TEST(a_broker_that_dies_is_noticed_and_found_again),
        TEST(what_is_larger_than_the_limit_does_not_come),
        TEST(silence_is_a_time_out),
        TEST(a_server_that_is_no_broker_is_said),
        TEST(certificates_and_passwords_do_not_mix),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
