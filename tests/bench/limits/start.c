/* start DATABASE CERTIFICATE - what the libraries of an agent take to be there, and nothing else: a
 * database opened and one row committed, a client made, a certificate parsed, randomness seeded. */
#include "tests/bench/bench.h"
#include "tests/bench/limits/bare.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <mosquitto.h>

static void check(int rc, const char *what)
{
    if (rc != 0) {
        bench_die("%s: error %d", what, rc);
    }
}

int main(int argc, char **argv)
{
    sqlite3 *db = bare_open(bench_text_arg(argc, argv, 1), 256);
    bare_exec(db, "CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, body TEXT) STRICT");
    bare_exec(db, "INSERT INTO event (body) VALUES ('started')");

    (void)mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new("start", true, NULL);

    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt certificate;
    mbedtls_ssl_config config;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_ssl_config_init(&config);
    check(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
    check(mbedtls_x509_crt_parse_file(&certificate, bench_text_arg(argc, argv, 2)), "certificate");
    check(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT),
          "TLS");
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crt_free(&certificate);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    mosquitto_destroy(m);
    (void)mosquitto_lib_cleanup();
    bare_close(db);
    return 0;
}
