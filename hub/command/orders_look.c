/* orders_look.c - commands and what became of them; see orders.h. */
#include "hub/command/orders_internal.h"

static const char *const fate_names[FATE_COUNT] = {"waiting",   "sent",     "received", "started",
                                                   "succeeded", "failed",   "refused",  "overdue",
                                                   "expired",   "withdrawn"};

const char *order_fate_name(enum order_fate fate)
{
    return fate_names[fate];
}

bool order_fate_is_over(enum order_fate fate)
{
    return fate >= FATE_SUCCEEDED;
}

static bool each(struct db_query q, int64_t limit,
                 void (*on_order)(void *ctx, const struct order_view *order), void *ctx,
                 struct err *err)
{
    db_bind_i64(&q, ":limit", limit);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct order_view view = {.number = db_col_i64(&q, 0),
                                  .id = db_col_str(&q, 1),
                                  .verb = db_col_str(&q, 2),
                                  .args = db_col_str(&q, 3),
                                  .targets = db_col_str(&q, 4),
                                  .key = db_col_str(&q, 5),
                                  .counter = db_col_i64(&q, 6),
                                  .issued = orders_time(db_col_i64(&q, 7)),
                                  .expires = orders_time(db_col_i64(&q, 8)),
                                  .given = orders_time(db_col_i64(&q, 9)),
                                  .devices = db_col_i64(&q, 10),
                                  .at_once = db_col_i64(&q, 11),
                                  .withdrawn = orders_time(db_col_i64(&q, 13)),
                                  .withdrawn_why = db_col_str(&q, 14),
                                  .is_open = db_col_i64(&q, 15) != 0,
                                  .given_by = db_col_str(&q, 16)};
        on_order(ctx, &view);
    }
    return ok;
}

bool orders_each(struct orders *o, struct str id, int64_t limit,
                 void (*on_order)(void *ctx, const struct order_view *order), void *ctx,
                 struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_LIST_COMMANDS);
    db_bind_opt(&q, ":id", id);
    return each(q, limit, on_order, ctx, err);
}

bool orders_each_of(struct orders *o, const struct order_filter *filter,
                    void (*on_order)(void *ctx, const struct order_view *order), void *ctx,
                    struct err *err)
{
    bool is_of_device = !str_is_empty(filter->device);
    struct db_query q = db_query(o->db, is_of_device ? HUB_COMMAND_LIST_COMMANDS_OF_DEVICE
                                                     : HUB_COMMAND_LIST_COMMANDS);
    if (is_of_device) {
        db_bind_str(&q, ":device", filter->device);
    }
    db_bind_i64(&q, ":before", filter->before);
    db_bind_opt(&q, ":verb", filter->verb);
    return each(q, filter->limit, on_order, ctx, err);
}

enum order_fate orders_fate_said(struct str status, int64_t backfills)
{
    static const enum order_fate fates[COMMAND_STATUS_COUNT] = {
        [COMMAND_RECEIVED] = FATE_RECEIVED,
        [COMMAND_REFUSED] = FATE_REFUSED,
        [COMMAND_STARTED] = FATE_STARTED,
        [COMMAND_SUCCEEDED] = FATE_SUCCEEDED,
        [COMMAND_STATUS_FAILED] = FATE_FAILED};
    enum command_status said;
    if (!command_status_from(status, &said)) {
        return FATE_COUNT;
    }
    if (said == COMMAND_SUCCEEDED && (backfills & BACKFILL_IS_OPEN) != 0) {
        return FATE_STARTED; /* it was begun: that is all that the device was asked for */
    }
    return said == COMMAND_SUCCEEDED && (backfills & BACKFILL_IS_BAD) != 0 ? FATE_FAILED
                                                                           : fates[said];
}

struct facts {
    enum order_fate said;
    struct str turn;
    int64_t sent;
};

static enum order_fate fate_of(const struct order_view *order, const struct facts *facts,
                               struct wall_time now)
{
    enum order_fate said = facts->said;
    if (said != FATE_COUNT && order_fate_is_over(said)) {
        return said;
    }
    if (str_eq(facts->turn, STR("overdue"))) {
        return FATE_OVERDUE;
    }
    if (said != FATE_COUNT) {
        return said;
    }
    if (order->withdrawn.ns != 0) {
        return FATE_WITHDRAWN;
    }
    if (order->expires.ns <= now.ns) {
        return FATE_EXPIRED;
    }
    return facts->sent > 0 ? FATE_SENT : FATE_WAITING;
}

bool orders_each_device(struct orders *o, const struct order_view *order, struct wall_time now,
                        void (*on_device)(void *ctx, const struct order_device *device), void *ctx,
                        struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_LIST_DEVICES);
    db_bind_i64(&q, ":command", order->number);
    db_bind_str(&q, ":id", order->id);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct order_device device = {.device = db_col_str(&q, 0),
                                      .sent = db_col_i64(&q, 1),
                                      .last_sent = orders_time(db_col_i64(&q, 2)),
                                      .is_online = db_col_i64(&q, 4) != 0,
                                      .last_seen = orders_time(db_col_i64(&q, 5)),
                                      .code = db_col_str(&q, 7),
                                      .reason = db_col_str(&q, 8),
                                      .run = db_col_str(&q, 9),
                                      .result = db_col_str(&q, 10),
                                      .answered = orders_time(db_col_i64(&q, 11))};
        struct facts facts = {.said = orders_fate_said(db_col_str(&q, 6), db_col_i64(&q, 12)),
                              .turn = db_col_str(&q, 3),
                              .sent = device.sent};
        device.fate = fate_of(order, &facts, now);
        on_device(ctx, &device);
    }
    return ok;
}

static bool has_backfills(struct orders *o, struct str id, bool *ret, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_HAS_BACKFILLS);
    bool row = false;
    db_bind_str(&q, ":id", id);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = row && db_col_i64(&q, 0) != 0;
    db_reset(&q);
    return true;
}

bool orders_each_fate(struct orders *o, const struct order_view *order, struct wall_time now,
                      void (*on_fate)(void *ctx, const struct order_fate_count *row), void *ctx,
                      struct err *err)
{
    bool begins_backfills = false;
    if (!has_backfills(o, order->id, &begins_backfills, err)) {
        return false;
    }
    struct db_query q = db_query(o->db, HUB_COMMAND_COUNT_DEVICES);
    db_bind_i64(&q, ":command", order->number);
    db_bind_str(&q, ":id", order->id);
    db_bind_i64(&q, ":has_backfills", begins_backfills);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct facts facts = {.said = orders_fate_said(db_col_str(&q, 0), db_col_i64(&q, 4)),
                                    .turn = db_col_str(&q, 1),
                                    .sent = db_col_i64(&q, 2)};
        const struct order_fate_count row = {.fate = fate_of(order, &facts, now),
                                             .is_online = db_col_i64(&q, 3) != 0,
                                             .devices = db_col_i64(&q, 5)};
        on_fate(ctx, &row);
    }
    return ok;
}

bool orders_find(struct orders *o, struct str prefix, char ret_id[UUID_TEXT_SIZE], struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_COMMAND_LIKE);
    int found = 0;
    db_bind_str(&q, ":prefix", prefix);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row && found++ == 0) {
            struct buf id = buf_fixed(ret_id, UUID_TEXT_SIZE);
            buf_add(&id, db_col_str(&q, 0));
            (void)buf_cstr(&id);
        }
    }
    if (found == 1) {
        return true;
    }
    if (found == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no command " STR_FMT, STR_ARG(prefix));
        return err_hint(err, "list them: selvedge-hub commands");
    }
    return err_set(err, ERR_INVALID, "several commands begin with " STR_FMT "; give more of the id",
                   STR_ARG(prefix));
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six */
bool orders_find_same(struct orders *o, struct str verb, struct str args, struct str device,
                      char ret_id[UUID_TEXT_SIZE], bool *ret_found, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_SAME_COMMAND);
    db_bind_str(&q, ":verb", verb);
    db_bind_str(&q, ":args", args);
    db_bind_str(&q, ":device", device);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        struct buf id = buf_fixed(ret_id, UUID_TEXT_SIZE);
        buf_add(&id, db_col_str(&q, 0));
        (void)buf_cstr(&id);
        db_reset(&q);
    }
    return true;
}
