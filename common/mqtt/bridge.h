/* bridge.h - the pump between libmosquitto's UNIX socket and the wire to the broker. Two directions,
 * one buffer each, and no more in memory: what one side does not take is not read from the other. */
#pragma once
#include "common/mqtt/framing.h"
#include "common/mqtt/wire.h"
#include "common/platform/loop.h"

struct bridge;
struct bridge_options {
    struct loop *loop;
    struct wire wire;
    int local_fd;            /* our end of the UNIX socket; the bridge's once open */
    size_t packet_bytes_max; /* from the broker */
    /* Nothing more comes from the broker, and why; what came before was delivered. The library is
     * about to see the end. */
    void (*on_remote_end)(void *ctx, const struct err *why);
    /* The library closed its end; all that it wrote was sent, close_notify too, and the broker
     * closed in answer. */
    void (*on_flushed)(void *ctx);
    void *ctx;
};
MUST_CHECK bool bridge_open(struct bridge **ret, const struct bridge_options *options,
                            struct err *err);
void bridge_close(struct bridge *bridge); /* NULL is allowed */
/* When bytes last moved in the direction that is longer silent: from here the keepalive counts. */
struct mono_time bridge_silent_since(const struct bridge *bridge);
