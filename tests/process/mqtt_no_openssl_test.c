/* mqtt_no_openssl_test.c - libmosquitto links OpenSSL, and we never let it open a session. These
 * definitions take the place of OpenSSL's in the whole process, libmosquitto included; the last
 * test shows that they do. */
#include "tests/process/mqtt_fixture.h"
#include "tests/support/cmocka_all.h"

#include <mosquitto.h>
#include <stdio.h>

static int contexts_made;
static int sessions_made;

/* NOLINTBEGIN(readability-identifier-naming): OpenSSL's names */

void *SSL_CTX_new(const void *method);
void *SSL_CTX_new(const void *method)
{
    (void)method;
    contexts_made++;
    return NULL;
}

void *SSL_new(void *context);
void *SSL_new(void *context)
{
    (void)context;
    sessions_made++;
    return NULL;
}
/* NOLINTEND(readability-identifier-naming) */

static void a_whole_session_makes_no_openssl_session(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    for (int i = 0; i < 2; i++) { /* full, then resumed */
        client_connect(&shop, w);
        client_subscribe(&shop, w, "open/x");
        client_publish(&shop, w, "open/x", STR("hello"));
        await_count(w, &shop.messages, i + 1);
        client_disconnect(&shop, w);
    }
    client_close(&shop);
    assert_int_equal(contexts_made, 0);
    assert_int_equal(sessions_made, 0);
}

static void the_counters_would_have_counted(void **state)
{
    struct world *w = *state;
    char ca[TEST_BROKER_PATH_SIZE + 16];
    (void)snprintf(ca, sizeof(ca), "%s/ca.pem", w->broker.dir);
    assert_int_equal(mosquitto_lib_init(), MOSQ_ERR_SUCCESS);
    struct mosquitto *mosq = mosquitto_new("openssl", true, NULL);
    assert_non_null(mosq);
    assert_int_equal(mosquitto_tls_set(mosq, ca, NULL, NULL, NULL, NULL), MOSQ_ERR_SUCCESS);
    assert_int_equal(mosquitto_connect(mosq, "127.0.0.1", w->broker.port, 60), MOSQ_ERR_TLS);
    assert_int_equal(contexts_made, 1);
    mosquitto_destroy(mosq);
    (void)mosquitto_lib_cleanup();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_session_makes_no_openssl_session),
        TEST(the_counters_would_have_counted),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
