/* serve.h - the running hub: broker, MQTT session, merging, enrolment, in one loop. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "hub/config/config.h"

struct serve;
/* Takes the lock of the state folder (ERR_BUSY), opens the store, starts the broker and connects to
 * it. */
MUST_CHECK bool serve_open(struct serve **ret, struct loop *loop, const struct rng *rng,
                           const struct hub_config *config, struct err *err);
/* Tells the devices that the hub goes away, commits, then stops the loop. */
void serve_shut_down(struct serve *serve);
void serve_close(struct serve *serve); /* NULL is allowed */
/* Called once, when devices can be served. */
void serve_on_ready(struct serve *serve, void (*fn)(void *ctx), void *ctx);
