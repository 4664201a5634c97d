/* request.h - asking the running hub to deliver a report now. What comes of it stands in the rows of
 * deliveries (delivery_rows.h). */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"
#include "hub/config/config.h"

/* ERR_OFFLINE: no hub is running. *ret_when names the request. */
MUST_CHECK bool request_give(const struct hub_config *config, const char *database,
                             struct str report, struct wall_time *ret_when, struct err *err);
