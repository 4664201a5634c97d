/* orders.h - commands as they stand in hub.db: given by an operator, withdrawn, listed. For command
 * lines beside a running hub, and for the desk that sends them. What devices answered is a view of
 * the log (command_answer). Tables: hub/store/migrations/0005_command.sql. One thread; a connection
 * of its own. */
#pragma once
#include "common/base/uuid.h"
#include "common/platform/rng.h"
#include "common/tls/identity.h"
#include "common/wire/command.h"

enum {
    ORDERS_OPEN_MAX = 1000, /* commands for which something may have to be sent */
    /* Of those, that fetch output, which who only reads makes the hub give: others still have room. */
    ORDERS_LOGS_OPEN_MAX = 200,
    /* The newest; older ones are forgotten once nothing is to be sent, those that fetch output after a
     * day. */
    ORDERS_KEPT_MAX = 10000,
    ORDER_DEVICES_MAX = 200000, /* of one command */
    ORDER_PART_DEVICES = 16,    /* named in one message: each device gets all of its names */
};

struct orders;
/* ERR_NOT_FOUND when there is no database: `init` makes it. */
MUST_CHECK bool orders_open(struct orders **ret, const char *database, struct err *err);
void orders_close(struct orders *o); /* NULL is allowed */

/* How it is sent out; all zero: to all at once, however many fail. */
struct order_pace {
    int64_t at_once; /* devices that work on it at a time; 0 = all */
    int64_t patience_ns;
    int64_t abort_failed;
    int64_t abort_percent; /* see hub/command/wave.h */
};
/* "failed > 3" or "failed > 2%". ERR_INVALID. */
MUST_CHECK bool order_abort_parse(struct str text, struct order_pace *pace, struct err *err);
struct order {
    struct str fleet;
    struct str targets; /* as the operator wrote them, for people */
    const struct str *devices;
    size_t device_count;
    struct str verb;
    struct str args; /* a JSON object */
    int64_t life_ns; /* from now to when it expires */
    struct order_pace pace;
    struct str given_by; /* for people; empty: the hub itself */
};
struct order_given {
    char id[UUID_TEXT_SIZE];
    int64_t devices;
    struct wall_time expires;
};
/* Signs with the private key, in parts of ORDER_PART_DEVICES, and keeps it. Arguments are checked as
 * a device would. ERR_FULL: ORDERS_OPEN_MAX, ORDERS_LOGS_OPEN_MAX. */
MUST_CHECK bool orders_give(struct orders *o, const struct rng *rng, struct str key_pem,
                            const struct order *order, struct wall_time now,
                            struct order_given *ret, struct err *err);
/* The same for what was signed elsewhere: a message whole, for the devices given, each of which it
 * names. `keys`: the public ones that are trusted. ERR_EXISTS: it, or another with its counter, was
 * given already. */
MUST_CHECK bool orders_take(struct orders *o, struct str message, struct str keys,
                            const struct order *order, struct wall_time now,
                            struct order_given *ret, struct err *err);
/* Sends it to nobody any more: *ret_unsent devices it was never sent to. ERR_NOT_FOUND; ERR_INVALID
 * when there is nothing left to withdraw. `why` may be empty. */
MUST_CHECK bool orders_withdraw(struct orders *o, struct str id, struct str why,
                                struct wall_time now, int64_t *ret_unsent, struct err *err);
/* Withdraws every open one of a verb that stands only until the next: trust. */
MUST_CHECK bool orders_withdraw_verb(struct orders *o, struct str verb, struct str why,
                                     struct wall_time now, struct err *err);

/* --- looking ---------------------------------------------------------------------------------- */

/* Also on a database that is only read: hub/store's handle. */
struct order_view {
    int64_t number;
    struct str id, verb, args, targets, key, given_by, withdrawn_why;
    int64_t counter, devices, at_once;
    struct wall_time issued, expires, given, withdrawn; /* withdrawn 0: it is not */
    bool is_open;
};
enum order_fate {
    FATE_WAITING, /* for the device, or for its turn */
    FATE_SENT,
    FATE_RECEIVED,
    FATE_STARTED,
    FATE_SUCCEEDED, /* from here on: over */
    FATE_FAILED,
    FATE_REFUSED,
    FATE_OVERDUE, /* it had its turn and did not end in time */
    FATE_EXPIRED,
    FATE_WITHDRAWN,
    FATE_COUNT
};
const char *order_fate_name(enum order_fate fate);
bool order_fate_is_over(enum order_fate fate);
struct order_device {
    struct str device;
    enum order_fate fate;
    int64_t sent;
    struct wall_time last_sent, last_seen, answered; /* 0 = never */
    bool is_online;
    struct str code, reason, run, result; /* as the device said */
};
/* Newest first. An empty `id`: all. */
MUST_CHECK bool orders_each(struct orders *o, struct str id, int64_t limit,
                            void (*on_order)(void *ctx, const struct order_view *order), void *ctx,
                            struct err *err);
struct order_filter {
    int64_t before;          /* those that were given before that number */
    struct str device, verb; /* empty: any */
    int64_t limit;
};
/* The same of those that the filter lets through. */
MUST_CHECK bool orders_each_of(struct orders *o, const struct order_filter *filter,
                               void (*on_order)(void *ctx, const struct order_view *order),
                               void *ctx, struct err *err);
MUST_CHECK bool orders_each_device(struct orders *o, const struct order_view *order,
                                   struct wall_time now,
                                   void (*on_device)(void *ctx, const struct order_device *device),
                                   void *ctx, struct err *err);
struct order_fate_count {
    enum order_fate fate;
    bool is_online;
    int64_t devices;
};
/* How many devices fared how, as orders_each_device() says of each; a fate may come several times. */
MUST_CHECK bool orders_each_fate(struct orders *o, const struct order_view *order,
                                 struct wall_time now,
                                 void (*on_fate)(void *ctx, const struct order_fate_count *row),
                                 void *ctx, struct err *err);
/* The newest command of that verb and with exactly those arguments for the device; *ret_found. */
MUST_CHECK bool orders_find_same(struct orders *o, struct str verb, struct str args,
                                 struct str device, char ret_id[UUID_TEXT_SIZE], bool *ret_found,
                                 struct err *err);
/* The id that begins like this. ERR_NOT_FOUND; ERR_INVALID when several do. */
MUST_CHECK bool orders_find(struct orders *o, struct str prefix, char ret_id[UUID_TEXT_SIZE],
                            struct err *err);
