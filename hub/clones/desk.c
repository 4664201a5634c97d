/* desk.c - what is found is written to the table cut_off, which hub/merge obeys; see clones.h. */
#include "hub/clones/desk.h"

#include "common/log/log.h"
#include "hub/clones/clones.h"
#include "hub/store/store.h"
#include "hub_store_sql.h"
#include <stdlib.h>

enum { REMEMBERED_BYTES_MAX = 64 << 20 /* some 200,000 devices */ };

struct desk_state {
    const struct desk_host *host;
    struct clones *clones;
    struct db *db;
};

static void close_desk(void *desk)
{
    struct desk_state *d = desk;
    clones_free(d->clones);
    db_close(d->db);
    free(d);
}

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct desk_state *d = calloc(1, sizeof(*d));
    const struct hub_store_options options = {.path = host->database, .flags = DB_NO_CHECK};
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    d->host = host;
    d->clones = clones_new(REMEMBERED_BYTES_MAX);
    bool ok = d->clones != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
    if (!ok || !hub_store_open(&d->db, &options, err)) {
        close_desk(d);
        return false;
    }
    *ret = d;
    return true;
}

static struct wall_time wall_now(const struct desk_state *d)
{
    return clock_wall(loop_clock(d->host->loop));
}

static void add_why(struct buf *out, const struct clone_pair *pair)
{
    char older[WALL_TEXT_SIZE];
    char newer[WALL_TEXT_SIZE];
    buf_addf(out,
             "two hosts use this device's identity: database %s, known since %s, and %s, since %s; "
             "the newer one is not listened to",
             pair->older, wall_format(pair->older_seen, older), pair->newer,
             wall_format(pair->newer_seen, newer));
}

static void cut_off(struct desk_state *d, struct str device, const struct clone_pair *pair)
{
    struct err err = {0};
    char memory[512];
    struct buf why = buf_fixed(memory, sizeof(memory));
    if (str_eq(str_from(pair->older), str_from(pair->newer))) {
        d->host->refuse(d->host->ctx, device, "clone",
                        STR("two hosts use this device's identity, and the same database: the one "
                            "that the log contradicts will begin a new epoch"));
        return;
    }
    add_why(&why, pair);
    d->host->refuse(d->host->ctx, device, "clone", buf_str(&why));
    d->host->settle(d->host->ctx);
    struct db_query q = db_query(d->db, HUB_STORE_CUT_OFF_SET);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":epoch", str_from(pair->newer));
    db_bind_i64(&q, ":at", wall_now(d).ns / NS_PER_MS);
    db_bind_str(&q, ":why", buf_str(&why));
    if (!db_run(&q, &err)) {
        LOG(ERROR, "clone.not_cut_off", F_S("device", device), F_ERR(&err),
            F_T("action", "it is found again"));
        return;
    }
    LOG(ERROR, "clone.cut_off", F_S("device", device), F_T("epoch", pair->newer),
        F_T("action", "keeping the older one; see: selvedge-hub clones"));
    d->host->look_again(d->host->ctx);
}

static void on_born(void *desk, struct str device, const struct message_birth *birth)
{
    struct desk_state *d = desk;
    struct clone_pair pair;
    if (clones_born(d->clones, device, birth, wall_now(d), &pair)) {
        cut_off(d, device, &pair);
    }
}

static void on_heard(void *desk, struct str device, const char *epoch)
{
    struct desk_state *d = desk;
    struct clone_pair pair;
    if (clones_heard(d->clones, device, epoch, wall_now(d), &pair)) {
        cut_off(d, device, &pair);
    }
}

static void on_poked(void *desk)
{
    struct desk_state *d = desk;
    d->host->look_again(d->host->ctx); /* somebody may be listened to again */
}

const struct desk clones_desk = {.name = "clones",
                                 .open = open_desk,
                                 .close = close_desk,
                                 .born = on_born,
                                 .heard = on_heard,
                                 .poked = on_poked};
