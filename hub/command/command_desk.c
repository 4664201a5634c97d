/* command_desk.c - DESIGN: a timer runs when the courier has a device that is due. Its commands are
 * read, judged and published, and what was sent is written in one transaction a turn. What is lost
 * between (a crash, a broker) is sent again, and devices pass over what they have. Waves look at
 * what was answered a moment after each merge. */
#include "hub/command/command_desk_internal.h"

#include "common/log/log.h"
#include <stdlib.h>

enum { DEVICES_A_TURN = 64 };
#define LOOK_AFTER_NS  (200 * NS_PER_MS)
#define WAVE_EVERY_NS  (5 * NS_PER_SEC)
#define RETRY_AFTER_NS (2 * NS_PER_SEC)

struct wall_time desk_wall_now(const struct command_desk *d)
{
    return clock_wall(loop_clock(d->host->loop));
}

static void store_failed(struct command_desk *d, const struct err *err)
{
    if (!d->is_failing) {
        LOG(ERROR, "command.store_failed", F_ERR(err), F_T("action", "trying again"));
    }
    d->is_failing = true;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* One device: how far reading and judging has come. */
struct visit {
    struct str device;
    struct wall_time born;
    struct wall_time now;
    struct db_tx *tx; /* begun with the first write of a turn */
    int64_t sent;
    int64_t after;          /* the last command that was judged */
    struct wall_time again; /* when there may be more; 0 = not before it wakes */
    bool is_stopped;        /* nothing more can be published now */
};

static bool read_rows(struct command_desk *d, const struct visit *v, size_t *ret_count,
                      struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_DEVICE_ROWS);
    db_bind_str(&q, ":device", v->device);
    db_bind_i64(&q, ":after", v->after);
    db_bind_i64(&q, ":limit", ROWS_A_DEVICE);
    size_t count = 0;
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row) {
            d->rows[count++] = (struct row){.command = db_col_i64(&q, 0),
                                            .part = db_col_i64(&q, 1),
                                            .of = {.sent = db_col_i64(&q, 2),
                                                   .last_sent = orders_time(db_col_i64(&q, 3)),
                                                   .expires = orders_time(db_col_i64(&q, 4)),
                                                   .is_answered = db_col_i64(&q, 5) != 0}};
        }
    }
    *ret_count = count;
    return true;
}

static bool publish(struct command_desk *d, const struct visit *v, const struct row *row,
                    bool *ret_sent, struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_MESSAGE_GET);
    bool found = false;
    struct err why = {0};
    db_bind_i64(&q, ":command", row->command);
    db_bind_i64(&q, ":part", row->part);
    if (!db_next(&q, &found, err)) {
        return false;
    }
    *ret_sent = false;
    if (found) {
        struct desk_message message = {.device = v->device,
                                       .channel = CHANNEL_CMD,
                                       .payload = db_col_str(&q, 0),
                                       .expiry_s = courier_expiry_s(row->of.expires, v->now)};
        *ret_sent = d->host->publish(d->host->ctx, &message, &why);
        d->is_full = d->is_full || (!*ret_sent && why.code == ERR_FULL);
        d->is_online = d->is_online && (*ret_sent || why.code != ERR_OFFLINE); /* online() comes */
        db_reset(&q);
    }
    return true;
}

static bool mark(struct command_desk *d, int sql_id, const struct visit *v, const struct row *row,
                 struct err *err)
{
    if (v->tx->db == NULL) {
        d->host->settle(d->host->ctx);
        if (!db_tx_begin(d->orders->db, v->tx, err)) {
            return false;
        }
    }
    struct db_query q = db_query(d->orders->db, sql_id);
    db_bind_i64(&q, ":command", row->command);
    db_bind_str(&q, ":device", v->device);
    if (sql_id == HUB_COMMAND_DEVICE_SENT) {
        db_bind_i64(&q, ":now", orders_ms(v->now));
    }
    return db_run(&q, err);
}

static void wait_until(struct visit *v, struct wall_time due)
{
    if (v->again.ns == 0 || due.ns < v->again.ns) {
        v->again = due;
    }
}

static bool send_one(struct command_desk *d, struct visit *v, struct row *row, struct err *err)
{
    bool is_sent = false;
    if (!publish(d, v, row, &is_sent, err)) {
        return false;
    }
    if (!is_sent) {
        v->is_stopped = true;
        wait_until(v, v->now);
        return true;
    }
    v->sent++;
    row->of.sent++;
    row->of.last_sent = v->now;
    LOG(DEBUG, "command.sent", F_S("device", v->device), F_I("command", row->command),
        F_I("times", row->of.sent));
    struct wall_time due = v->now;
    if (courier_judge(&row->of, v->born, v->now, &due) == COURIER_WAIT) {
        wait_until(v, due);
    }
    return mark(d, HUB_COMMAND_DEVICE_SENT, v, row, err);
}

static bool judge_one(struct command_desk *d, struct visit *v, struct row *row, struct err *err)
{
    struct wall_time due = {0};
    switch (courier_judge(&row->of, v->born, v->now, &due)) {
    case COURIER_SEND:
        return send_one(d, v, row, err);
    case COURIER_CLOSE:
        return mark(d, HUB_COMMAND_DEVICE_CLOSE, v, row, err);
    case COURIER_WAIT:
        wait_until(v, due);
        return true;
    }
    return true;
}

static bool visit_device(struct command_desk *d, struct visit *v, struct err *err)
{
    for (size_t count = ROWS_A_DEVICE; count == ROWS_A_DEVICE;) {
        if (!read_rows(d, v, &count, err)) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (v->is_stopped || v->sent >= COMMANDS_A_LOOK) {
                wait_until(v, v->now);
                return true;
            }
            if (!judge_one(d, v, &d->rows[i], err)) {
                return false;
            }
            v->after = d->rows[i].command;
        }
    }
    return true;
}

static void arm_pace(struct command_desk *d)
{
    struct mono_time due = courier_due(d->courier);
    if (d->is_online && !d->is_full && due.ns != COURIER_NEVER.ns) {
        loop_timer_arm(d->host->loop, &d->pace, due);
    } else {
        loop_timer_disarm(d->host->loop, &d->pace);
    }
}

static struct mono_time mono_of(const struct visit *v, struct mono_time now)
{
    return v->again.ns == 0 ? COURIER_NEVER
                            : (struct mono_time){now.ns + (v->again.ns - v->now.ns)};
}

/* Visits devices that are due within one transaction; false when the store failed. */
static bool visit_all(struct command_desk *d, struct err *err)
{
    struct mono_time now = loop_now(d->host->loop);
    AUTO(db_tx) tx = {0};
    for (int i = 0; i < DEVICES_A_TURN && d->is_online && !d->is_full; i++) {
        struct visit v = {.now = desk_wall_now(d), .tx = &tx};
        if (!courier_next(d->courier, now, &v.device, &v.born)) {
            break;
        }
        bool ok = visit_device(d, &v, err);
        struct mono_time again = ok ? mono_of(&v, now) : now;
        courier_looked(d->courier, v.device, v.sent, now, again);
        if (!ok) {
            return false;
        }
    }
    return tx.db == NULL || db_tx_commit(&tx, err);
}

static void on_pace(void *ctx)
{
    struct command_desk *d = ctx;
    struct err err = {0};
    if (visit_all(d, &err)) {
        d->is_failing = false;
        arm_pace(d);
    } else {
        store_failed(d, &err);
        loop_timer_arm_in(d->host->loop, &d->pace, RETRY_AFTER_NS);
    }
}

/* --- waves ------------------------------------------------------------------------------------ */

static void on_look(void *ctx)
{
    struct command_desk *d = ctx;
    struct err err = {0};
    enum wave_look waves = WAVES_OPEN;
    if (desk_look_at_waves(d, &waves, &err)) {
        d->is_failing = false;
    } else {
        store_failed(d, &err);
    }
    if (waves != WAVES_NONE) {
        loop_timer_arm_in(d->host->loop, &d->look,
                          waves == WAVES_MORE ? LOOK_AFTER_NS : WAVE_EVERY_NS);
    }
    arm_pace(d);
}

static void look_soon(struct command_desk *d)
{
    struct mono_time due = {loop_now(d->host->loop).ns + LOOK_AFTER_NS};
    if (d->look.heap_index == 0 || d->look.due.ns > due.ns) {
        loop_timer_arm(d->host->loop, &d->look, due);
    }
}

/* --- new and old commands --------------------------------------------------------------------- */

static bool wake_all(struct command_desk *d, int64_t command, struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_ONLINE_DEVICES);
    db_bind_i64(&q, ":command", command);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row) {
            courier_wake(d->courier, db_col_str(&q, 0), loop_now(d->host->loop));
        }
    }
    return true;
}

static bool take_new(struct command_desk *d, struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_NEW_COMMANDS);
    db_bind_i64(&q, ":after", d->last_command);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row) {
            int64_t number = db_col_i64(&q, 0);
            if (db_col_i64(&q, 1) == 0 && !wake_all(d, number, err)) {
                db_reset(&q);
                return false;
            }
            d->last_command = number;
        }
    }
    return true;
}

static bool close_expired(struct command_desk *d, struct err *err)
{
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(d->orders->db, &tx, err)) {
        return false;
    }
    for (int i = 0; i < ORDERS_OPEN_MAX; i++) {
        struct db_query q = db_query(d->orders->db, HUB_COMMAND_EXPIRED);
        bool row = false;
        db_bind_i64(&q, ":now", orders_ms(desk_wall_now(d)));
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            break;
        }
        int64_t number = db_col_i64(&q, 0);
        db_reset(&q);
        struct db_query devices = db_query(d->orders->db, HUB_COMMAND_CLOSE_DEVICES);
        struct db_query command = db_query(d->orders->db, HUB_COMMAND_CLOSE_COMMAND);
        db_bind_i64(&devices, ":command", number);
        db_bind_i64(&command, ":command", number);
        if (!db_run(&devices, err) || !db_run(&command, err)) {
            return false;
        }
    }
    struct db_query finished = db_query(d->orders->db, HUB_COMMAND_FINISHED);
    return db_run(&finished, err) && db_tx_commit(&tx, err);
}

static void desk_poked(void *desk)
{
    struct command_desk *d = desk;
    struct err err = {0};
    d->host->settle(d->host->ctx);
    if (!take_new(d, &err) || !close_expired(d, &err)) {
        store_failed(d, &err);
        return;
    }
    d->is_failing = false;
    look_soon(d);
    arm_pace(d);
}

/* --- what the hub tells ----------------------------------------------------------------------- */

static void desk_online(void *desk)
{
    struct command_desk *d = desk;
    d->is_online = true;
    d->is_full = false;
    desk_poked(d);
}

static void desk_born(void *desk, struct str device, const struct message_birth *birth)
{
    struct command_desk *d = desk;
    (void)birth;
    if (!courier_born(d->courier, device, loop_now(d->host->loop), desk_wall_now(d))) {
        LOG(ERROR, "command.too_many_devices", F_S("device", device),
            F_T("action", "commands are not sent to it"));
    }
    look_soon(d);
    arm_pace(d);
}

static void desk_died(void *desk, struct str device)
{
    struct command_desk *d = desk;
    courier_died(d->courier, device);
    arm_pace(d);
}

static void desk_take(void *desk, struct str device, enum channel channel, struct str payload,
                      struct arena *arena)
{
    struct command_desk *d = desk;
    struct err err = {0};
    if (channel != CHANNEL_LOG) {
        return;
    }
    d->host->settle(d->host->ctx);
    if (!output_take(d->output, d->orders, device, payload, arena, &err)) {
        d->host->refuse(d->host->ctx, device, "log", str_from(err.msg));
    }
}

static void desk_merged(void *desk)
{
    struct command_desk *d = desk;
    if (d->look.heap_index != 0) { /* there are waves, or may be */
        look_soon(d);
    }
}

static void desk_room(void *desk)
{
    struct command_desk *d = desk;
    d->is_full = false;
    arm_pace(d);
}

/* --- life ------------------------------------------------------------------------------------- */

static void desk_close(void *desk)
{
    struct command_desk *d = desk;
    loop_timer_disarm(d->host->loop, &d->pace);
    loop_timer_disarm(d->host->loop, &d->look);
    courier_close(d->courier);
    output_close(d->output);
    orders_close(d->orders);
    free(d);
}

static bool open_parts(struct command_desk *d, struct err *err)
{
    if (!orders_open(&d->orders, d->host->database, err) ||
        !courier_open(&d->courier, COMMANDS_PER_S, err) ||
        !output_open(&d->output, d->host->config, err)) {
        return false;
    }
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_LAST_COMMAND);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    d->last_command = db_col_i64(&q, 0);
    db_reset(&q);
    return true;
}

static bool desk_open(const struct desk_host *host, void **ret, struct err *err)
{
    struct command_desk *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "commands: out of memory");
    }
    d->host = host;
    d->pace = (struct loop_timer){.on_due = on_pace, .ctx = d};
    d->look = (struct loop_timer){.on_due = on_look, .ctx = d};
    if (!open_parts(d, err)) {
        desk_close(d);
        return false;
    }
    *ret = d;
    return true;
}

const struct desk command_desk = {.name = "commands",
                                  .open = desk_open,
                                  .close = desk_close,
                                  .online = desk_online,
                                  .born = desk_born,
                                  .died = desk_died,
                                  .take = desk_take,
                                  .merged = desk_merged,
                                  .poked = desk_poked,
                                  .room = desk_room};
