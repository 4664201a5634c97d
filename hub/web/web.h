/* web.h - the hub's web process: server, accounts and endpoints put together. Started by `serve` and
 * watched by it (hub/serve/web_child.h); it reads hub.db beside the hub, so that whatever is asked of it
 * holds up no merge. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "hub/config/config.h"

struct web;
#define WEB_SOCKET "api.sock" /* in the state folder: for the command line of this machine */
/* ERR_EXISTS: the port or the socket is taken. Logs where it listens, on the socket alone with `http: off`; while there is no admin, the link that sets
 * the first password. */
MUST_CHECK bool web_open(struct web **ret, struct loop *loop, const struct rng *rng,
                         const struct hub_config *config, struct err *err);
void web_close(struct web *web); /* NULL is allowed */
