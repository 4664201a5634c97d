/* desk.c - DESIGN: decides when, lets a child do it (deliver.h), and sends by MQTT what the child made
 * for that. An attempt is written down before it begins: a database that cannot be written sends
 * nothing, and a hub that is killed again and again sends no more often than it should. */
#include "hub/delivery/desk.h"

#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "hub/config/zone.h"
#include "hub/delivery/child.h"
#include <stdlib.h>

enum {
    AT_ONCE_MAX = 4, /* children */
    ZONES_ARENA_BYTES = 16 << 20,
    ROW_BYTES_MAX = 64 << 10,
    NAMES_BYTES_MAX = 16 << 10,
};
#define LOOK_MAX_NS (60 * NS_PER_SEC) /* the wall clock may step meanwhile */
#define SOONEST_NS  (50 * NS_PER_MS)
#define FIRST_NS    NS_PER_SEC
#define RETURN_NS   (60 * NS_PER_SEC) /* that devices get to come back after the hub's start */

struct desk_state;
struct outgoing {
    struct desk_state *desk;
    const struct hub_report *settings;
    struct cron cron;
    const struct tz *tz;
    struct str schedule; /* as it is kept: "0 7 * * mon Europe/Berlin" */
    struct delivery_child *child;
    enum delivery_cause cause; /* of what the child works on */
    struct wall_time due;
};
struct desk_state {
    const struct desk_host *host;
    struct db *db;
    struct arena arena;
    struct outgoing *reports;
    size_t count;
    struct loop_timer timer;
    bool are_back; /* the devices that the hub's start cut off, or their time is over */
};

static struct wall_time wall_now(const struct desk_state *d)
{
    return clock_wall(loop_clock(d->host->loop));
}

static size_t count_busy(const struct desk_state *d)
{
    size_t busy = 0;
    for (size_t i = 0; i < d->count; i++) {
        busy += delivery_child_is_busy(d->reports[i].child);
    }
    return busy;
}

static struct delivery_key key_of(const struct outgoing *o, enum delivery_cause cause)
{
    return (struct delivery_key){o->settings->name, cause};
}

/* --- what came of it -------------------------------------------------------------------------- */

static void arm(struct desk_state *d, int64_t wait)
{
    loop_timer_arm_in(d->host->loop, &d->timer,
                      wait < SOONEST_NS    ? SOONEST_NS
                      : wait > LOOK_MAX_NS ? LOOK_MAX_NS
                                           : wait);
}

static void note_failure(struct outgoing *o, const struct err *why)
{
    struct desk_state *d = o->desk;
    struct err err = {0};
    LOG(WARN, "report.not_delivered", F_S("report", o->settings->name), F_ERR(why),
        F_T("action", o->cause == DELIVERY_ASKED ? "told who asked" : "trying again"));
    d->host->settle(d->host->ctx);
    if (!delivery_rows_fail(d->db, key_of(o, o->cause), o->due, wall_now(d), str_from(why->msg),
                            &err)) {
        LOG(ERROR, "report.failed", F_ERR(&err), F_T("action", "trying again"));
    }
}

static bool publish(const struct outgoing *o, struct str payload, struct err *err)
{
    const struct desk_host *host = o->desk->host;
    const struct desk_message message = {
        .report = o->settings->name, .payload = payload, .is_retained = true};
    return host->publish(host->ctx, &message, err);
}

/* The child wrote down the other ways itself. */
static bool finish(struct outgoing *o, struct str output, struct err *err)
{
    struct desk_state *d = o->desk;
    if (!o->settings->to.mqtt || str_is_empty(output)) {
        return true;
    }
    if (!publish(o, output, err)) {
        return false;
    }
    d->host->settle(d->host->ctx);
    return delivery_rows_settle(d->db, key_of(o, o->cause), o->due, wall_now(d), err);
}

static void on_child_done(void *ctx, const struct err *why, struct str output)
{
    struct outgoing *o = ctx;
    struct err err = {0};
    if (why == NULL && !finish(o, output, &err)) {
        why = &err;
    }
    if (why != NULL) {
        note_failure(o, why);
    } else {
        LOG(INFO, "report.delivered", F_S("report", o->settings->name),
            F_T("cause", delivery_cause_names[o->cause]));
    }
    arm(o->desk, 0);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void start_child(struct outgoing *o, enum delivery_cause cause, struct wall_time due)
{
    struct err err = {0};
    o->cause = cause;
    o->due = due;
    if (!delivery_child_start(o->child, key_of(o, cause), &err)) {
        note_failure(o, &err);
    }
}

/* Writes `now` over `was`; false: it could not, or somebody else has changed it. */
static bool put(struct outgoing *o, enum delivery_cause cause, const struct delivery_change *change)
{
    struct desk_state *d = o->desk;
    struct err err = {0};
    bool is_done = false;
    d->host->settle(d->host->ctx);
    if (!delivery_rows_put(d->db, key_of(o, cause), change, &is_done, &err)) {
        LOG(ERROR, "report.failed", F_S("report", o->settings->name), F_ERR(&err),
            F_T("action", "nothing is sent that cannot be written down; trying again"));
        return false;
    }
    return is_done;
}

static bool find(struct outgoing *o, enum delivery_cause cause, struct arena *arena,
                 struct delivery_row *ret)
{
    struct err err = {0};
    if (!delivery_rows_find(o->desk->db, key_of(o, cause), arena, ret, &err)) {
        LOG(ERROR, "report.failed", F_ERR(&err), F_T("action", "trying again"));
        return false;
    }
    return true;
}

/* What somebody asked for; true: the child is at it. */
static bool look_asked(struct outgoing *o, struct arena *arena)
{
    struct delivery_row row;
    if (!find(o, DELIVERY_ASKED, arena, &row) || row.delivery.due.ns == 0 ||
        row.delivery.attempts > 0) {
        return false;
    }
    struct delivery next = row.delivery;
    next.attempts = 1;
    const struct delivery_change change = {.schedule = STR(""), .was = &row.delivery, .is = &next};
    if (put(o, DELIVERY_ASKED, &change)) {
        start_child(o, DELIVERY_ASKED, next.due);
    }
    return delivery_child_is_busy(o->child);
}

/* When to look again. */
static struct wall_time look_scheduled(struct outgoing *o, struct arena *arena)
{
    struct desk_state *d = o->desk;
    struct wall_time now = wall_now(d);
    struct wall_time wake = {now.ns + LOOK_MAX_NS};
    struct delivery_row row;
    const struct delivery_schedule schedule = {&o->cron, o->tz};
    if (!find(o, DELIVERY_SCHEDULED, arena, &row) || !wall_is_set(now)) {
        return wake;
    }
    struct delivery next = row.delivery;
    bool is_new = !row.is_there || !str_eq(row.schedule, o->schedule);
    if (is_new) {
        next = delivery_new(now);
    }
    unsigned bits = delivery_step(&next, &schedule, now, rng_u64(d->host->rng), &wake);
    const struct delivery_change change = {
        .schedule = o->schedule,
        .was = &row.delivery,
        .is = &next,
        .given_up = {(bits & DELIVERY_GAVE_UP) != 0 ? now.ns : 0}};
    if ((bits & DELIVERY_GAVE_UP) != 0) {
        LOG(ERROR, "report.given_up", F_S("report", o->settings->name), F_S("error", row.error));
    }
    bool is_put =
        (!is_new && (bits & DELIVERY_CHANGED) == 0) || put(o, DELIVERY_SCHEDULED, &change);
    if (is_put && (bits & DELIVERY_SEND) != 0) {
        start_child(o, DELIVERY_SCHEDULED, next.due);
    }
    return is_put ? wake : (struct wall_time){now.ns + FIRST_NS};
}

static bool are_back(struct desk_state *d, struct wall_time now)
{
    struct err err = {0};
    int64_t missing = 0;
    if (!d->are_back && !delivery_rows_returning(d->db, now, RETURN_NS, &missing, &err)) {
        LOG(ERROR, "report.failed", F_ERR(&err), F_T("action", "not waiting for devices"));
    }
    d->are_back = missing == 0;
    return d->are_back;
}

static void on_due(void *ctx)
{
    struct desk_state *d = ctx;
    AUTO(arena) arena = arena_new(ROW_BYTES_MAX);
    struct wall_time now = wall_now(d);
    struct wall_time soonest = {now.ns + LOOK_MAX_NS};
    for (size_t i = 0; i < d->count; i++) {
        struct outgoing *o = &d->reports[i];
        arena_reset(&arena);
        if (delivery_child_is_busy(o->child) || count_busy(d) >= AT_ONCE_MAX ||
            look_asked(o, &arena)) {
            continue; /* its end looks again */
        }
        struct wall_time wake = {now.ns + FIRST_NS};
        if (are_back(d, now)) {
            wake = look_scheduled(o, &arena);
        }
        soonest = wake.ns < soonest.ns ? wake : soonest;
    }
    arm(d, soonest.ns - now.ns);
}

/* --- life ------------------------------------------------------------------------------------- */

static void close_desk(void *desk)
{
    struct desk_state *d = desk;
    loop_timer_disarm(d->host->loop, &d->timer);
    for (size_t i = 0; d->reports != NULL && i < d->count; i++) {
        delivery_child_close(d->reports[i].child);
    }
    db_close(d->db);
    arena_release(&d->arena);
    free(d);
}

static bool open_report(struct desk_state *d, struct outgoing *o, const struct hub_report *settings,
                        struct err *err)
{
    const struct delivery_child_options options = {
        .loop = d->host->loop, .config = d->host->config, .on_done = on_child_done, .ctx = o};
    o->desk = d;
    o->settings = settings;
    o->schedule = arena_printf(&d->arena, STR_FMT " " STR_FMT, STR_ARG(settings->cron),
                               STR_ARG(settings->timezone));
    return cron_parse(settings->cron, &o->cron, err) &&
           zone_load(settings->timezone, &d->arena, &o->tz, err) &&
           delivery_child_open(&o->child, &options, err);
}

static bool open_reports(struct desk_state *d, struct err *err)
{
    const struct hub_report *all = d->host->config->reports.items;
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    struct json_writer w = json_writer(&names);
    size_t count = d->host->config->reports.count;
    d->reports = arena_array(&d->arena, count + 1, sizeof(*d->reports));
    if (d->reports == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports: out of memory");
    }
    jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        d->count = i + 1;
        if (!open_report(d, &d->reports[i], &all[i], err)) {
            return err_wrap(err, "report " STR_FMT, STR_ARG(all[i].name));
        }
        jw_str(&w, all[i].name);
    }
    jw_end_array(&w);
    return delivery_rows_begin(d->db, buf_str(&names), wall_now(d), err);
}

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct desk_state *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports: out of memory");
    }
    *d = (struct desk_state){.host = host, .arena = arena_new(ZONES_ARENA_BYTES)};
    d->timer = (struct loop_timer){.on_due = on_due, .ctx = d};
    if (!delivery_rows_open(&d->db, host->database, err) || !open_reports(d, err)) {
        close_desk(d);
        return false;
    }
    if (d->count > 0) {
        arm(d, FIRST_NS);
    }
    *ret = d;
    return true;
}

static void on_poked(void *desk)
{
    struct desk_state *d = desk;
    if (d->count > 0) {
        on_due(d);
    }
}

const struct desk delivery_desk = {
    .name = "reports", .open = open_desk, .close = close_desk, .poked = on_poked};
