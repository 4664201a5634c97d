/* renewed_views.h - a hub that was upgraded derives its views anew when the program does it otherwise
 * than the one before: at its first start, before it serves. */
#pragma once
#include "common/db/db.h"
#include "common/platform/clock.h"
#include "hub/config/config.h"

/* hub_store_open(), and the views as this program derives them. That may take minutes once: it says in the
 * log and to the supervisor how far it is. On false, and when the process dies, nothing of them has
 * changed, and the next start begins again. */
MUST_CHECK bool renewed_store_open(struct db **ret, const char *path,
                                   const struct hub_config *config, const struct clock *clock,
                                   struct err *err);
