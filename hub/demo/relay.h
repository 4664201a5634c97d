/* relay.h - a network between one shop and the hub that can be cut: a TCP relay on loopback, in the
 * demo's loop. */
#pragma once
#include "common/base/err.h"
#include "common/platform/loop.h"

struct relay;
/* Listens on a free port of 127.0.0.1 and carries bytes to `to_port` there. A few connections at a
 * time. */
MUST_CHECK bool relay_open(struct relay **ret, struct loop *loop, int to_port, struct err *err);
void relay_close(struct relay *relay); /* NULL is allowed */
int relay_port(const struct relay *relay);
/* Cut: open connections break, new ones are refused. */
void relay_cut(struct relay *relay, bool is_cut);

/* A port of 127.0.0.1 that is free now. */
MUST_CHECK bool free_port(int *ret, struct err *err);
