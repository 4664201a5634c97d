/* serve.c - see serve.h. Here: the parts of the running hub, put together and taken apart. */
#include "hub/serve/serve.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "hub/serve/renewed_views.h"
#include "hub/serve/serve_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    REFUSALS_PER_S = 20,   /* written down; each takes a line and a commit */
    ENROLMENTS_PER_S = 20, /* looked at; each takes a commit, a granted one two signatures */
};

struct wall_time serve_wall(const struct serve *s)
{
    return clock_wall(loop_clock(s->loop));
}

/* --- the broker -------------------------------------------------------------------------- */

static void on_broker_note(void *ctx, const struct broker_line *note)
{
    struct serve *s = ctx;
    if (note->note == BROKER_NOTE_TROUBLE) {
        if (serve_passes(s, &s->refusals)) { /* strangers may cause some of these, too */
            LOG(ERROR, "broker.trouble", F_S("says", note->why));
        }
        return;
    }
    char what[64];
    (void)snprintf(what, sizeof(what), STR_FMT, STR_ARG(note->what));
    serve_refuse(s, note->peer, what, note->why);
}

static void on_broker_client(void *ctx, const struct broker_client_line *line)
{
    struct serve *s = ctx;
    fence_on_client(s->fence, line);
}

/* --- desks ------------------------------------------------------------------------------ */

static void on_poke(void *ctx)
{
    struct serve *s = ctx;
    struct keeper_change change = keeper_look(&s->keeper);
    fence_look(s->fence);
    if (change.is_server && s->broker != NULL) {
        broker_reload(s->broker);
    }
    s->is_session_stale = s->is_session_stale || change.is_hub;
    desks_poked(s->desks);
}

static void desk_look_again(void *ctx)
{
    struct serve *s = ctx;
    serve_commit(s);
    merge_look_again(s->merge);
}

static bool open_desks(struct serve *s, struct err *err)
{
    s->desk_host = (struct desk_host){.loop = s->loop,
                                      .rng = s->rng,
                                      .config = s->config,
                                      .authority = &s->keeper.authority,
                                      .registry = s->registry,
                                      .database = s->database,
                                      .publish = serve_desk_publish,
                                      .merge = serve_take_events,
                                      .settle = serve_commit,
                                      .look_again = desk_look_again,
                                      .refuse = serve_refuse,
                                      .ctx = s};
    return fence_open(&s->fence, &s->desk_host, err) && desks_open(&s->desks, &s->desk_host, err) &&
           poke_listen(&s->poke, s->loop, s->config, on_poke, s, err);
}

/* --- life ------------------------------------------------------------------------------- */

static bool open_store(struct serve *s, struct err *err)
{
    AUTO(buf) fleet = buf_growing(256);
    if (!keeper_open(&s->keeper, s->loop, s->rng, s->config, err) ||
        !hub_path(s->config, "hub.db", s->database, err)) {
        return false;
    }
    if (!registry_open(&s->registry, s->database, err) ||
        !registry_fleet(s->registry, &fleet, err) ||
        !renewed_store_open(&s->store, s->database, s->config, loop_clock(s->loop), err) ||
        !merge_open(s->store, &s->merge, err)) {
        return false;
    }
    if (!str_eq(buf_str(&fleet), s->config->fleet)) {
        (void)err_set(err, ERR_INVALID,
                      "the settings say fleet " STR_FMT ", this hub was set up for " STR_FMT,
                      STR_ARG(s->config->fleet), STR_ARG(buf_str(&fleet)));
        return err_hint(err, "set fleet: " STR_FMT " in hub.yaml", STR_ARG(buf_str(&fleet)));
    }
    return registry_all_offline(s->registry, serve_wall(s), err);
}

static bool open_broker(struct serve *s, struct err *err)
{
    if (str_eq(s->config->broker, STR("external"))) {
        return true;
    }
    char dir[LIMIT_PATH_BYTES + 1];
    char program[LIMIT_PATH_BYTES + 1];
    (void)snprintf(program, sizeof(program), STR_FMT, STR_ARG(s->config->broker));
    struct broker_options options = {.program = program,
                                     .dir = dir,
                                     .fleet = s->config->fleet,
                                     .is_root = geteuid() == 0,
                                     .bind = s->config->bind,
                                     .port = (int)s->config->port,
                                     .enrol_port = (int)s->config->enrol_port,
                                     .revoked = fence_revoked(s->fence)};
    struct broker_handlers handlers = {
        .on_note = on_broker_note, .on_client = on_broker_client, .ctx = s};
    bool ok = hub_path(s->config, "broker", dir, err) &&
              broker_start(&s->broker, s->loop, s->rng, &options, &handlers, err);
    fence_use_broker(s->fence, s->broker);
    return ok;
}

static void on_stop_due(void *ctx)
{
    struct serve *s = ctx;
    mqtt_disconnect(s->session, false);
}

bool serve_open(struct serve **ret, struct loop *loop, const struct rng *rng,
                const struct hub_config *config, struct err *err)
{
    struct serve *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the hub: out of memory");
    }
    *s = (struct serve){.loop = loop, .rng = rng, .config = config};
    s->payload = buf_growing(LIMIT_MESSAGE_BYTES);
    s->reconnect_timer = (struct loop_timer){.on_due = serve_connect, .ctx = s};
    s->store_timer = (struct loop_timer){.on_due = serve_retry_store, .ctx = s};
    s->held_timer = (struct loop_timer){.on_due = serve_say_held, .ctx = s};
    s->refusals.per_second = REFUSALS_PER_S;
    s->enrolments.per_second = ENROLMENTS_PER_S;
    s->commit_task = (struct loop_task){.run = serve_commit, .ctx = s};
    s->stop_task = (struct loop_task){.run = on_stop_due, .ctx = s};
    if (!open_store(s, err) || !open_desks(s, err) || !open_broker(s, err) ||
        !serve_open_session(s, err)) {
        serve_close(s);
        return false;
    }
    loop_timer_arm_in(loop, &s->reconnect_timer, 0);
    *ret = s;
    return true;
}

void serve_on_ready(struct serve *s, void (*fn)(void *ctx), void *ctx)
{
    s->on_ready = fn;
    s->ready_ctx = ctx;
}

void serve_shut_down(struct serve *s)
{
    if (s->is_stopping) {
        return;
    }
    s->is_stopping = true;
    serve_commit(s);
    if (!mqtt_is_online(s->session)) {
        loop_stop(s->loop);
        return;
    }
    serve_say_state(s, false);
    loop_defer(s->loop, &s->stop_task);
}

void serve_close(struct serve *s)
{
    if (s == NULL) {
        return;
    }
    loop_timer_disarm(s->loop, &s->reconnect_timer);
    loop_timer_disarm(s->loop, &s->store_timer);
    loop_timer_disarm(s->loop, &s->held_timer);
    loop_defer_cancel(s->loop, &s->commit_task);
    loop_defer_cancel(s->loop, &s->stop_task);
    mqtt_close(s->session);
    fence_close(s->fence);
    broker_stop(s->broker);
    poke_close(&s->poke);
    desks_close(s->desks);
    merge_close(s->merge);
    registry_close(s->registry);
    db_close(s->store);
    buf_release(&s->payload);
    keeper_close(&s->keeper);
    free(s);
}
