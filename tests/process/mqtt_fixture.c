#include "tests/process/mqtt_fixture.h"

#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MAX = 1 << 20, PATIENCE_S = 20 };

/* Access rules that tests need: all under open/, and what is under one's own name. */
static const char config[] =
    "acl_file @DIR@/acl\nlistener @BARE@ 127.0.0.1\npassword_file @DIR@/passwords\n";
static const char acl[] = "pattern readwrite open/#\npattern readwrite own/%u/#\n";
/* "sesame": PBKDF2 with SHA-512, as mosquitto_passwd writes it. */
static const char passwords[] = "reader:$7$101$c2VsdmVkZ2V0ZXN0$Eqz6Yp4b0CsPB5vdfuPBNHeXWKT+IqBs/zJ"
                                "c0Ch1xmRSyB45L7BObbtHwRLCay+AFrXl6Z2cWQRwYY3xWjiS/A==\n";

int world_open(void **state)
{
    if (!test_broker_is_installed()) {
        exit(77); /* NOLINT(concurrency-mt-unsafe): no thread yet; 77 = skipped */
    }
    static struct world w;
    struct err err = {0};
    w = (struct world){.rng = rng_system()};
    if (!test_broker_open(&w.broker, config, &err) ||
        !test_broker_write(&w.broker, "acl", (struct str){acl, sizeof(acl) - 1}, &err) ||
        !test_broker_write(&w.broker, "passwords", (struct str){passwords, sizeof(passwords) - 1},
                           &err) ||
        !test_broker_issue(&w.broker, "shop-1", 30, &w.identity, &err)) {
        fail_msg("%s", err.msg);
    }
    (void)snprintf(w.socket_dir, sizeof(w.socket_dir), "%.100s/sockets", w.broker.dir);
    *state = &w;
    return 0;
}

int world_close(void **state)
{
    struct world *w = *state;
    test_identity_release(&w->identity);
    test_broker_close(&w->broker);
    return 0;
}

static struct mono_time real_mono(void *ctx)
{
    (void)ctx;
    struct clock system = clock_system();
    return clock_mono(&system);
}

static struct wall_time wrong_wall(void *ctx)
{
    const struct world *w = ctx;
    struct clock system = clock_system();
    return (struct wall_time){clock_wall(&system).ns + w->wall_offset_ns};
}

int world_begin(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct clock clock = {.mono = real_mono, .wall = wrong_wall, .ctx = w};
    w->wall_offset_ns = 0;
    if (!loop_open(&w->loop, clock, &err) ||
        (w->broker.pid == 0 && !test_broker_start(&w->broker, &err))) {
        fail_msg("%s", err.msg);
    }
    return 0;
}

int world_end(void **state)
{
    struct world *w = *state;
    loop_close(w->loop);
    return 0;
}

/* -- callbacks -- */

static void on_online(void *ctx, bool tls_resumed)
{
    struct client *c = ctx;
    c->online++;
    c->resumed = tls_resumed;
    assert_true(mqtt_is_online(c->session));
}

static void on_offline(void *ctx, const struct err *why)
{
    struct client *c = ctx;
    c->offline++;
    c->has_why = why != NULL;
    if (why != NULL) {
        c->why = *why;
    }
    assert_string_equal(mqtt_state_name(c->session), "offline");
}

static void on_message(void *ctx, const struct mqtt_message *m)
{
    struct client *c = ctx;
    c->messages++;
    c->last = *m;
    (void)snprintf(c->topic, sizeof(c->topic), STR_FMT, STR_ARG(m->topic));
    buf_reset(&c->payload);
    buf_add(&c->payload, m->payload);
    if (c->echo_to.len > 0) {
        int id = 0;
        struct err err = {0};
        assert_true(mqtt_publish(c->session, c->echo_to, m->payload, 0, 0, &id, &err));
    }
    if (c->close_on_message) {
        mqtt_close(c->session);
        c->session = NULL;
    }
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    struct client *c = ctx;
    assert_true(message_id > 0);
    c->published++;
    c->publish_why = why == NULL ? (struct err){0} : *why;
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    struct client *c = ctx;
    assert_true(message_id > 0);
    c->subscribed++;
    c->subscribe_why = why == NULL ? (struct err){0} : *why;
}

/* -- clients -- */

struct mqtt_options client_options(const struct world *w, const char *client_id)
{
    return (struct mqtt_options){.host = STR("127.0.0.1"),
                                 .port = w->broker.port,
                                 .client_id = str_from(client_id),
                                 .ca_pem = buf_str(&w->broker.ca_cert),
                                 .cert_pem = buf_str(&w->identity.cert),
                                 .key_pem = buf_str(&w->identity.key),
                                 .keepalive_s = 60,
                                 .connect_timeout_ms = 10000,
                                 .inflight_max = 8,
                                 .payload_bytes_max = 512 << 10,
                                 .socket_dir = str_from(w->socket_dir)};
}

struct mqtt_options bare_options(const struct world *w, const char *client_id)
{
    struct mqtt_options options = client_options(w, client_id);
    options.port = w->broker.bare_port;
    options.is_bare = true;
    options.ca_pem = options.cert_pem = options.key_pem = STR_NONE;
    options.user = STR("reader");
    options.password = STR("sesame");
    return options;
}

void client_open(struct client *c, struct world *w, const struct mqtt_options *options)
{
    *c = (struct client){.payload = buf_growing(PAYLOAD_MAX)};
    const struct mqtt_handlers handlers = {.on_online = on_online,
                                           .on_offline = on_offline,
                                           .on_message = on_message,
                                           .on_published = on_published,
                                           .on_subscribed = on_subscribed,
                                           .ctx = c};
    struct err err = {0};
    if (!mqtt_open(&c->session, w->loop, &w->rng, options, &handlers, &err)) {
        fail_msg("%s", err.msg);
    }
}

void client_close(struct client *c)
{
    mqtt_close(c->session);
    c->session = NULL;
    buf_release(&c->payload);
}

void await_count(struct world *w, const int *counter, int at_least)
{
    struct err err = {0};
    int64_t give_up = loop_now(w->loop).ns + PATIENCE_S * NS_PER_SEC;
    while (*counter < at_least) {
        if (!loop_turn(w->loop, NS_PER_SEC, &err)) {
            fail_msg("%s", err.msg);
        }
        if (loop_now(w->loop).ns > give_up) {
            fail_msg("waited in vain: %d of %d", *counter, at_least);
        }
    }
}

static void start(struct client *c)
{
    struct err err = {0};
    if (!mqtt_connect(c->session, &err)) {
        fail_msg("%s", err.msg);
    }
}

void client_connect(struct client *c, struct world *w)
{
    int before = c->offline;
    start(c);
    int64_t give_up = loop_now(w->loop).ns + PATIENCE_S * NS_PER_SEC;
    struct err err = {0};
    while (!mqtt_is_online(c->session)) {
        assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
        if (c->offline > before) {
            fail_msg("%s", c->why.msg);
        }
        assert_true(loop_now(w->loop).ns < give_up);
    }
}

void client_fail_to_connect(struct client *c, struct world *w)
{
    int before = c->online;
    start(c);
    await_count(w, &c->offline, c->offline + 1);
    assert_int_equal(c->online, before);
    assert_true(c->has_why);
    assert_string_equal(mqtt_state_name(c->session), "offline");
}

void client_disconnect(struct client *c, struct world *w)
{
    mqtt_disconnect(c->session, false);
    await_count(w, &c->offline, c->offline + 1);
    assert_false(c->has_why);
}

void client_subscribe(struct client *c, struct world *w, const char *filter)
{
    int id = 0;
    struct err err = {0};
    struct str text = str_from(filter);
    if (!mqtt_subscribe(c->session, &text, 1, &id, &err)) {
        fail_msg("%s", err.msg);
    }
    await_count(w, &c->subscribed, c->subscribed + 1);
}

void client_publish(struct client *c, struct world *w, const char *topic, struct str payload)
{
    int id = 0;
    struct err err = {0};
    if (!mqtt_publish(c->session, str_from(topic), payload, 0, 0, &id, &err)) {
        fail_msg("%s", err.msg);
    }
    await_count(w, &c->published, c->published + 1);
}

void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
    }
}
