/* desk.c - DESIGN: looks every LOOK_S seconds or so, whatever happened: a fleet that floods costs no more than
 * one that is quiet. Messages are written with the alert in one transaction and deleted when they
 * were taken: at least once, across restarts. */
#include "hub/alert/desk.h"

#include "common/log/log.h"
#include "common/model/backoff.h"
#include "hub/alert/alert_sender.h"
#include <stdlib.h>

enum { LOOK_S = 15, LOOK_ARENA_BYTES = 256 << 20 };
#define LOOK_MIN_NS   NS_PER_SEC
#define RETRY_BASE_NS (5 * NS_PER_SEC)
#define RETRY_MAX_NS  (600 * NS_PER_SEC)
#define GIVE_UP_NS    (INT64_C(86400) * NS_PER_SEC)
#define SOONEST_NS    (100 * NS_PER_MS)

struct desk_state {
    const struct desk_host *host;
    struct alert_rows rows;
    struct alert_rules rules;
    struct alert_limits limits;
    struct alert_sender sender;
    struct alert_child *children[ALERT_WAYS];
    struct loop_timer look_timer;
    struct loop_timer send_timer;
};

static struct wall_time wall_now(const struct desk_state *d)
{
    return clock_wall(loop_clock(d->host->loop));
}

/* --- telling ---------------------------------------------------------------------------------- */

static void arm_sending(struct desk_state *d)
{
    struct err err = {0};
    struct wall_time soonest;
    if (!alert_rows_soonest(&d->rows, &soonest, &err)) {
        LOG(ERROR, "alert.failed", F_ERR(&err), F_T("action", "trying again"));
    } else if (soonest.ns != 0) {
        int64_t wait = soonest.ns - wall_now(d).ns;
        loop_timer_arm_in(d->host->loop, &d->send_timer, wait < SOONEST_NS ? SOONEST_NS : wait);
    }
}

static void end_message(struct desk_state *d, const struct alert_message *m, const struct err *why)
{
    struct err err = {0};
    struct wall_time now = wall_now(d);
    bool gives_up = why != NULL && now.ns - m->created.ns > GIVE_UP_NS;
    int64_t wait = reconnect_delay_ns(RETRY_BASE_NS, RETRY_MAX_NS, (int)m->attempts + 1,
                                      rng_u64(d->host->rng));
    if (why != NULL) {
        LOG(WARN, "alert.not_told", F_I("attempts", m->attempts + 1), F_ERR(why),
            F_T("action", gives_up ? "given up after a day" : "trying again"));
    }
    d->host->settle(d->host->ctx);
    bool ok = why == NULL || gives_up
                  ? alert_rows_sent(&d->rows, m->id, &err)
                  : alert_rows_later(&d->rows, m->id, (struct wall_time){now.ns + wait},
                                     str_from(why->msg), &err);
    if (!ok) {
        LOG(ERROR, "alert.failed", F_ERR(&err), F_T("action", "it may be told twice"));
    }
}

static void on_child_done(void *ctx, enum alert_way way, int64_t id, const struct err *why)
{
    struct desk_state *d = ctx;
    struct err err = {0};
    struct alert_message m;
    AUTO(arena) arena = arena_new(2 * ALERT_PAYLOAD_BYTES_MAX);
    /* The message is the one that is due still. */
    if (alert_rows_due(&d->rows, way, wall_now(d), &arena, &m, &err) && m.id == id) {
        end_message(d, &m, why);
    }
    arm_sending(d);
}

static bool publish(const struct desk_state *d, const struct alert_message *m, struct err *err)
{
    struct desk_message message = {.payload = m->payload};
    return d->host->publish(d->host->ctx, &message, err);
}

/* True when there may be another one at once. */
static bool send_one(struct desk_state *d, enum alert_way way)
{
    struct err err = {0};
    struct alert_message m;
    AUTO(arena) arena = arena_new(2 * ALERT_PAYLOAD_BYTES_MAX);
    bool is_child = way != ALERT_BY_MQTT;
    if (is_child && alert_child_is_busy(d->children[way])) {
        return false;
    }
    if (!alert_rows_due(&d->rows, way, wall_now(d), &arena, &m, &err)) {
        LOG(ERROR, "alert.failed", F_ERR(&err), F_T("action", "trying again"));
        return false;
    }
    if (m.id == 0) {
        return false;
    }
    bool ok = is_child ? alert_child_send(d->children[way], &m, &err) : publish(d, &m, &err);
    if (!ok || !is_child) {
        end_message(d, &m, ok ? NULL : &err);
    }
    return ok && !is_child;
}

static void on_send_due(void *ctx)
{
    struct desk_state *d = ctx;
    for (int way = 0; way < ALERT_WAYS; way++) {
        while (send_one(d, (enum alert_way)way)) {
        }
    }
    arm_sending(d);
}

/* --- looking ---------------------------------------------------------------------------------- */

static bool look(struct desk_state *d, struct arena *arena, struct err *err)
{
    struct alert_look found;
    struct alert_change *changes = NULL;
    size_t count = 0;
    size_t told = 0;
    bool is_cut = false;
    struct wall_time now = wall_now(d);
    if (!wall_is_set(now)) {
        return true; /* nothing is late by a clock that says nothing */
    }
    d->host->settle(d->host->ctx);
    if (!alert_rows_look(&d->rows, &d->limits, now, arena, &found, &is_cut, err) ||
        !alerts_step(&d->rules, &found, arena, &changes, &count, err) ||
        !alert_rows_write(&d->rows, &d->sender, changes, count, now, &told, err)) {
        return false;
    }
    if (told > 0 || is_cut) {
        LOG(INFO, "alert.changed", F_I("open", (int64_t)count), F_I("told", (int64_t)told),
            F_T("note", is_cut ? "more troubles than are looked at" : ""));
    }
    return true;
}

/* Who wants to hear sooner is looked for more often. */
static int64_t look_wait(const struct desk_state *d)
{
    int64_t wait = d->rules.wait_ns / 2;
    return wait < LOOK_MIN_NS           ? LOOK_MIN_NS
           : wait > LOOK_S * NS_PER_SEC ? LOOK_S * NS_PER_SEC
                                        : wait;
}

static void on_look_due(void *ctx)
{
    struct desk_state *d = ctx;
    struct err err = {0};
    AUTO(arena) arena = arena_new(LOOK_ARENA_BYTES);
    if (!look(d, &arena, &err)) {
        LOG(ERROR, "alert.failed", F_ERR(&err), F_T("action", "looking again"));
    }
    loop_timer_arm_in(d->host->loop, &d->look_timer, look_wait(d));
    arm_sending(d);
}

/* --- life ------------------------------------------------------------------------------------- */

static void close_desk(void *desk)
{
    struct desk_state *d = desk;
    loop_timer_disarm(d->host->loop, &d->look_timer);
    loop_timer_disarm(d->host->loop, &d->send_timer);
    for (int way = 0; way < ALERT_WAYS; way++) {
        alert_child_close(d->children[way]);
    }
    alert_rows_close(&d->rows);
    free(d);
}

static bool open_children(struct desk_state *d, struct err *err)
{
    for (int way = 0; way < ALERT_BY_MQTT; way++) {
        const struct alert_child_options options = {.loop = d->host->loop,
                                                    .way = (enum alert_way)way,
                                                    .config = d->host->config,
                                                    .on_done = on_child_done,
                                                    .ctx = d};
        if (!alert_child_open(&d->children[way], &options, err)) {
            return false;
        }
    }
    return true;
}

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    const struct hub_config *config = host->config;
    struct desk_state *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "alerts: out of memory");
    }
    *d = (struct desk_state){
        .host = host,
        .rules = {.wait_ns = config->alert_wait_ns,
                  .repeat_ns = config->alert_repeat_ns,
                  .group_devices = config->alert_group_devices},
        .limits = {.group_label = config->alert_group,
                   .away_ns = config->alert_away_ns,
                   .certificate_ns = config->alert_certificate_ns},
        .sender = alert_sender_of(config),
    };
    d->look_timer = (struct loop_timer){.on_due = on_look_due, .ctx = d};
    d->send_timer = (struct loop_timer){.on_due = on_send_due, .ctx = d};
    if (!alert_rows_open(&d->rows, host->database, err) || !open_children(d, err)) {
        close_desk(d);
        return false;
    }
    loop_timer_arm_in(host->loop, &d->look_timer, look_wait(d));
    *ret = d;
    return true;
}

static void on_poked(void *desk)
{
    on_look_due(desk);
}

static void on_online(void *desk)
{
    on_send_due(desk);
}

const struct desk alert_desk = {.name = "alerts",
                                .open = open_desk,
                                .close = close_desk,
                                .online = on_online,
                                .poked = on_poked,
                                .room = on_online};
