/* deliver.h - delivers one report that is due: what `selvedge-hub report-send` does, as a child of the
 * hub, which waits for nothing meanwhile. DESIGN: the child itself writes down that it has delivered,
 * and holds a lock while it works. So a hub that is killed meanwhile delivers no second time; only
 * when the child is killed as well, between the receiver's word and the database, is it sent again:
 * at least once, with the same Message-ID or file name. */
#pragma once
#include "common/base/err.h"
#include "hub/config/config.h"
#include "hub/delivery/delivery_rows.h"

/* `output_fd` gets what goes out by MQTT, which only the hub can send and which it writes down then.
 * Nothing is due any more: true. */
MUST_CHECK bool deliver(const struct hub_config *config, const char *database,
                        struct delivery_key key, int output_fd, struct err *err);
