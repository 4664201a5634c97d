/* session.h - a common/mqtt session to the bench broker, and its loop. */
#pragma once
#include "common/base/buf.h"
#include "common/mqtt/mqtt.h"

struct bench_session {
    struct loop *loop;
    struct mqtt_session *mqtt;
    struct rng rng;
    struct buf ca, cert, key;
    char socket_dir[256];
    bool is_online;
    bool is_resumed;
    int64_t published;
    void (*on_published)(struct bench_session *s); /* may be NULL */
    void *ctx;
};
/* `s` must not move. Dies on failure. */
void bench_session_open(struct bench_session *s, int port, const char *dir, int inflight_max);
void bench_session_connect(struct bench_session *s);    /* returns when online */
void bench_session_disconnect(struct bench_session *s); /* returns when offline */
void bench_session_close(struct bench_session *s);
