/* command_waves.c - commands that only so many devices may work on at a time; hub/command/wave.h
 * decides. Whose turn it is stands in the database, so that a restart changes nothing. */
#include "hub/command/command_desk_internal.h"

#include "common/log/log.h"
#include "hub/command/wave.h"

enum {
    WAVES_MAX = 64,  /* looked at in one turn; more wait for the next look */
    STEPS_MAX = 256, /* turns that begin or end in one look at one of them */
    NAME_SIZE = 64,
};

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
    db_bind_i64(&q, ":now", orders_ms(desk_wall_now(d)));
    return db_run(&q, err);
}

/* How a device's turn has ended; NULL: not yet. */
static const char *end_of_turn(const struct wave *w, enum order_fate said, struct wall_time since,
                               struct wall_time now)
{
    if (said != FATE_COUNT && order_fate_is_over(said)) {
        return said == FATE_SUCCEEDED ? "succeeded" : "failed";
    }
    return wave_is_overdue(w, since, now) ? "overdue" : NULL;
}

static bool end_turns(struct command_desk *d, const struct wave_row *w, bool *has_more,
                      struct err *err)
{
    struct turn ended[STEPS_MAX];
    size_t count = 0;
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_WAVE_WORKING);
    db_bind_i64(&q, ":command", w->number);
    db_bind_str(&q, ":id", str_from(w->id));
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        const char *end =
            !row ? NULL
                 : end_of_turn(&w->of, orders_fate_said(db_col_str(&q, 2), db_col_i64(&q, 3)),
                               orders_time(db_col_i64(&q, 1)), desk_wall_now(d));
        if (end != NULL && count < STEPS_MAX) {
            struct turn *turn = &ended[count++];
            struct buf name = buf_fixed(turn->device, sizeof(turn->device));
            buf_add(&name, db_col_str(&q, 0));
            (void)buf_cstr(&name);
            turn->name = end;
        }
    }
    *has_more = *has_more || count == STEPS_MAX;
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

static bool begin_turns(struct command_desk *d, const struct wave_row *w, bool *has_more,
                        struct err *err)
{
    struct turn begun[STEPS_MAX];
    size_t count = 0;
    int64_t room = wave_room(&w->of);
    struct db_query q = db_query(d->orders->db, HUB_COMMAND_WAVE_NEXT);
    db_bind_i64(&q, ":command", w->number);
    db_bind_i64(&q, ":room", room < STEPS_MAX ? room : STEPS_MAX);
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
    *has_more = *has_more || count == STEPS_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!set_turn(d, w->number, str_from(begun[i].device), "working", err)) {
            return false;
        }
        courier_wake(d->courier, str_from(begun[i].device), loop_now(d->host->loop));
    }
    return true;
}

static bool look_at_wave(struct command_desk *d, struct wave_row *w, bool *has_more,
                         struct err *err)
{
    char text[200];
    struct buf why = buf_fixed(text, sizeof(text));
    if (!end_turns(d, w, has_more, err) || !count_turns(d, w, err)) {
        return false;
    }
    if (w->is_withdrawn) {
        return true;
    }
    if (wave_is_hopeless(&w->of, &why)) {
        LOG(WARN, "command.stopped", F_S("command", str_from(w->id)), F_S("why", buf_str(&why)),
            F_T("action", "sent to no further device"));
        return orders_stop(d->orders, w->number, buf_str(&why), desk_wall_now(d), err);
    }
    return begin_turns(d, w, has_more, err);
}

bool desk_look_at_waves(struct command_desk *d, enum wave_look *ret, struct err *err)
{
    struct wave_row rows[WAVES_MAX];
    AUTO(db_tx) tx = {0};
    size_t count = 0;
    bool has_more = false;
    *ret = WAVES_NONE;
    if (!read_waves(d, rows, &count, err)) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    d->host->settle(d->host->ctx);
    if (!db_tx_begin(d->orders->db, &tx, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!look_at_wave(d, &rows[i], &has_more, err)) {
            return false;
        }
    }
    *ret = has_more ? WAVES_MORE : WAVES_OPEN;
    return db_tx_commit(&tx, err);
}
