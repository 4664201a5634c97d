#include "tests/bench/limits/client.h"

#include "tests/bench/bench.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

enum { KEEPALIVE_S = 60 };

static void check(int rc, const char *what)
{
    if (rc != MOSQ_ERR_SUCCESS) {
        bench_die("%s: %s", what, mosquitto_strerror(rc));
    }
}

static bool was_connected;

static void on_connect(struct mosquitto *m, void *ctx, int rc)
{
    (void)m;
    (void)ctx;
    if (rc != 0) {
        bench_die("connect: %s", mosquitto_connack_string(rc));
    }
    was_connected = true;
}

struct mosquitto *client_open(const char *id, int port, const char *dir, int inflight_max,
                              void *ctx)
{
    char ca[512];
    char cert[512];
    char key[512];
    (void)snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
    (void)snprintf(cert, sizeof(cert), "%s/client.pem", dir);
    (void)snprintf(key, sizeof(key), "%s/client.key", dir);
    (void)mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new(id, true, ctx);
    if (m == NULL) {
        bench_die("mosquitto_new: out of memory");
    }
    check(mosquitto_tls_set(m, ca, NULL, cert, key, NULL), "mosquitto_tls_set");
    check(mosquitto_max_inflight_messages_set(m, (unsigned)inflight_max), "set inflight");
    check(mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1), "set TCP_NODELAY");
    mosquitto_connect_callback_set(m, on_connect);
    was_connected = false;
    check(mosquitto_connect(m, "127.0.0.1", port, KEEPALIVE_S), "mosquitto_connect");
    while (!was_connected) {
        client_turn(m, 1000);
    }
    return m;
}

void client_turn(struct mosquitto *m, int wait_ms)
{
    struct pollfd p = {.fd = mosquitto_socket(m), .events = POLLIN};
    if (mosquitto_want_write(m)) {
        p.events |= POLLOUT;
    }
    (void)poll(&p, 1, wait_ms);
    if ((p.revents & POLLIN) != 0) {
        check(mosquitto_loop_read(m, 1), "read");
    }
    if ((p.revents & POLLOUT) != 0 || mosquitto_want_write(m)) {
        check(mosquitto_loop_write(m, 1), "write");
    }
    check(mosquitto_loop_misc(m), "keep alive");
}

void client_close(struct mosquitto *m)
{
    (void)mosquitto_disconnect(m);
    mosquitto_destroy(m);
    (void)mosquitto_lib_cleanup();
}
