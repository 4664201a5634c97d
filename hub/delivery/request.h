/* request.h - for command lines: asking the running hub to deliver a report now, and waiting for what
 * comes of it. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"
#include "hub/config/config.h"

/* ERR_OFFLINE: no hub is running. *ret_when names the request. */
MUST_CHECK bool request_give(const struct hub_config *config, const char *database,
                             struct str report, struct wall_time *ret_when, struct err *err);
/* Blocks. ERR_TIMEOUT; else the error with which it was not delivered. */
MUST_CHECK bool request_wait(const char *database, struct str report, struct wall_time when,
                             int64_t timeout_ns, struct err *err);
