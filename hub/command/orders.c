/* orders.c - giving and withdrawing commands; see orders.h. */
#include "hub/command/orders_internal.h"

#include "common/wire/signed.h"
#include "hub/store/store.h"
#include <stdlib.h>

enum { PARTS_BYTES_MAX = 256 << 20, TRIES_MAX = 5 };

bool orders_open(struct orders **ret, const char *database, struct err *err)
{
    struct orders *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open %s: out of memory", database);
    }
    if (!hub_store_open_part(&o->db, database, hub_command_sql, HUB_COMMAND_SQL_COUNT, err)) {
        orders_close(o);
        return false;
    }
    *ret = o;
    return true;
}

void orders_close(struct orders *o)
{
    if (o == NULL) {
        return;
    }
    db_close(o->db);
    free(o);
}

int64_t orders_ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

struct wall_time orders_time(int64_t ms)
{
    return (struct wall_time){ms * NS_PER_MS};
}

/* The first column of the first row; 0 without one. */
static bool number_of(struct db_query *q, int64_t *ret, bool *ret_found, struct err *err)
{
    if (!db_next(q, ret_found, err)) {
        return false;
    }
    *ret = *ret_found ? db_col_i64(q, 0) : 0;
    db_reset(q);
    return true;
}

bool order_abort_parse(struct str text, struct order_pace *pace, struct err *err)
{
    struct str rest = str_trim(text);
    int64_t number = 0;
    bool is_good = str_starts(rest, STR("failed"));
    rest = str_trim(str_slice(rest, 6, rest.len));
    is_good = is_good && str_starts(rest, STR(">"));
    rest = str_trim(str_slice(rest, 1, rest.len));
    bool is_share = str_ends(rest, STR("%"));
    rest = is_share ? str_trim(str_slice(rest, 0, rest.len - 1)) : rest;
    if (!is_good || !str_to_i64(rest, 1, is_share ? 99 : 1000000, &number)) {
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" is not like 'failed > 3' or 'failed > 2%%'",
                       STR_ARG(str_clip(text, 80)));
    }
    pace->abort_percent = is_share ? number : 0;
    pace->abort_failed = is_share ? 0 : number;
    return true;
}

/* --- giving ----------------------------------------------------------------------------------- */

static bool check_open(struct orders *o, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_OPEN_COUNT);
    int64_t open = 0;
    bool found = false;
    if (!number_of(&q, &open, &found, err)) {
        return false;
    }
    if (open < ORDERS_OPEN_MAX) {
        return true;
    }
    (void)err_set(err, ERR_FULL, "%lld commands are still on their way, as many as may be",
                  (long long)open);
    return err_hint(err, "withdraw what is not wanted any more: selvedge-hub commands cancel ID");
}

static bool check_logs_open(struct orders *o, struct str verb, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_VERB_OPEN_COUNT);
    int64_t open = 0;
    bool found = false;
    db_bind_str(&q, ":verb", verb);
    if (!number_of(&q, &open, &found, err)) {
        return false;
    }
    if (!str_eq(verb, STR("logs")) || open < ORDERS_LOGS_OPEN_MAX) {
        return true;
    }
    (void)err_set(err, ERR_FULL, "output of %lld steps is asked for already, as many as may be",
                  (long long)open);
    return err_hint(err, "devices that are away answer when they come; try again later");
}

static bool next_counter(struct orders *o, struct str key, struct wall_time now, int64_t *ret,
                         struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_COUNTER_LAST);
    int64_t last = 0;
    bool found = false;
    db_bind_str(&q, ":key", key);
    if (!number_of(&q, &last, &found, err)) {
        return false;
    }
    *ret = last + 1 > orders_ms(now) ? last + 1 : orders_ms(now);
    return true;
}

static bool add_command(struct orders *o, const struct command *c, const struct order *order,
                        struct str key, struct wall_time now, int64_t *ret_number, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_COMMAND_ADD);
    bool found = false;
    db_bind_str(&q, ":id", c->id);
    db_bind_str(&q, ":verb", c->verb);
    db_bind_opt(&q, ":args", c->args);
    db_bind_str(&q, ":targets", order->targets);
    db_bind_str(&q, ":key", key);
    db_bind_i64(&q, ":counter", c->counter);
    db_bind_i64(&q, ":issued", orders_ms(c->issued_at));
    db_bind_i64(&q, ":expires", orders_ms(c->expires_at));
    db_bind_i64(&q, ":given", orders_ms(now));
    db_bind_i64(&q, ":devices", (int64_t)order->device_count);
    db_bind_i64(&q, ":at_once", order->pace.at_once);
    db_bind_i64(&q, ":patience", order->pace.patience_ns / NS_PER_MS);
    db_bind_i64(&q, ":abort_failed", order->pace.abort_failed);
    db_bind_i64(&q, ":abort_percent", order->pace.abort_percent);
    db_bind_opt(&q, ":given_by", order->given_by);
    return number_of(&q, ret_number, &found, err);
}

static bool add_message(struct orders *o, int64_t number, int64_t part, struct str message,
                        struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_MESSAGE_ADD);
    db_bind_i64(&q, ":command", number);
    db_bind_i64(&q, ":part", part);
    db_bind_str(&q, ":message", message);
    return db_run(&q, err);
}

static bool add_device(struct orders *o, int64_t number, int64_t part, struct str device,
                       struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_DEVICE_ADD);
    db_bind_i64(&q, ":command", number);
    db_bind_i64(&q, ":part", part);
    db_bind_str(&q, ":device", device);
    return db_run(&q, err);
}

static bool forget_old(struct orders *o, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_PRUNE);
    db_bind_i64(&q, ":keep", ORDERS_KEPT_MAX);
    return db_run(&q, err);
}

static bool check_order(const struct order *order, struct err *err)
{
    if (order->device_count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "no device is meant by " STR_FMT,
                      STR_ARG(str_clip(order->targets, 200)));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    return order->device_count <= ORDER_DEVICES_MAX ||
           err_set(err, ERR_FULL, "more than %d devices", ORDER_DEVICES_MAX);
}

static bool check_args(const struct command *c, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct command_args args;
    if (command_read_args(c, &arena, &args, err)) {
        return true;
    }
    if (err->code == ERR_NOT_FOUND) {
        return err_hint(err, "the verbs: selvedge-hub command --help");
    }
    return false;
}

/* --- the signed parts: made before the database is held --- */

struct parts {
    struct buf text;
    struct arena arena;
    size_t *ends; /* in text, of each */
    size_t count;
};

static void parts_release(struct parts *p)
{
    buf_release(&p->text);
    arena_release(&p->arena);
}

static size_t part_devices(const struct order *order, size_t part)
{
    size_t left = order->device_count - part * ORDER_PART_DEVICES;
    return left < ORDER_PART_DEVICES ? left : ORDER_PART_DEVICES;
}

static bool sign_parts(const struct rng *rng, struct str key_pem, struct command *c,
                       const struct order *order, struct parts *ret, struct err *err)
{
    AUTO(buf) body = buf_growing(COMMAND_BYTES_MAX);
    ret->text = buf_growing(PARTS_BYTES_MAX);
    ret->arena = arena_new(PARTS_BYTES_MAX);
    ret->count = (order->device_count + ORDER_PART_DEVICES - 1) / ORDER_PART_DEVICES;
    ret->ends = arena_array(&ret->arena, ret->count, sizeof(*ret->ends));
    if (ret->ends == NULL) {
        return err_set(err, ERR_NO_MEMORY, "sign a command: out of memory");
    }
    for (size_t part = 0; part < ret->count; part++) {
        c->to = order->devices + part * ORDER_PART_DEVICES;
        c->to_count = part_devices(order, part);
        buf_reset(&body);
        command_encode(c, &body);
        if (body.overflow) {
            return err_set(err, ERR_FULL, "the arguments of a command have at most %d KiB",
                           COMMAND_BYTES_MAX >> 10);
        }
        if (!signed_make(rng, key_pem, buf_str(&body), &ret->text, err)) {
            return false;
        }
        ret->ends[part] = ret->text.len;
    }
    return true;
}

/* Keeps each part with the devices that it names. */
static bool add_parts(struct orders *o, const struct parts *p, int64_t number,
                      const struct order *order, struct err *err)
{
    size_t from = 0;
    for (size_t part = 0; part < p->count; part++) {
        if (!add_message(o, number, (int64_t)part,
                         str_slice(buf_str(&p->text), from, p->ends[part]), err)) {
            return false;
        }
        from = p->ends[part];
        for (size_t i = 0; i < part_devices(order, part); i++) {
            struct str device = order->devices[part * ORDER_PART_DEVICES + i];
            if (!add_device(o, number, (int64_t)part, device, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool key_id_of(const struct rng *rng, struct str key_pem, char ret[KEY_ID_SIZE],
                      struct err *err)
{
    AUTO(buf) public = buf_growing(SIGNED_KEYS_BYTES_MAX);
    return identity_public_key(rng, key_pem, &public, err) &&
           identity_key_id(buf_str(&public), ret, err);
}

/* In one transaction. *ret_is_late: somebody else has given one with its counter meanwhile. */
static bool add_given(struct orders *o, const struct command *c, const struct order *order,
                      const struct parts *parts, struct str key, bool *ret_is_late, struct err *err)
{
    int64_t number = 0;
    int64_t counter = 0;
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(o->db, &tx, err) || !check_open(o, err) ||
        !check_logs_open(o, order->verb, err) ||
        !next_counter(o, key, c->issued_at, &counter, err)) {
        return false;
    }
    *ret_is_late = counter != c->counter;
    return *ret_is_late || (add_command(o, c, order, key, c->issued_at, &number, err) &&
                            add_parts(o, parts, number, order, err) && forget_old(o, err) &&
                            db_tx_commit(&tx, err));
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six */
static bool sign_and_add(struct orders *o, const struct rng *rng, struct str key_pem,
                         struct command *c, const struct order *order, struct str key,
                         struct err *err)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        struct parts parts = {0};
        bool is_late = false;
        bool ok = next_counter(o, key, c->issued_at, &c->counter, err) &&
                  sign_parts(rng, key_pem, c, order, &parts, err) &&
                  add_given(o, c, order, &parts, key, &is_late, err);
        parts_release(&parts);
        if (!ok || !is_late) {
            return ok;
        }
    }
    return err_set(err, ERR_BUSY, "others give commands all the time; try again");
}

bool orders_give(struct orders *o, const struct rng *rng, struct str key_pem,
                 const struct order *order, struct wall_time now, struct order_given *ret,
                 struct err *err)
{
    uint8_t random[10];
    char key[KEY_ID_SIZE];
    struct order_given given = {.devices = (int64_t)order->device_count};
    rng->fill(rng->ctx, random, sizeof(random));
    uuid7_format(now, random, given.id);
    struct command c = {.fleet = order->fleet,
                        .to = order->devices,
                        .to_count = 1,
                        .id = str_from(given.id),
                        .issued_at = now,
                        .expires_at = {now.ns + order->life_ns},
                        .verb = order->verb,
                        .args = order->args};
    given.expires = c.expires_at;
    bool ok = check_order(order, err) && check_args(&c, err) && key_id_of(rng, key_pem, key, err) &&
              sign_and_add(o, rng, key_pem, &c, order, str_from(key), err);
    if (ok) {
        *ret = given;
    }
    return ok;
}

/* --- what was signed elsewhere ---------------------------------------------------------------- */

static bool refuse_known(struct orders *o, const struct command *c, struct str key, struct err *err)
{
    bool found = false;
    struct db_query by_id = db_query(o->db, HUB_COMMAND_COMMAND_FIND);
    db_bind_str(&by_id, ":id", c->id);
    int64_t number = 0;
    if (!number_of(&by_id, &number, &found, err)) {
        return false;
    }
    if (found) {
        (void)err_set(err, ERR_EXISTS, "the hub has this command already");
        return err_hint(err, "look: selvedge-hub commands " STR_FMT, STR_ARG(c->id));
    }
    struct db_query by_counter = db_query(o->db, HUB_COMMAND_COUNTER_FIND);
    db_bind_str(&by_counter, ":key", key);
    db_bind_i64(&by_counter, ":counter", c->counter);
    if (!db_next(&by_counter, &found, err)) {
        return false;
    }
    if (found) {
        (void)err_set(err, ERR_EXISTS, "command " STR_FMT " of this key has the same counter %lld",
                      STR_ARG(db_col_str(&by_counter, 0)), (long long)c->counter);
        db_reset(&by_counter);
        return err_hint(err, "sign it again with a counter that was never used");
    }
    return true;
}

/* Devices refuse keys that were issued before those in force. */
static bool refuse_overtaken(struct orders *o, const struct command *c, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_TRUST_LAST);
    int64_t last = 0;
    bool found = false;
    if (!str_eq(c->verb, STR("trust"))) {
        return true;
    }
    if (!number_of(&q, &last, &found, err)) {
        return false;
    }
    if (orders_ms(c->issued_at) >= last) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "other keys were given that were signed later");
    return err_hint(err, "sign it again");
}

static bool check_taken(const struct command *c, const struct order *order, struct wall_time now,
                        struct err *err)
{
    if (!str_eq(c->fleet, order->fleet)) {
        return err_set(err, ERR_INVALID, "signed for fleet " STR_FMT ", this is " STR_FMT,
                       STR_ARG(c->fleet), STR_ARG(order->fleet));
    }
    if (c->expires_at.ns <= now.ns) {
        char at[WALL_TEXT_SIZE];
        (void)err_set(err, ERR_INVALID, "it expired at %s", wall_format(c->expires_at, at));
        return err_hint(err, "sign it again");
    }
    for (size_t i = 0; i < order->device_count; i++) {
        if (!command_is_for(c, order->devices[i])) {
            return err_set(err, ERR_INVALID, "it does not name " STR_FMT,
                           STR_ARG(order->devices[i]));
        }
    }
    return true;
}

static bool add_taken(struct orders *o, int64_t number, struct str message,
                      const struct order *order, struct err *err)
{
    if (!add_message(o, number, 0, message, err)) {
        return false;
    }
    for (size_t i = 0; i < order->device_count; i++) {
        if (!add_device(o, number, 0, order->devices[i], err)) {
            return false;
        }
    }
    return true;
}

bool orders_take(struct orders *o, struct str message, struct str keys, const struct order *order,
                 struct wall_time now, struct order_given *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    char key[KEY_ID_SIZE];
    struct str body;
    struct command c;
    int64_t number = 0;
    if (!signed_open(message, keys, &body, key, err)) {
        return err->code != ERR_DENIED ? false
                                       : err_hint(err, "the keys that devices trust: selvedge-hub "
                                                       "key list; another: selvedge-hub key add");
    }
    AUTO(db_tx) tx = {0};
    if (!command_decode(body, &arena, &c, err) || !check_order(order, err) ||
        !check_args(&c, err) || !check_taken(&c, order, now, err) ||
        !db_tx_begin(o->db, &tx, err) || !check_open(o, err) ||
        !refuse_known(o, &c, str_from(key), err) || !refuse_overtaken(o, &c, err) ||
        !add_command(o, &c, order, str_from(key), now, &number, err) ||
        !add_taken(o, number, message, order, err) || !forget_old(o, err) ||
        !db_tx_commit(&tx, err)) {
        return false;
    }
    *ret = (struct order_given){.devices = (int64_t)order->device_count, .expires = c.expires_at};
    struct buf id = buf_fixed(ret->id, sizeof(ret->id));
    buf_add(&id, c.id);
    return buf_cstr(&id) != NULL || err_set(err, ERR_INTERNAL, "an id of another length");
}

/* --- withdrawing ------------------------------------------------------------------------------ */

static bool run_for(struct orders *o, int sql_id, int64_t number, struct err *err)
{
    struct db_query q = db_query(o->db, sql_id);
    db_bind_i64(&q, ":command", number);
    return db_run(&q, err);
}

bool orders_stop(struct orders *o, int64_t number, struct str why, struct wall_time now,
                 struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_WITHDRAW);
    struct db_query finished = db_query(o->db, HUB_COMMAND_FINISHED);
    db_bind_i64(&q, ":command", number);
    db_bind_i64(&q, ":now", orders_ms(now));
    db_bind_opt(&q, ":why", why);
    return db_run(&q, err) && run_for(o, HUB_COMMAND_CLOSE_DEVICES, number, err) &&
           db_run(&finished, err);
}

static bool find_number(struct orders *o, struct str id, int64_t *ret, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_COMMAND_COMMAND_FIND);
    bool found = false;
    db_bind_str(&q, ":id", id);
    if (!number_of(&q, ret, &found, err)) {
        return false;
    }
    if (!found) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no command " STR_FMT, STR_ARG(id));
        return err_hint(err, "list them: selvedge-hub commands");
    }
    return true;
}

bool orders_withdraw(struct orders *o, struct str id, struct str why, struct wall_time now,
                     int64_t *ret_unsent, struct err *err)
{
    int64_t number = 0;
    int64_t unsent = 0;
    bool found = false;
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(o->db, &tx, err) || !find_number(o, id, &number, err)) {
        return false;
    }
    struct db_query q = db_query(o->db, HUB_COMMAND_UNSENT_COUNT);
    db_bind_i64(&q, ":command", number);
    if (!number_of(&q, &unsent, &found, err)) {
        return false;
    }
    if (!found) {
        (void)err_set(err, ERR_INVALID,
                      "there is nothing to withdraw: every device has answered it, or it is over");
        return err_hint(err, "end the runs that it started: selvedge-hub command --to ... cancel");
    }
    if (!orders_stop(o, number, why, now, err) || !db_tx_commit(&tx, err)) {
        return false;
    }
    *ret_unsent = unsent;
    return true;
}

bool orders_withdraw_verb(struct orders *o, struct str verb, struct str why, struct wall_time now,
                          struct err *err)
{
    for (;;) {
        struct db_query q = db_query(o->db, HUB_COMMAND_VERB_OPEN);
        int64_t number = 0;
        bool found = false;
        db_bind_str(&q, ":verb", verb);
        if (!number_of(&q, &number, &found, err)) {
            return false;
        }
        AUTO(db_tx) tx = {0};
        if (!found) {
            return true;
        }
        if (!db_tx_begin(o->db, &tx, err) || !orders_stop(o, number, why, now, err) ||
            !db_tx_commit(&tx, err)) {
            return false;
        }
    }
}
