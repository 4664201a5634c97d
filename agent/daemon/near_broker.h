/* near_broker.h - a connection to a broker that is a resource of the definitions: without TLS, to
 * listen only. */
#pragma once
#include "agent/definitions/definitions.h"
#include "common/mqtt/mqtt.h"

enum { NEAR_BROKER_PAYLOAD_MAX = 64 << 10 /* larger messages do not come */ };

struct near_broker {
    struct loop *loop;
    const struct rng *rng;
    const struct resource *resource;
    const struct env_lookup *env;
    struct str client_id;
    struct str socket_dir;
    struct mqtt_handlers handlers;
};
/* Begins to connect, with what the resource's texts are now: a session that is there goes on when
 * nothing of them changed, else it is replaced. `digest` is what it was opened with. */
MUST_CHECK bool near_broker_connect(const struct near_broker *broker, struct mqtt_session **session,
                                    uint64_t *digest, struct err *err);
