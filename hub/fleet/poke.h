/* poke.h - a command line that has written to the database says so to the running hub. What is lost
 * of it costs time only: the hub looks by itself every POKE_LOOK_S seconds. */
#pragma once
#include "common/platform/loop.h"
#include "hub/config/config.h"

enum { POKE_LOOK_S = 30 };

struct poke {
    struct loop *loop;
    struct loop_fd source;
    struct loop_timer timer;
    void (*on_poke)(void *ctx);
    void *ctx;
};
/* Zeroed at first. The socket is <state_dir>/hub.sock, the owner's alone. */
MUST_CHECK bool poke_listen(struct poke *poke, struct loop *loop, const struct hub_config *config,
                            void (*on_poke)(void *ctx), void *ctx, struct err *err);
void poke_close(struct poke *poke); /* idempotent */
/* False: no hub is running here, which need be no error. */
bool poke_send(const struct hub_config *config);
