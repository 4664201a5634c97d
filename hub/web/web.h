/* web.h - the hub's web process: server, accounts and endpoints put together. Started by `serve` and
 * watched by it (hub/serve/web_child.h); it reads hub.db beside the hub, so that whatever is asked of it
 * holds up no merge. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "hub/config/config.h"

struct web;
/* ERR_EXISTS: the port is taken. Logs where it listens; while there is no admin, the link that sets
 * the first password. */
MUST_CHECK bool web_open(struct web **ret, struct loop *loop, const struct rng *rng,
                         const struct hub_config *config, struct err *err);
void web_close(struct web *web); /* NULL is allowed */
