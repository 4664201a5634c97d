/* client.h - libmosquitto with its own OpenSSL in a poll loop: the limit programs' connection. */
#pragma once
#include <mosquitto.h>

/* Connects to 127.0.0.1 with the certificates in `dir`; returns when connected. Callbacks get
 * `ctx`. Dies on failure, now and later. */
struct mosquitto *client_open(const char *id, int port, const char *dir, int inflight_max,
                              void *ctx);
/* Waits at most `wait_ms` for the socket and does what is to be done. */
void client_turn(struct mosquitto *m, int wait_ms);
void client_close(struct mosquitto *m);
