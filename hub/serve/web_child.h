/* web_child.h - the web process as the hub's child: `selvedge-hub web`, started again when it ends. It
 * ends with the hub, and never ends the hub. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "hub/config/config.h"

struct web_child;
/* Starts it soon; *ret is NULL when the settings want none. `settings_file` may be missing; both stay. */
MUST_CHECK bool web_child_start(struct web_child **ret, struct loop *loop, const struct rng *rng,
                                const struct hub_config *config, const char *settings_file,
                                struct err *err);
void web_child_stop(struct web_child *child); /* NULL is allowed */
