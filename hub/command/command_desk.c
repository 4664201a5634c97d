/* command_desk.c - DESIGN: a timer runs when the courier has a device that is due. Its commands are
 * read, judged and published, and what was sent is written in one transaction a turn. What is lost
 * between (a crash, a broker) is sent again, and devices pass over what they have. Waves look at
 * what was answered a moment after each merge. */
#include "hub/command/command_desk.h"

#include "common/log/log.h"
#include "hub/command/courier.h"
#include "hub/command/orders_internal.h"
#include "hub/command/output.h"
#include "hub/command/wave.h"
#include <stdlib.h>

enum {
    DEVICES_A_TURN = 64,
    ROWS_A_DEVICE = 64, /* read at a time */
    WAVES_MAX = 64,     /* looked at in one turn; more wait for the next look */
    WAVE_STEPS_MAX = 256,
    NAME_SIZE = 64,
};
#define LOOK_AFTER_NS  (200 * NS_PER_MS)
#define WAVE_EVERY_NS  (5 * NS_PER_SEC)
#define RETRY_AFTER_NS (2 * NS_PER_SEC)

struct row {
    int64_t command, part;
    struct courier_row of;
};
struct command_desk {
    const struct desk_host *host;
    struct orders *orders;
    struct courier *courier;
    struct output *output;
    struct loop_timer pace; /* the courier has something */
    struct loop_timer look; /* waves */
    int64_t last_command;   /* the newest that was seen */
    bool is_online;
    bool is_full;    /* the session has no room: room() comes */
    bool is_failing; /* the store */
    struct row rows[ROWS_A_DEVICE];
};

static struct wall_time wall_now(const struct command_desk *d)
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
    int64_t sent;
    int64_t after;            /* the last command that was judged */
    struct wall_time again;   /* when there may be more; 0 = not before it wakes */
    bool is_stopped;          /* nothing more can be published now */
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
        db_reset(&q);
    }
    return true;
}

static bool mark(struct command_desk *d, int sql_id, const struct visit *v, const struct row *row,
                 struct err *err)
{
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
    bool may_send = d->is_online && !d->is_full && !d->is_failing;
    if (may_send && due.ns != COURIER_NEVER.ns) {
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
    for (int i = 0; i < DEVICES_A_TURN && !d->is_full; i++) {
        struct visit v = {.now = wall_now(d)};
        if (!courier_next(d->courier, now, &v.device, &v.born)) {
            break;
        }
        bool ok = (tx.db != NULL || db_tx_begin(d->orders->db, &tx, err)) &&
                  visit_device(d, &v, err);
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
    d->host->settle(d->host->ctx);
    if (visit_all(d, &err)) {
        d->is_failing = false;
        arm_pace(d);
        return;
    }
    store_failed(d, &err);
    loop_timer_arm_in(d->host->loop, &d->pace, RETRY_AFTER_NS);
    d->is_failing = false; /* tried again then */
}

/* --- waves ------------------------------------------------------------------------------------ */

struct turn {
    char device[NAME_SIZE];
    const char *name; /* of its end; NULL: it works on */
};
struct wave_row {
    int64_t number;
    char id[UUID_TEXT_SIZE];
    struct wave of;
    bool is_withdrawn;
};

static bool read_waves(struct command_desk *d, struct wave_row *rows, size_t *ret_count,
                       struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_WAVES);
    size_t count = 0;
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || count == WAVES_MAX) {
            db_reset(&q);
            break;
        }
        struct wave_row *w = &rows[count++];
        *w = (struct wave_row){.number = db_col_i64(&q, 0),
                               .of = {.devices = db_col_i64(&q, 2),
                                      .at_once = db_col_i64(&q, 3),
                                      .patience_ns = db_col_i64(&q, 4) * NS_PER_MS,
                                      .abort_failed = db_col_i64(&q, 5),
                                      .abort_percent = db_col_i64(&q, 6)},
                               .is_withdrawn = db_col_i64(&q, 7) != 0};
        struct buf id = buf_fixed(w->id, sizeof(w->id));
        buf_add(&id, db_col_str(&q, 1));
        (void)buf_cstr(&id);
    }
    *ret_count = count;
    return true;
}

static bool set_turn(struct command_desk *d, int64_t number, struct str device, const char *turn,
                     struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_TURN_SET);
    db_bind_i64(&q, ":command", number);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":turn", str_from(turn));
    db_bind_i64(&q, ":now", orders_ms(wall_now(d)));
    return db_run(&q, err);
}

/* How a device's turn has ended; NULL: not yet. */
static const char *end_of_turn(const struct wave *w, struct str answer, struct wall_time since,
                               struct wall_time now)
{
    enum command_status said;
    if (command_status_from(answer, &said) && command_status_is_end(said)) {
        return said == COMMAND_SUCCEEDED ? "succeeded" : "failed";
    }
    return wave_is_overdue(w, since, now) ? "overdue" : NULL;
}

static bool end_turns(struct command_desk *d, const struct wave_row *w, struct err *err)
{
    struct turn ended[WAVE_STEPS_MAX];
    size_t count = 0;
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_WAVE_WORKING);
    db_bind_i64(&q, ":command", w->number);
    db_bind_str(&q, ":id", str_from(w->id));
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        const char *end = !row ? NULL
                               : end_of_turn(&w->of, db_col_str(&q, 2),
                                             orders_time(db_col_i64(&q, 1)), wall_now(d));
        if (end != NULL && count < WAVE_STEPS_MAX) {
            struct turn *turn = &ended[count++];
            struct buf name = buf_fixed(turn->device, sizeof(turn->device));
            buf_add(&name, db_col_str(&q, 0));
            (void)buf_cstr(&name);
            turn->name = end;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!set_turn(d, w->number, str_from(ended[i].device), ended[i].name, err)) {
            return false;
        }
    }
    return true;
}

static bool count_turns(struct command_desk *d, struct wave_row *w, struct err *err)
{
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_WAVE_COUNTS);
    db_bind_i64(&q, ":command", w->number);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        struct str turn = row ? db_col_str(&q, 0) : STR_NONE;
        int64_t count = row ? db_col_i64(&q, 1) : 0;
        w->of.working = str_eq(turn, STR("working")) ? count : w->of.working;
        w->of.succeeded = str_eq(turn, STR("succeeded")) ? count : w->of.succeeded;
        w->of.failed = str_eq(turn, STR("failed")) ? count : w->of.failed;
        w->of.overdue = str_eq(turn, STR("overdue")) ? count : w->of.overdue;
    }
    return true;
}

static bool begin_turns(struct command_desk *d, const struct wave_row *w, struct err *err)
{
    struct turn begun[WAVE_STEPS_MAX];
    size_t count = 0;
    int64_t room = wave_room(&w->of);
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_WAVE_NEXT);
    db_bind_i64(&q, ":command", w->number);
    db_bind_i64(&q, ":room", room < WAVE_STEPS_MAX ? room : WAVE_STEPS_MAX);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row) {
            struct buf name = buf_fixed(begun[count].device, NAME_SIZE);
            buf_add(&name, db_col_str(&q, 0));
            (void)buf_cstr(&name);
            count++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!set_turn(d, w->number, str_from(begun[i].device), "working", err)) {
            return false;
        }
        courier_wake(d->courier, str_from(begun[i].device), loop_now(d->host->loop));
    }
    return true;
}

static bool look_at_wave(struct command_desk *d, struct wave_row *w, struct err *err)
{
    char text[200];
    struct buf why = buf_fixed(text, sizeof(text));
    if (!end_turns(d, w, err) || !count_turns(d, w, err)) {
        return false;
    }
    if (w->is_withdrawn) {
        return true;
    }
    if (wave_is_hopeless(&w->of, &why)) {
        LOG(WARN, "command.stopped", F_S("command", str_from(w->id)), F_S("why", buf_str(&why)),
            F_T("action", "sent to no further device"));
        return orders_stop(d->orders, w->number, buf_str(&why), wall_now(d), err);
    }
    return begin_turns(d, w, err);
}

static bool look_at_waves(struct command_desk *d, size_t *ret_count, struct err *err)
{
    static struct wave_row rows[WAVES_MAX];
    AUTO(db_tx) tx = {0};
    if (!read_waves(d, rows, ret_count, err)) {
        return false;
    }
    if (*ret_count == 0) {
        return true;
    }
    if (!db_tx_begin(d->orders->db, &tx, err)) {
        return false;
    }
    for (size_t i = 0; i < *ret_count; i++) {
        if (!look_at_wave(d, &rows[i], err)) {
            return false;
        }
    }
    return db_tx_commit(&tx, err);
}

static void on_look(void *ctx)
{
    struct command_desk *d = ctx;
    struct err err = {0};
    size_t waves = 0;
    d->host->settle(d->host->ctx);
    if (!look_at_waves(d, &waves, &err)) {
        store_failed(d, &err);
        waves = 1;
    } else {
        d->is_failing = false;
    }
    if (waves > 0) {
        loop_timer_arm_in(d->host->loop, &d->look, WAVE_EVERY_NS);
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
        db_bind_i64(&q, ":now", orders_ms(wall_now(d)));
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
    if (!courier_born(d->courier, device, loop_now(d->host->loop), wall_now(d))) {
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
    if (channel == CHANNEL_LOG && !output_take(d->output, device, payload, arena, &err)) {
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
