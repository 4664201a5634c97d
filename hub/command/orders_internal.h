/* orders_internal.h - what the files of hub/command share: the connection and its statements. */
#pragma once
#include "common/db/db.h"
#include "hub/command/orders.h"
#include "hub_command_sql.h"

struct orders {
    struct db *db;
};
/* Of the backfills that a command began on a device: bits. */
enum { BACKFILL_IS_OPEN = 1, BACKFILL_IS_BAD = 2 };
/* What a device said last comes to; FATE_COUNT when it said nothing that is known here. */
enum order_fate orders_fate_said(struct str status, int64_t backfills);
int64_t orders_ms(struct wall_time t);
struct wall_time orders_time(int64_t ms);
/* Within the caller's transaction: nothing more of it is sent. */
MUST_CHECK bool orders_stop(struct orders *o, int64_t number, struct str why, struct wall_time now,
                            struct err *err);
