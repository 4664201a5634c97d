#include "hub/desired/desired_desk.h"

#include "common/log/log.h"
#include "common/wire/signed.h"
#include "hub/desired/layers.h"
#include "hub/fleet/each_target.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 500 a second: what a broker and 10,000 devices take without hurry. Signing one takes a
 * millisecond. */
#define PACE_NS   (50 * NS_PER_MS)
#define SOON_NS   NS_PER_SEC       /* births that need another revision come in crowds */
#define AGAIN_NS  (5 * NS_PER_SEC) /* after an error */
#define NO_CHANGE INT64_MIN

enum {
    SENT_AT_ONCE = 25,
    LAYERS_ARENA_BYTES = 64 << 20,
    WORK_ARENA_BYTES = 16 << 20,
    NAME_SIZE = LIMIT_NAME_BYTES + 1,
};

struct desk_of_desired {
    const struct desk_host *host;
    struct desired_rows *rows;
    struct loop_timer compose_timer;
    struct loop_timer send_timer;
    int64_t composed; /* desired_changes() of what was put together; NO_CHANGE = it is to be anew */
    char after[NAME_SIZE]; /* of the devices that are being sent to, the last */
    bool is_online;
};

static struct wall_time wall_now(const struct desk_of_desired *d)
{
    return clock_wall(loop_clock(d->host->loop));
}

static bool has_key(const struct desk_of_desired *d)
{
    return !str_is_empty(d->host->authority->command_key);
}

/* --- putting together --------------------------------------------------------------------------- */

struct pass {
    struct desk_of_desired *d;
    struct layers layers;
    struct arena work; /* of one device */
    size_t issued;
    struct err err;
};

static bool issue(struct pass *p, struct desired_row *row, struct composed *c, struct err *err)
{
    const struct hub_config *config = p->d->host->config;
    const struct desired body = {.fleet = config->fleet,
                                 .device = row->device,
                                 .revision = standing_next_revision(row),
                                 .issued_at = wall_now(p->d),
                                 .content = c->content};
    AUTO(buf) text = buf_growing(2 * DESIRED_BYTES_MAX);
    char hash[DESIRED_HASH_SIZE];
    desired_encode(&body, &text);
    if (text.overflow) {
        return err_set(err, ERR_FULL, "what is wanted of " STR_FMT " is too large",
                       STR_ARG(row->device));
    }
    desired_hash(buf_str(&text), hash);
    row->revision = body.revision;
    row->content_hash = str_from(c->hash);
    row->body = buf_str(&text);
    row->hash = str_from(hash);
    row->conflicts = c->conflicts;
    p->issued++;
    LOG(DEBUG, "desired.issued", F_S("device", row->device), F_I("revision", row->revision),
        F_S("conflicts", c->conflicts));
    return desired_issue(p->d->rows, row, body.issued_at, err);
}

static bool compose_device(struct pass *p, const struct target_device *device, struct err *err)
{
    struct desired_row row;
    struct composed c;
    struct str bundle;
    if (!desired_bundle(p->d->rows, device->name, &p->work, &bundle, err) ||
        !compose(p->layers.items, p->layers.count, device, bundle, &p->work, &c, err) ||
        !desired_of(p->d->rows, device->name, &p->work, &row, err)) {
        return false;
    }
    bool is_meant = c.layers > 0 || bundle.ptr != NULL;
    if (!standing_needs_issue(&row, c.hash, is_meant)) {
        return true;
    }
    if (!str_is_empty(c.problem)) {
        LOG(ERROR, "desired.too_much", F_S("device", device->name), F_S("error", c.problem),
            F_T("action", "the revision before stays"));
        return true;
    }
    return issue(p, &row, &c, err);
}

static void on_device(void *ctx, const struct target_device *device)
{
    struct pass *p = ctx;
    if (p->err.code == ERR_NONE) {
        (void)compose_device(p, device, &p->err);
        arena_reset(&p->work);
    }
}

static bool compose_devices(struct pass *p, struct arena *arena, struct err *err)
{
    struct targets *all = NULL;
    if (!layers_read(p->d->rows, arena, &p->layers, err) ||
        !targets_parse(STR("*"), arena, &all, err) ||
        !registry_each_target(p->d->host->registry, all, on_device, p, err)) {
        return false;
    }
    if (p->err.code != ERR_NONE) {
        *err = p->err;
        return false;
    }
    return true;
}

static void send_soon(struct desk_of_desired *d)
{
    if (d->is_online) {
        d->after[0] = '\0';
        loop_timer_arm_in(d->host->loop, &d->send_timer, 0);
    }
}

static bool compose_all(struct desk_of_desired *d, int64_t changes, struct err *err)
{
    AUTO(arena) arena = arena_new(LAYERS_ARENA_BYTES);
    struct pass p = {.d = d, .work = arena_new(WORK_ARENA_BYTES)};
    d->host->settle(d->host->ctx);
    bool ok = desired_rows_begin(d->rows, err) && compose_devices(&p, &arena, err) &&
              desired_rows_keep(d->rows, err);
    desired_rows_drop(d->rows);
    arena_release(&p.work);
    if (ok) {
        d->composed = changes;
        if (p.issued > 0) {
            LOG(INFO, "desired.put_together", F_I("devices_changed", p.issued));
            send_soon(d);
        }
    }
    return ok;
}

static void on_compose(void *ctx)
{
    struct desk_of_desired *d = ctx;
    int64_t changes = 0;
    struct err err = {0};
    if (!desired_changes(d->rows, &changes, &err) ||
        (changes != d->composed && !compose_all(d, changes, &err))) {
        LOG(ERROR, "desired.not_put_together", F_ERR(&err), F_T("action", "trying again"));
        loop_timer_arm_in(d->host->loop, &d->compose_timer, AGAIN_NS);
    }
}

static void compose_soon(struct desk_of_desired *d)
{
    d->composed = NO_CHANGE;
    if (d->compose_timer.heap_index == 0) { /* not armed */
        loop_timer_arm_in(d->host->loop, &d->compose_timer, SOON_NS);
    }
}

/* --- sending ------------------------------------------------------------------------------------ */

static bool sign(struct desk_of_desired *d, struct desired_unsent *unsent, struct arena *arena,
                 struct err *err)
{
    AUTO(buf) message = buf_growing(2 * DESIRED_BYTES_MAX);
    if (!signed_make(d->host->rng, d->host->authority->command_key, unsent->body, &message, err) ||
        !desired_sign(d->rows, unsent->device, unsent->body, buf_str(&message), err)) {
        return false;
    }
    unsent->message = arena_copy(arena, buf_str(&message));
    return unsent->message.ptr != NULL || err_set(err, ERR_NO_MEMORY, "sign: out of memory");
}

static bool publish(struct desk_of_desired *d, const struct desired_unsent *unsent, struct err *err)
{
    const struct desk_message message = {.device = unsent->device,
                                         .channel = CHANNEL_DESIRED,
                                         .payload = unsent->message,
                                         .is_retained = true};
    return d->host->publish(d->host->ctx, &message, err);
}

/* One device; *ret_more false: there is no other. */
static bool send_one(struct desk_of_desired *d, struct arena *arena, bool *ret_more,
                     struct err *err)
{
    struct desired_unsent unsent;
    if (!desired_next_unsent(d->rows, str_from(d->after), has_key(d), arena, &unsent, ret_more,
                             err)) {
        return false;
    }
    if (!*ret_more) {
        return true;
    }
    if (str_is_empty(unsent.message) && !sign(d, &unsent, arena, err)) {
        return false;
    }
    if (!publish(d, &unsent, err) ||
        !desired_sent(d->rows, unsent.device, unsent.revision, wall_now(d), err)) {
        return false;
    }
    (void)snprintf(d->after, sizeof(d->after), STR_FMT, STR_ARG(unsent.device));
    return true;
}

/* Up to so many in one transaction, which is kept also when one of them fails. */
static bool send_some(struct desk_of_desired *d, bool *ret_more, struct err *err)
{
    AUTO(arena) arena = arena_new(WORK_ARENA_BYTES);
    struct err why = {0};
    bool ok = true;
    *ret_more = true;
    d->host->settle(d->host->ctx);
    if (!desired_rows_begin(d->rows, err)) {
        return false;
    }
    for (int i = 0; ok && *ret_more && i < SENT_AT_ONCE; i++) {
        ok = send_one(d, &arena, ret_more, &why);
        arena_reset(&arena);
    }
    bool is_kept = desired_rows_keep(d->rows, err);
    desired_rows_drop(d->rows);
    if (is_kept && !ok) {
        *err = why;
    }
    return is_kept && ok;
}

/* Whether there is something at all, without a transaction. */
static bool has_unsent(struct desk_of_desired *d)
{
    AUTO(arena) arena = arena_new(WORK_ARENA_BYTES);
    struct desired_unsent unsent;
    struct err err = {0};
    bool found = false;
    return !desired_next_unsent(d->rows, str_from(d->after), has_key(d), &arena, &unsent, &found,
                                &err) ||
           found;
}

static void on_send(void *ctx)
{
    struct desk_of_desired *d = ctx;
    struct err err = {0};
    bool more = false;
    if (!d->is_online || !has_unsent(d)) {
        return;
    }
    if (send_some(d, &more, &err)) {
        if (more) {
            loop_timer_arm_in(d->host->loop, &d->send_timer, PACE_NS);
        }
    } else if (err.code == ERR_OFFLINE) {
        d->is_online = false;
    } else if (err.code != ERR_FULL) { /* then room() comes */
        LOG(ERROR, "desired.not_sent", F_ERR(&err), F_T("action", "trying again"));
        loop_timer_arm_in(d->host->loop, &d->send_timer, AGAIN_NS);
    }
}

static void send_again(struct desk_of_desired *d, struct str device)
{
    struct err err = {0};
    d->host->settle(d->host->ctx);
    if (!desired_send_again(d->rows, device, &err)) {
        LOG(ERROR, "desired.not_sent", F_ERR(&err), F_T("action", "trying again"));
    }
    send_soon(d);
}

/* --- what devices say --------------------------------------------------------------------------- */

/* `revision` 0 and an empty hash: not told. */
static void hear(struct desk_of_desired *d, struct str device, int64_t revision, int64_t applied,
                 struct str hash, bool is_greeting)
{
    AUTO(arena) arena = arena_new(WORK_ARENA_BYTES);
    struct desired_row row;
    struct err err = {0};
    int64_t highest = revision > applied ? revision : applied;
    if (!desired_of(d->rows, device, &arena, &row, &err)) {
        LOG(ERROR, "desired.not_read", F_S("device", device), F_ERR(&err));
        return;
    }
    if (highest >= DESIRED_REVISION_MAX / 2) {
        d->host->refuse(d->host->ctx, device, "desired",
                        STR("it says a revision that no hub has given"));
        return;
    }
    if (standing_is_foreign(&row, revision, applied, hash)) {
        LOG(WARN, "desired.foreign", F_S("device", device), F_I("revision", highest),
            F_I("wanted", row.revision), F_T("action", "giving a higher number"));
        d->host->settle(d->host->ctx);
        if (!desired_set_seen(d->rows, device, highest, &err)) {
            LOG(ERROR, "desired.not_read", F_S("device", device), F_ERR(&err));
        }
        compose_soon(d);
    } else if (is_greeting && row.revision == 0) {
        compose_soon(d); /* it may be new */
    } else if (is_greeting && applied != row.revision && row.is_sent) {
        LOG(INFO, "desired.sent_again", F_S("device", device), F_I("in_force", applied),
            F_I("wanted", row.revision));
        send_again(d, device);
    }
}

static void on_born(void *desk, struct str device, const struct message_birth *birth)
{
    hear(desk, device, 0, birth->desired_revision, STR(""), true);
}

static void on_take(void *desk, struct str device, enum channel channel, struct str payload,
                    struct arena *arena)
{
    struct desk_of_desired *d = desk;
    struct message_reported m;
    struct err err = {0};
    if (channel != CHANNEL_REPORTED) {
        return;
    }
    if (!message_reported_decode(payload, arena, &m, &err)) {
        d->host->refuse(d->host->ctx, device, "reported", str_from(err.msg));
        return;
    }
    if (m.status == DESIRED_APPLIED) {
        LOG(DEBUG, "desired.reported", F_S("device", device), F_I("revision", m.revision));
    } else {
        LOG(WARN, "desired.reported_trouble", F_S("device", device), F_I("revision", m.revision),
            F_S("status", desired_status_name(m.status)), F_S("reason", m.reason));
    }
    hear(d, device, m.revision, m.applied, m.hash, false);
}

/* --- life --------------------------------------------------------------------------------------- */

static void on_close(void *desk)
{
    struct desk_of_desired *d = desk;
    loop_timer_disarm(d->host->loop, &d->compose_timer);
    loop_timer_disarm(d->host->loop, &d->send_timer);
    desired_rows_close(d->rows);
    free(d);
}

static bool on_open(const struct desk_host *host, void **ret, struct err *err)
{
    struct desk_of_desired *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    *d = (struct desk_of_desired){.host = host, .composed = NO_CHANGE};
    d->compose_timer = (struct loop_timer){.on_due = on_compose, .ctx = d};
    d->send_timer = (struct loop_timer){.on_due = on_send, .ctx = d};
    if (!desired_rows_open(&d->rows, host->database, err)) {
        on_close(d);
        return false;
    }
    loop_timer_arm_in(host->loop, &d->compose_timer, 0);
    *ret = d;
    return true;
}

static void on_online(void *desk)
{
    struct desk_of_desired *d = desk;
    d->is_online = true;
    send_again(d, STR(""));
}

static void on_poked(void *desk)
{
    struct desk_of_desired *d = desk;
    loop_timer_arm_in(d->host->loop, &d->compose_timer, 0);
    send_soon(d); /* what was signed elsewhere */
}

static void on_room(void *desk)
{
    struct desk_of_desired *d = desk;
    loop_timer_arm_in(d->host->loop, &d->send_timer, PACE_NS);
}

const struct desk desired_desk = {.name = "desired state",
                                  .open = on_open,
                                  .close = on_close,
                                  .online = on_online,
                                  .born = on_born,
                                  .take = on_take,
                                  .poked = on_poked,
                                  .room = on_room};
