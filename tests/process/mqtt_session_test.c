/* mqtt_session_test.c - common/mqtt/mqtt.h against a real mosquitto: what works, and what happens
 * when it stops. */
#include "tests/process/mqtt_fixture.h"
#include "tests/support/cmocka_all.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 256 << 10 };

static void messages_go_both_ways(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct client hub;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    options.client_id = STR("hub");
    options.host = STR("localhost");
    client_open(&hub, w, &options);
    assert_string_equal(mqtt_state_name(shop.session), "offline");
    client_connect(&shop, w);
    client_connect(&hub, w);
    client_subscribe(&shop, w, "open/down");
    client_subscribe(&hub, w, "open/up");
    hub.echo_to = STR("open/down"); /* published from inside on_message */

    client_publish(&shop, w, "open/up", STR("hello"));
    await_count(w, &shop.messages, 1);
    assert_string_equal(shop.topic, "open/down");
    assert_true(str_eq(buf_str(&shop.payload), STR("hello")));
    assert_int_equal(mqtt_inflight(shop.session), 0);

    client_publish(&shop, w, "open/up", STR("")); /* an empty payload is one too */
    await_count(w, &shop.messages, 2);
    assert_int_equal(shop.payload.len, 0);
    client_close(&shop);
    client_close(&hub);
}

static void large_messages_arrive_whole(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct client hub;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    options.client_id = STR("hub");
    client_open(&hub, w, &options);
    client_connect(&shop, w);
    client_connect(&hub, w);
    client_subscribe(&shop, w, "open/down");
    client_subscribe(&hub, w, "open/up");
    hub.echo_to = STR("open/down");

    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    w->rng.fill(w->rng.ctx, bytes, LARGE);
    for (int i = 1; i <= 8; i++) {
        int id = 0;
        struct err err = {0};
        bytes[0] = (char)i;
        assert_true(mqtt_publish(shop.session, STR("open/up"), (struct str){bytes, LARGE}, 0, 0,
                                 &id, &err));
    }
    await_count(w, &shop.messages, 8);
    assert_int_equal(shop.payload.len, LARGE);
    assert_memory_equal(shop.payload.ptr, bytes, LARGE);
    free(bytes);
    client_close(&shop);
    client_close(&hub);
}

static void retained_messages_say_so(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    int id = 0;
    struct err err = {0};
    assert_true(mqtt_publish(shop.session, STR("open/kept"), STR("still here"), MQTT_RETAIN, 60,
                             &id, &err));
    await_count(w, &shop.published, 1);
    client_subscribe(&shop, w, "open/kept");
    await_count(w, &shop.messages, 1);
    assert_true(shop.last.retained);
    assert_true(str_eq(buf_str(&shop.payload), STR("still here")));
    client_close(&shop);
}

static void several_filters_are_one_subscription(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    int id = 0;
    struct err err = {0};
    const struct str wrong[] = {STR_INIT("open/a"), STR_INIT("open/#/b")};
    assert_false(mqtt_subscribe(shop.session, wrong, COUNT_OF(wrong), &id, &err));
    assert_int_equal(err.code, ERR_INVALID);

    const struct str filters[] = {STR_INIT("open/a"), STR_INIT("open/+/b"), STR_INIT("open/c")};
    assert_true(mqtt_subscribe(shop.session, filters, COUNT_OF(filters), &id, &err));
    await_count(w, &shop.subscribed, 1);
    client_publish(&shop, w, "open/a", STR("1"));
    client_publish(&shop, w, "open/x/b", STR("2"));
    client_publish(&shop, w, "open/c", STR("3"));
    client_publish(&shop, w, "open/d", STR("nobody asked for it"));
    client_publish(&shop, w, "open/c", STR("4"));
    await_count(w, &shop.messages, 4);
    assert_true(str_eq(buf_str(&shop.payload), STR("4")));
    client_close(&shop);
}

static void the_window_is_a_limit(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    options.inflight_max = 2;
    client_open(&shop, w, &options);
    int id = 0;
    struct err err = {0};
    assert_false(mqtt_publish(shop.session, STR("open/x"), STR("1"), 0, 0, &id, &err));
    assert_int_equal(err.code, ERR_OFFLINE);
    assert_false(mqtt_subscribe(shop.session, &STR("open/x"), 1, &id, &err));
    assert_int_equal(err.code, ERR_OFFLINE);

    client_connect(&shop, w);
    assert_false(mqtt_connect(shop.session, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_true(mqtt_publish(shop.session, STR("open/x"), STR("1"), 0, 0, &id, &err));
    assert_true(mqtt_publish(shop.session, STR("open/x"), STR("2"), 0, 0, &id, &err));
    assert_int_equal(mqtt_inflight(shop.session), 2);
    assert_false(mqtt_publish(shop.session, STR("open/x"), STR("3"), 0, 0, &id, &err));
    assert_int_equal(err.code, ERR_FULL);
    await_count(w, &shop.published, 2);
    assert_true(mqtt_publish(shop.session, STR("open/x"), STR("3"), 0, 0, &id, &err));
    await_count(w, &shop.published, 3);

    assert_false(mqtt_publish(shop.session, STR("open/#"), STR("3"), 0, 0, &id, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(mqtt_publish(shop.session, STR(""), STR("3"), 0, 0, &id, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(mqtt_inflight(shop.session), 0);
    client_close(&shop);
}

/* The observer sees what the broker says of the victim; `marker` closes the list, so that nothing
 * is waited for in vain. */
static void publish_marker(struct client *observer, struct world *w)
{
    client_publish(observer, w, "open/will/marker", STR("marker"));
    while (!str_eq(buf_str(&observer->payload), STR("marker"))) {
        await_count(w, &observer->messages, observer->messages + 1);
    }
}

static void the_will_is_for_those_who_go_without_a_word(void **state)
{
    struct world *w = *state;
    struct client observer;
    struct client victim;
    struct mqtt_options options = client_options(w, "observer");
    client_open(&observer, w, &options);
    client_connect(&observer, w);
    client_subscribe(&observer, w, "open/will/#");
    options.client_id = STR("victim");
    options.will_topic = STR("open/will/victim");
    options.will_payload = STR("gone");
    client_open(&victim, w, &options);

    client_connect(&victim, w);
    client_disconnect(&victim, w);
    publish_marker(&observer, w);
    assert_int_equal(observer.messages, 1); /* the marker only */

    client_connect(&victim, w);
    mqtt_disconnect(victim.session, true); /* in order, but asks for it */
    await_count(w, &victim.offline, 2);
    assert_false(victim.has_why);
    await_count(w, &observer.messages, 2);
    assert_true(str_eq(buf_str(&observer.payload), STR("gone")));

    struct err err = {0};
    assert_true(mqtt_set_will(victim.session, STR("gone again"), &err));
    client_connect(&victim, w);
    client_close(&victim); /* abrupt */
    await_count(w, &observer.messages, 3);
    assert_true(str_eq(buf_str(&observer.payload), STR("gone again")));
    client_close(&observer);
}

static void what_was_handed_over_is_flushed_before_disconnect(void **state)
{
    struct world *w = *state;
    struct client hub;
    struct client shop;
    struct mqtt_options options = client_options(w, "hub");
    client_open(&hub, w, &options);
    client_connect(&hub, w);
    client_subscribe(&hub, w, "open/up");
    options.client_id = STR("shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    char *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    int id = 0;
    struct err err = {0};
    for (int i = 0; i < 8; i++) {
        assert_true(mqtt_publish(shop.session, STR("open/up"), (struct str){bytes, LARGE}, 0, 0,
                                 &id, &err));
    }
    free(bytes);
    client_disconnect(&shop, w);
    await_count(w, &hub.messages, 8);
    client_close(&shop);
    client_close(&hub);
}

static void a_second_connection_resumes_the_first(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    assert_false(shop.resumed);
    for (int i = 0; i < 3; i++) {
        client_disconnect(&shop, w);
        client_connect(&shop, w);
        assert_true(shop.resumed);
    }
    /* The name in the certificate counts on a resumed connection too. */
    client_publish(&shop, w, "own/shop-1/x", STR("mine"));
    assert_int_equal(shop.publish_why.code, ERR_NONE);
    client_publish(&shop, w, "own/shop-2/x", STR("not mine"));
    assert_int_equal(shop.publish_why.code, ERR_DENIED);
    client_close(&shop);
}

static void a_broker_that_dies_is_noticed_and_found_again(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    test_broker_kill(&w->broker);
    await_count(w, &shop.offline, 1);
    assert_true(shop.has_why);
    assert_int_equal(shop.why.code, ERR_OFFLINE);

    client_fail_to_connect(&shop, w);
    assert_int_equal(shop.why.code, ERR_OFFLINE);
    assert_contains(shop.why.msg, "connect to 127.0.0.1:");
    assert_contains(shop.why.msg, "Connection refused");
    assert_string_not_equal(shop.why.hint, "");

    struct err err = {0};
    assert_true(test_broker_start(&w->broker, &err));
    client_connect(&shop, w);
    assert_false(shop.resumed); /* tickets die with the broker */
    client_publish(&shop, w, "open/x", STR("back"));
    client_disconnect(&shop, w);
    client_close(&shop);
}

static void a_frozen_broker_is_noticed_by_keepalive(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    options.keepalive_s = 5;
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    int64_t frozen_at = loop_now(w->loop).ns;
    test_broker_freeze(&w->broker);
    await_count(w, &shop.offline, 1);
    test_broker_thaw(&w->broker);
    assert_true(shop.has_why);
    assert_int_equal(shop.why.code, ERR_TIMEOUT);
    assert_contains(shop.why.msg, "keepalive");
    assert_true(loop_now(w->loop).ns - frozen_at < 13 * NS_PER_SEC);
    client_close(&shop);
}

static void keepalive_keeps_an_idle_connection(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    options.keepalive_s = 5;
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    struct err err = {0};
    int64_t until = loop_now(w->loop).ns + 9 * NS_PER_SEC; /* the broker gives up after 7.5 s */
    int turns = 0;
    for (; loop_now(w->loop).ns < until; turns++) {
        assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
    }
    assert_true(mqtt_is_online(shop.session));
    assert_in_range(turns, 9, 24); /* it sleeps, it does not spin */
    client_close(&shop);
}

static void disconnect_is_bounded_by_a_frozen_broker(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    test_broker_freeze(&w->broker);
    client_disconnect(&shop, w);
    test_broker_thaw(&w->broker);
    client_close(&shop);
}

static void a_session_may_be_closed_from_its_callback(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    client_connect(&shop, w);
    client_subscribe(&shop, w, "open/x");
    shop.close_on_message = true;
    int id = 0;
    struct err err = {0};
    assert_true(mqtt_publish(shop.session, STR("open/x"), STR("bye"), 0, 0, &id, &err));
    await_count(w, &shop.messages, 1);
    assert_true(loop_turn(w->loop, 0, &err));
    assert_int_equal(shop.offline, 0);
    client_close(&shop);
}

static void an_attempt_can_be_given_up_at_any_time(void **state)
{
    struct world *w = *state;
    struct client shop;
    struct err err = {0};
    struct mqtt_options options = client_options(w, "shop");
    client_open(&shop, w, &options);
    int tried = 0;
    for (int turns = 0; shop.online == 0; turns++) {
        assert_true(mqtt_connect(shop.session, &err));
        for (int i = 0; i < turns && shop.online == 0; i++) {
            assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
        }
        client_disconnect(&shop, w);
        tried++;
    }
    assert_in_range(tried, 4, 100);
    assert_int_equal(shop.offline, tried);
    assert_int_equal(mqtt_inflight(shop.session), 0);
    client_close(&shop);
}

/* A name that the hosts file knows: through the thread, without a network. */
static void other_names_are_looked_up_beside_the_loop(void **state)
{
    struct world *w = *state;
    char name[256] = {0};
    struct addrinfo *found = NULL;
    if (gethostname(name, sizeof(name) - 1) != 0 || getaddrinfo(name, NULL, NULL, &found) != 0) {
        print_message("skipped: this host does not know its own name\n");
        skip();
    }
    freeaddrinfo(found);
    struct client shop;
    struct mqtt_options options = client_options(w, "shop");
    options.host = str_from(name);
    options.port = 1; /* nobody listens there */
    client_open(&shop, w, &options);
    struct err err = {0};
    assert_true(mqtt_connect(shop.session, &err));
    assert_string_equal(mqtt_state_name(shop.session), "resolving");
    mqtt_disconnect(shop.session,
                    false); /* the lookup goes on; the next attempt takes its answer */
    await_count(w, &shop.offline, 1);
    client_fail_to_connect(&shop, w);
    assert_contains(shop.why.msg, "Connection refused");
    assert_int_equal(shop.why.code, ERR_OFFLINE);
    assert_true(mqtt_connect(shop.session, &err));
    client_close(&shop); /* with a lookup under way */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(messages_go_both_ways),
        TEST(large_messages_arrive_whole),
        TEST(retained_messages_say_so),
        TEST(several_filters_are_one_subscription),
        TEST(the_window_is_a_limit),
        TEST(the_will_is_for_those_who_go_without_a_word),
        TEST(what_was_handed_over_is_flushed_before_disconnect),
        TEST(a_second_connection_resumes_the_first),
        TEST(a_broker_that_dies_is_noticed_and_found_again),
        TEST(a_frozen_broker_is_noticed_by_keepalive),
        TEST(keepalive_keeps_an_idle_connection),
        TEST(disconnect_is_bounded_by_a_frozen_broker),
        TEST(a_session_may_be_closed_from_its_callback),
        TEST(an_attempt_can_be_given_up_at_any_time),
        TEST(other_names_are_looked_up_beside_the_loop),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
