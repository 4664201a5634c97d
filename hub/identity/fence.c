/* fence.c - DESIGN: a connection that is there is cut by connecting with its client id: the broker
 * ends the earlier of two connections with one id. Who is connected under which id stands in the
 * broker's log. Where that is not certain (a line was too long), or cutting fails, the broker is
 * started again, which cuts everybody for a moment. First the list of revoked certificates, then,
 * when the broker has read it, the cutting: whoever is cut cannot come back. */
#include "hub/identity/fence.h"

#include "common/base/strmap.h"
#include "common/log/log.h"
#include "common/mqtt/mqtt.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 64 << 20, /* 120 bytes a revoked certificate or device */
    REVOKED_BYTES_MAX = 8 << 20,
    CUT_QUEUE_MAX = 4096, /* beyond: the broker is started again */
    CUT_TIMEOUT_MS = 3000,
    KEEPALIVE_S = 30,
};
#define KEPT_NS                                                                                    \
    (INT64_C(86400) * NS_PER_SEC) /* after a certificate's end, for clocks that differ */
/* A broker refuses everybody when the list is older than it says. */
#define CRL_NS (INT64_C(3650) * 86400 * NS_PER_SEC)

/* Who is out, read anew as a whole. Its maps point to its arena: not to be copied while they grow. */
struct outlaws {
    struct arena arena;
    struct strmap devices, serials;
    struct identity_revoked *revoked;
    struct str *owners; /* whose they are */
    size_t revoked_count, revoked_cap;
};
struct cut {
    struct cut *next;
    char client[]; /* its id */
};
struct fence {
    const struct desk_host *host;
    struct outlaws out;
    struct buf list;                     /* PEM */
    char list_of[AUTHORITIES_LIST_SIZE]; /* the CAs that have signed it */
    struct broker *broker;
    struct mqtt_session *session; /* the one that cuts */
    bool is_cutting;
    struct cut *queue, **queue_end;
    size_t queue_count;
    struct loop_task next_task;
    struct strmap cutting; /* names to be cut when the list is in force; in the arena of `out` */
    bool is_cutting_due;
};

static void cut_next(void *ctx);

/* --- who is out ------------------------------------------------------------------------------- */

static void add_device(void *ctx, struct str device)
{
    struct outlaws *out = ctx;
    struct str name = arena_copy(&out->arena, device);
    out->arena.exhausted = !strmap_put(&out->devices, name, 1) || out->arena.exhausted;
}

static void add_serial(void *ctx, const struct registry_revoked *row)
{
    struct outlaws *out = ctx;
    if (out->revoked_count == out->revoked_cap) {
        size_t cap = out->revoked_cap == 0 ? 64 : 2 * out->revoked_cap;
        struct identity_revoked *revoked = arena_array(&out->arena, cap, sizeof(*revoked));
        struct str *owners = arena_array(&out->arena, cap, sizeof(*owners));
        if (revoked == NULL || owners == NULL) {
            return;
        }
        if (out->revoked_count > 0) {
            memcpy(revoked, out->revoked, out->revoked_count * sizeof(*revoked));
            memcpy(owners, out->owners, out->revoked_count * sizeof(*owners));
        }
        out->revoked = revoked;
        out->owners = owners;
        out->revoked_cap = cap;
    }
    struct str serial = arena_copy(&out->arena, row->serial);
    out->owners[out->revoked_count] = arena_copy(&out->arena, row->device);
    out->revoked[out->revoked_count++] = (struct identity_revoked){serial, row->at};
    out->arena.exhausted = !strmap_put(&out->serials, serial, 1) || out->arena.exhausted;
}

static bool read_outlaws(const struct fence *f, struct outlaws *ret, struct err *err)
{
    struct wall_time now = clock_wall(loop_clock(f->host->loop));
    ret->arena = arena_new(ARENA_BYTES);
    ret->devices = strmap_new(&ret->arena);
    ret->serials = strmap_new(&ret->arena);
    bool ok = registry_each_shut_out(f->host->registry, add_device, ret, err) &&
              registry_each_revoked(f->host->registry, (struct wall_time){now.ns - KEPT_NS},
                                    add_serial, ret, err);
    if (ok && ret->arena.exhausted) {
        ok = err_set(err, ERR_NO_MEMORY, "read who is revoked: out of memory");
    }
    return ok;
}

static bool write_list(const struct fence *f, const struct outlaws *out, struct buf *list,
                       struct err *err)
{
    struct wall_time now = clock_wall(loop_clock(f->host->loop));
    struct identity_crl crl = {.revoked = out->revoked,
                               .count = out->revoked_count,
                               .this_update = {now.ns - KEPT_NS},
                               .next_update = {now.ns + CRL_NS}};
    const struct authority *ca = f->host->authority;
    /* A broker asks for a list of each CA that it trusts. */
    return identity_make_crl(f->host->rng, ca->ca_cert, ca->ca_key, &crl, list, err) &&
           (str_is_empty(ca->next_cert) ||
            identity_make_crl(f->host->rng, ca->next_cert, ca->next_key, &crl, list, err));
}

bool fence_is_out(const struct fence *f, struct str device)
{
    uint32_t value = 0;
    return strmap_get(&f->out.devices, device, &value);
}

struct str fence_revoked(const struct fence *f)
{
    return buf_str(&f->list);
}

/* --- cutting ---------------------------------------------------------------------------------- */

static void restart_broker(struct fence *f, const char *why)
{
    LOG(WARN, "fence.broker_restarted", F_T("why", why),
        F_T("action", "every connection is cut for a moment; nothing is lost"));
    f->is_cutting_due = false;
    broker_restart(f->broker);
}

static void drop_first(struct fence *f)
{
    struct cut *cut = f->queue;
    f->queue = cut->next;
    f->queue_end = f->queue == NULL ? &f->queue : f->queue_end;
    f->queue_count--;
    free(cut);
}

static void queue_cut(void *ctx, struct str client)
{
    struct fence *f = ctx;
    struct cut *cut = f->queue_count < CUT_QUEUE_MAX ? malloc(sizeof(*cut) + client.len + 1) : NULL;
    if (cut == NULL) {
        restart_broker(f, "too many connections to cut one by one");
        return;
    }
    memcpy(cut->client, client.ptr, client.len);
    cut->client[client.len] = '\0';
    cut->next = NULL;
    *f->queue_end = cut;
    f->queue_end = &cut->next;
    f->queue_count++;
    loop_defer(f->host->loop, &f->next_task);
}

/* The broker has ended the other connection before it let us in. */
static void on_online(void *ctx, bool tls_resumed)
{
    (void)tls_resumed;
    struct fence *f = ctx;
    LOG(INFO, "fence.cut", F_T("client", f->queue->client));
    mqtt_disconnect(f->session, false);
}

static void on_offline(void *ctx, const struct err *why)
{
    struct fence *f = ctx;
    if (why != NULL) {
        LOG(WARN, "fence.cut_failed", F_T("client", f->queue->client), F_ERR(why));
        restart_broker(f, "a connection could not be cut");
    }
    drop_first(f);
    f->is_cutting = false;
    loop_defer(f->host->loop, &f->next_task);
}

static void ignore_message(void *ctx, const struct mqtt_message *message)
{
    (void)ctx;
    (void)message;
}

static void ignore_answer(void *ctx, int message_id, const struct err *why)
{
    (void)ctx;
    (void)message_id;
    (void)why;
}

static bool open_session(struct fence *f, struct err *err)
{
    const struct hub_config *config = f->host->config;
    struct mqtt_options options = {.host =
                                       str_is_empty(config->bind) ? STR("127.0.0.1") : config->bind,
                                   .port = (int)config->port,
                                   .server_name = STR("localhost"),
                                   .client_id = str_from(f->queue->client),
                                   .ca_pem = f->host->authority->trusted,
                                   .cert_pem = f->host->authority->hub_cert,
                                   .key_pem = f->host->authority->hub_key,
                                   .keepalive_s = KEEPALIVE_S,
                                   .connect_timeout_ms = CUT_TIMEOUT_MS,
                                   .inflight_max = 1,
                                   .payload_bytes_max = LIMIT_MESSAGE_BYTES,
                                   .socket_dir = config->state_dir};
    struct mqtt_handlers handlers = {.on_online = on_online,
                                     .on_offline = on_offline,
                                     .on_message = ignore_message,
                                     .on_published = ignore_answer,
                                     .on_subscribed = ignore_answer,
                                     .ctx = f};
    return mqtt_open(&f->session, f->host->loop, f->host->rng, &options, &handlers, err) &&
           mqtt_connect(f->session, err);
}

/* One after the other: each takes some milliseconds. */
static void cut_next(void *ctx)
{
    struct fence *f = ctx;
    struct err err = {0};
    if (f->is_cutting) {
        return;
    }
    mqtt_close(f->session);
    f->session = NULL;
    f->is_cutting = f->queue != NULL;
    if (f->is_cutting && !open_session(f, &err)) {
        on_offline(f, &err);
    }
}

static void cut_device(struct fence *f, struct str device)
{
    const struct broker_clients *clients = broker_clients(f->broker);
    if (clients->is_unclear) {
        restart_broker(f, "a client id is too long to tell whose it is");
    } else {
        broker_clients_each(clients, device, queue_cut, f);
    }
}

void fence_on_client(struct fence *f, const struct broker_client_line *line)
{
    if (f->broker == NULL) {
        return;
    }
    if (line->type == BROKER_CLIENT_CONNECTED && fence_is_out(f, line->user)) {
        queue_cut(f, line->id);
    } else if (line->type == BROKER_CLIENT_RELOADED && f->is_cutting_due) {
        f->is_cutting_due = false;
        for (size_t i = 0; i < f->cutting.cap; i++) {
            if (f->cutting.slots[i].used) {
                cut_device(f, f->cutting.slots[i].key);
            }
        }
    }
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Those of `now` that were not out before: whoever of them is connected is to be cut. */
static struct strmap newcomers(const struct outlaws *before, struct outlaws *now)
{
    struct strmap names = strmap_new(&now->arena);
    uint32_t value = 0;
    bool ok = true;
    for (size_t i = 0; i < now->revoked_count; i++) {
        if (!strmap_get(&before->serials, now->revoked[i].serial, &value)) {
            ok = strmap_put(&names, now->owners[i], 1) && ok;
        }
    }
    for (size_t i = 0; i < now->devices.cap; i++) {
        const struct strmap_slot *slot = &now->devices.slots[i];
        if (slot->used && !strmap_get(&before->devices, slot->key, &value)) {
            ok = strmap_put(&names, slot->key, 1) && ok;
        }
    }
    now->arena.exhausted = now->arena.exhausted || !ok;
    return names;
}

/* Whoever runs an external broker takes the list from the same file. */
static bool give_list(const struct fence *f, struct str list, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (f->broker != NULL) {
        return broker_set_revoked(f->broker, list, err);
    }
    return hub_path(f->host->config, "broker/revoked.pem", path, err) &&
           files_write(path, list, 0644, err);
}

/* Those whom the broker has not been told of yet are still to be cut. */
static void keep_due(const struct fence *f, struct outlaws *out, struct strmap *fresh)
{
    for (size_t i = 0; f->is_cutting_due && i < f->cutting.cap; i++) {
        const struct strmap_slot *slot = &f->cutting.slots[i];
        bool ok = !slot->used || strmap_put(fresh, arena_copy(&out->arena, slot->key), 1);
        out->arena.exhausted = out->arena.exhausted || !ok;
    }
}

static bool look(struct fence *f, struct err *err)
{
    struct outlaws out = {0};
    struct buf list = buf_growing(REVOKED_BYTES_MAX);
    bool ok = read_outlaws(f, &out, err);
    struct strmap fresh = newcomers(&f->out, &out);
    struct str signers = str_from(f->host->authority->trusted_list);
    keep_due(f, &out, &fresh);
    bool is_change = fresh.count > 0 || out.devices.count != f->out.devices.count ||
                     !str_eq(str_from(f->list_of), signers);
    ok = ok && is_change && write_list(f, &out, &list, err) && give_list(f, buf_str(&list), err);
    if (!ok) {
        arena_release(&out.arena);
        buf_release(&list);
        return !is_change;
    }
    arena_release(&f->out.arena);
    buf_release(&f->list);
    f->out = out;
    f->out.devices.arena = &f->out.arena;
    f->out.serials.arena = &f->out.arena;
    f->list = list;
    memcpy(f->list_of, f->host->authority->trusted_list, sizeof(f->list_of));
    f->cutting = fresh;
    f->is_cutting_due = f->broker != NULL;
    LOG(INFO, "fence.changed", F_I("devices", f->out.devices.count),
        F_I("certificates", f->out.revoked_count), F_I("cut", fresh.count));
    return true;
}

void fence_look(struct fence *f)
{
    struct err err = {0};
    if (!look(f, &err)) {
        LOG(ERROR, "fence.failed", F_ERR(&err),
            F_T("action", "trying again; what was revoked before stays so"));
    }
}

/* --- life ------------------------------------------------------------------------------------- */

bool fence_open(struct fence **ret, const struct desk_host *host, struct err *err)
{
    struct fence *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return err_set(err, ERR_NO_MEMORY, "keep out who is revoked: out of memory");
    }
    f->host = host;
    f->list = buf_growing(REVOKED_BYTES_MAX);
    f->queue_end = &f->queue;
    f->next_task = (struct loop_task){.run = cut_next, .ctx = f};
    if (!read_outlaws(f, &f->out, err) || !write_list(f, &f->out, &f->list, err) ||
        !give_list(f, buf_str(&f->list), err)) {
        fence_close(f);
        return false;
    }
    f->out.devices.arena = &f->out.arena;
    memcpy(f->list_of, host->authority->trusted_list, sizeof(f->list_of));
    *ret = f;
    return true;
}

void fence_close(struct fence *f)
{
    if (f == NULL) {
        return;
    }
    loop_defer_cancel(f->host->loop, &f->next_task);
    mqtt_close(f->session);
    while (f->queue != NULL) {
        drop_first(f);
    }
    arena_release(&f->out.arena);
    buf_release(&f->list);
    free(f);
}

void fence_use_broker(struct fence *f, struct broker *broker)
{
    f->broker = broker;
}
