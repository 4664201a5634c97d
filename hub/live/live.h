/* live.h - server-sent events: what has changed, told as it is committed. Noticed by the database's
 * version, asked every LIVE_LOOK_MS while somebody listens; after something was told, LIVE_REST_MS later. The
 * same change of one thing within a look is told once. A listener holds a number, no queue: who is slower than all, or was away for too long, is told
 * to load again (`reset`). Never less than the truth; a change may be told twice.
 *
 * Types: device, asset, run, alert, deployment, command; `{"all":true}` when too many changed at once. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "hub/http/message.h"

enum {
    LIVE_LOOK_MS = 5,
    LIVE_REST_MS = 25,     /* what comes one after the other is told together */
    LIVE_TABLES_MS = 200,  /* what is not in the log is looked at so often at most */
    LIVE_LOG_MAX = 5000,   /* events of a look; beyond that: all */
    LIVE_TOLD_MAX = 1000,  /* things of a look; beyond that: all */
    LIVE_ROWS_MAX = 20000, /* devices, alerts, ... that are watched one by one */
    LIVE_PING_S = 15,
    LIVE_OF_USER_MAX = 64, /* listeners: others shall have room, too */
    LIVE_USER_BYTES = 80,
};

struct live;
struct live_options {
    struct loop *loop;
    const struct rng *rng;
    const char *database;
    void (*on_change)(void *ctx); /* the database is another: before listeners are told */
    void (*wake)(void *ctx);      /* there is something for streams */
    /* Asked now and then: may who showed this (a cookie's value, or a token) still listen? */
    bool (*is_welcome)(void *ctx, struct str secret, bool is_token);
    void *ctx;
};
MUST_CHECK bool live_open(struct live **ret, const struct live_options *options, struct err *err);
void live_close(struct live *live); /* NULL is allowed; streams are closed before */
/* Asks of every listener now whether it may still listen: somebody has lost a right. */
void live_ask_again(struct live *live);
struct live_asker {
    struct str user;
    struct str last;   /* the id that it had last, or empty */
    struct str secret; /* what is_welcome() is asked with */
    bool is_token;
};
/* ERR_NO_MEMORY; ERR_BUSY: LIVE_OF_USER_MAX of this user listen. */
MUST_CHECK bool live_listen(struct live *live, const struct live_asker *asker,
                            struct http_stream *ret, struct err *err);
