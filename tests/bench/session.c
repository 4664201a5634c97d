#include "tests/bench/session.h"

#include "common/platform/files.h"
#include "tests/bench/bench.h"
#include <stdio.h>

enum { PEM_BYTES_MAX = 64 << 10 };

static struct buf read_pem(const char *dir, const char *name)
{
    char path[512];
    struct err err = {0};
    struct buf pem = buf_growing(PEM_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    bench_check(files_read(path, &pem, &err), &err);
    return pem;
}

static void on_online(void *ctx, bool tls_resumed)
{
    struct bench_session *s = ctx;
    s->is_online = true;
    s->is_resumed = tls_resumed;
}

static void on_offline(void *ctx, const struct err *why)
{
    struct bench_session *s = ctx;
    if (why != NULL) {
        bench_die("offline: %s", why->msg);
    }
    s->is_online = false;
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    (void)ctx;
    (void)message;
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    struct bench_session *s = ctx;
    (void)message_id;
    if (why != NULL) {
        bench_die("publish: %s", why->msg);
    }
    s->published++;
    if (s->on_published != NULL) {
        s->on_published(s);
    }
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    (void)ctx;
    (void)message_id;
    (void)why;
}

void bench_session_open(struct bench_session *s, int port, const char *dir, int inflight_max)
{
    struct err err = {0};
    s->rng = rng_system();
    s->ca = read_pem(dir, "ca.pem");
    s->cert = read_pem(dir, "client.pem");
    s->key = read_pem(dir, "client.key");
    (void)snprintf(s->socket_dir, sizeof(s->socket_dir), "%s/sockets", dir);
    bench_check(loop_open(&s->loop, clock_system(), &err), &err);
    const struct mqtt_options options = {.host = STR("127.0.0.1"),
                                         .port = port,
                                         .client_id = STR("shop-1"),
                                         .ca_pem = buf_str(&s->ca),
                                         .cert_pem = buf_str(&s->cert),
                                         .key_pem = buf_str(&s->key),
                                         .keepalive_s = 60,
                                         .connect_timeout_ms = 10000,
                                         .inflight_max = inflight_max,
                                         .payload_bytes_max = 512 << 10,
                                         .socket_dir = str_from(s->socket_dir)};
    const struct mqtt_handlers handlers = {.on_online = on_online,
                                           .on_offline = on_offline,
                                           .on_message = on_message,
                                           .on_published = on_published,
                                           .on_subscribed = on_subscribed,
                                           .ctx = s};
    bench_check(mqtt_open(&s->mqtt, s->loop, &s->rng, &options, &handlers, &err), &err);
}

void bench_session_connect(struct bench_session *s)
{
    struct err err = {0};
    bench_check(mqtt_connect(s->mqtt, &err), &err);
    while (!s->is_online) {
        bench_check(loop_turn(s->loop, -1, &err), &err);
    }
}

void bench_session_disconnect(struct bench_session *s)
{
    struct err err = {0};
    mqtt_disconnect(s->mqtt, false);
    while (s->is_online) {
        bench_check(loop_turn(s->loop, -1, &err), &err);
    }
}

void bench_session_close(struct bench_session *s)
{
    mqtt_close(s->mqtt);
    loop_close(s->loop);
    buf_release(&s->ca);
    buf_release(&s->cert);
    buf_release(&s->key);
}
