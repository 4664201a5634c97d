/* mqtt_fixture.h - a broker, a loop and sessions whose callbacks are written down. */
#pragma once
#include "common/mqtt/mqtt.h"
#include "tests/support/test_broker.h"

struct world {
    struct test_broker broker;
    struct test_identity identity; /* "shop-1" */
    struct rng rng;
    struct loop *loop;
    int64_t wall_offset_ns; /* how wrong the clock of the sessions is */
    char socket_dir[TEST_BROKER_PATH_SIZE];
};
/* One broker for all tests of a program; a loop for each test. As cmocka set-ups and tear-downs. */
int world_open(void **state);
int world_close(void **state);
int world_begin(void **state); /* the broker runs afterwards */
int world_end(void **state);

struct client {
    struct mqtt_session *session;
    int online, offline, published, subscribed, messages;
    bool resumed; /* of the last on_online */
    bool has_why; /* of the last on_offline */
    struct err why;
    struct err publish_why; /* of the last on_published; code ERR_NONE = accepted */
    struct err subscribe_why;
    struct mqtt_message last; /* topic is not kept */
    char topic[128];
    struct buf payload; /* of the last message */
    struct str echo_to; /* answer each message on this topic; empty = do not */
    bool close_on_message;
};
/* Valid options for this world's broker. */
struct mqtt_options client_options(const struct world *w, const char *client_id);
/* The same without TLS, as the user "reader". */
struct mqtt_options bare_options(const struct world *w, const char *client_id);
/* `c` is zeroed and opened; it must not move. */
void client_open(struct client *c, struct world *w, const struct mqtt_options *options);
void client_close(struct client *c);
/* Each turns the loop until it happened (fails the test after 20 s). */
void client_connect(struct client *c, struct world *w);         /* and is online */
void client_fail_to_connect(struct client *c, struct world *w); /* and has c->why */
void client_disconnect(struct client *c, struct world *w);      /* in order */
void client_subscribe(struct client *c, struct world *w, const char *filter);
void client_publish(struct client *c, struct world *w, const char *topic, struct str payload);
void await_count(struct world *w, const int *counter, int at_least);
/* Fails the test unless `text` contains `part`. */
void assert_contains(const char *text, const char *part);
