/* serve_internal.h - what the files of the running hub share: serve.c puts it together, intake.c takes what
 * devices say, link.c speaks with the broker. */
#pragma once
#include "common/mqtt/mqtt.h"
#include "common/wire/topics.h"
#include "hub/broker/broker.h"
#include "hub/fleet/poke.h"
#include "hub/identity/fence.h"
#include "hub/merge/merge.h"
#include "hub/registry/registry.h"
#include "hub/serve/desks.h"
#include "hub/serve/gate.h"
#include "hub/serve/hub_state.h"
#include "hub/serve/keeper.h"
#include "hub/serve/serve.h"

enum { SERVE_INSTANCE_SIZE = 17 };

struct serve {
    struct loop *loop;
    const struct rng *rng;
    const struct hub_config *config;
    struct keeper keeper;
    struct db *store;
    struct merge *merge;
    struct registry *registry;
    struct fence *fence;
    struct broker *broker;
    struct mqtt_session *session;
    struct desk_host desk_host;
    struct desks *desks;
    struct poke poke;
    char database[LIMIT_PATH_BYTES + 1];
    bool wants_room; /* a desk had to be refused */
    struct loop_timer reconnect_timer;
    struct loop_timer store_timer; /* while the store fails */
    struct loop_timer held_timer;  /* says what the gates held back */
    struct gate refusals;
    struct gate enrolments;
    struct loop_task commit_task;
    struct loop_task stop_task;
    struct buf payload;
    char instance[SERVE_INSTANCE_SIZE];
    char state_topic[TOPIC_BYTES_MAX];
    struct hub_state state;
    int failures;
    bool is_session_stale; /* the next connection is made with other certificates */
    bool is_merging;       /* a transaction is open */
    bool is_store_failing;
    bool is_stopping;
    void (*on_ready)(void *ctx);
    void *ready_ctx;
};

struct wall_time serve_wall(const struct serve *s);

/* --- intake.c: a struct serve * is the ctx of all ---------------------------------------------- */

/* Ends the transaction that is open, if one is, and says its acknowledgements. */
void serve_commit(void *ctx);
void serve_retry_store(void *ctx);
/* A message of the session, whatever it is. */
void serve_take_message(void *ctx, const struct mqtt_message *message);
void serve_take_events(void *ctx, struct str device, struct str payload);
/* Whether one more may pass; else it is counted, and the count is told soon. */
bool serve_passes(struct serve *s, struct gate *gate);
void serve_say_held(void *ctx);
/* Logs and keeps that something of `peer` was turned away. */
void serve_refuse(void *ctx, struct str peer, const char *what, struct str why);

/* --- link.c ------------------------------------------------------------------------------------- */

/* The session; an earlier one is the caller's to close. */
MUST_CHECK bool serve_open_session(struct serve *s, struct err *err);
/* Begins to connect; failures are tried again. */
void serve_connect(void *ctx);
void serve_say_state(struct serve *s, bool online);
void serve_say_ack(struct serve *s, const struct merge_ack *ack);
bool serve_desk_publish(void *ctx, const struct desk_message *message, struct err *err);
