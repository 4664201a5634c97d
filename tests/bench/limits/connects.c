/* connects - what a broker needs for connections and nothing more: COUNT clients, each with a full
 * mutual TLS handshake, CONNECT and CONNACK; then all are gone, and come back with their session
 * tickets. Bare mbedTLS, one after the other. Prints the broker's processor time for both. */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_session session;
};
static mbedtls_ctr_drbg_context random_bytes;
static mbedtls_ssl_config config;

static void check(int rc, const char *what)
{
    if (rc < 0) {
        bench_die("%s", what);
    }
}

static int send_bytes(void *ctx, const unsigned char *bytes, size_t len)
{
    return (int)send(*(int *)ctx, bytes, len, MSG_NOSIGNAL);
}

static int receive_bytes(void *ctx, unsigned char *bytes, size_t len)
{
    return (int)recv(*(int *)ctx, bytes, len, 0);
}

static void dial(struct connection *c, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(c->fd, "socket");
    check(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), "connect");
    check(setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
}

static void join(struct connection *c, int port, int number, bool has_session)
{
    unsigned char answer[64];
    unsigned char packet[] = "\x10\x13\0\4MQTT\5\2\0\x3c\0\0\6c00000";
    (void)snprintf((char *)packet + sizeof(packet) - 6, 6, "%05u", (unsigned)number % 100000);
    dial(c, port);
    mbedtls_ssl_init(&c->ssl);
    check(mbedtls_ssl_setup(&c->ssl, &config), "TLS setup");
    mbedtls_ssl_set_bio(&c->ssl, &c->fd, send_bytes, receive_bytes, NULL);
    if (has_session) {
        check(mbedtls_ssl_set_session(&c->ssl, &c->session), "session");
    }
    check(mbedtls_ssl_handshake(&c->ssl), "handshake");
    mbedtls_ssl_session_free(&c->session);
    mbedtls_ssl_session_init(&c->session);
    check(mbedtls_ssl_get_session(&c->ssl, &c->session), "session");
    check(mbedtls_ssl_write(&c->ssl, packet, sizeof(packet) - 1), "CONNECT");
    int len = mbedtls_ssl_read(&c->ssl, answer, sizeof(answer));
    if (len < 4 || answer[0] != 0x20 || answer[3] != 0) {
        bench_die("no CONNACK");
    }
}

static void leave(struct connection *c)
{
    mbedtls_ssl_free(&c->ssl);
    (void)close(c->fd);
}

/* utime and stime of a process; proc(5). */
static int64_t cpu_ms(int pid)
{
    char path[64];
    char text[1024];
    struct str name = STR_NONE;
    struct str rest = STR_NONE;
    struct str word = STR_NONE;
    int64_t ticks = 0;
    int64_t value = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        bench_die("no such broker");
    }
    size_t len = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    if (!str_cut_last((struct str){text, len}, ')', &name, &rest)) {
        bench_die("%s makes no sense", path);
    }
    rest = str_trim(rest);
    for (int i = 0; i < 13 && str_cut(rest, ' ', &word, &rest); i++) {
        ticks += i >= 11 && str_to_i64(word, 0, INT64_MAX, &value) ? value : 0;
    }
    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

static void configure(const char *dir)
{
    static mbedtls_entropy_context entropy;
    static mbedtls_x509_crt ca;
    static mbedtls_x509_crt own;
    static mbedtls_pk_context key;
    char path[256];
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random_bytes);
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&ca);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&key);
    check(mbedtls_ctr_drbg_seed(&random_bytes, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
    (void)snprintf(path, sizeof(path), "%s/ca.pem", dir);
    check(mbedtls_x509_crt_parse_file(&ca, path), "ca.pem");
    (void)snprintf(path, sizeof(path), "%s/client.pem", dir);
    check(mbedtls_x509_crt_parse_file(&own, path), "client.pem");
    (void)snprintf(path, sizeof(path), "%s/client.key", dir);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    check(mbedtls_pk_parse_keyfile(&key, path, NULL, mbedtls_ctr_drbg_random, &random_bytes),
          "key");
#else
    check(mbedtls_pk_parse_keyfile(&key, path, NULL), "client.key");
#endif
    check(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT),
          "configuration");
    mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_bytes);
    check(mbedtls_ssl_conf_own_cert(&config, &own, &key), "own certificate");
}

int main(int argc, char **argv)
{
    int port = (int)bench_count_arg(argc, argv, 1);
    const char *dir = bench_text_arg(argc, argv, 2);
    int broker = (int)bench_count_arg(argc, argv, 3);
    int count = (int)bench_count_arg(argc, argv, 4);
    struct connection *c = calloc((size_t)count, sizeof(*c));
    if (c == NULL) {
        bench_die("out of memory");
    }
    configure(dir);
    int64_t spent[3] = {cpu_ms(broker)};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < count; i++) {
            join(&c[i], port, i, round == 1);
        }
        spent[round + 1] = cpu_ms(broker);
        for (int i = 0; i < count; i++) {
            leave(&c[i]);
        }
    }
    bench_print("full_ns", (spent[1] - spent[0]) * 1000000);
    bench_print("resumed_ns", (spent[2] - spent[1]) * 1000000);
    for (int i = 0; i < count; i++) {
        mbedtls_ssl_session_free(&c[i].session);
    }
    free(c);
    return 0;
}
