#include "agent/daemon/enrol.h"

#include "common/base/limits.h"
#include "common/mqtt/mqtt.h"
#include "common/platform/files.h"
#include "common/tls/authorities.h"
#include "common/wire/topics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_ID_SIZE = 33,
    CONNECT_TIMEOUT_MS = 15000,
    KEY_BYTES_MAX = 8192,
    CSR_BYTES_MAX = 8192,
    REPLY_ARENA_BYTES = 256 << 10,
    ENROL_PORT_DEFAULT = 8884,
};
/* A hub that is just starting, or has been asked too often, has not heard us: it may be asked again,
 * since the same request gets the same answer. While a person decides, less and less often. */
#define ASK_AGAIN_NS     (3 * NS_PER_SEC)
#define ASK_AGAIN_MAX_NS (60 * NS_PER_SEC)
#define RECOVERY_NS      (60 * NS_PER_SEC)

/* One exchange: connect, subscribe, ask, hear. */
struct exchange {
    struct loop *loop;
    const struct rng *rng;
    const char *state_dir;
    struct enrol_token token; /* where the hub is, and perhaps what it gave out */
    struct str ca_pem;      /* trusted already; empty: the token's fingerprint says whom to trust */
    struct str server_name; /* empty: as the host */
    struct message_enrol_request request;
    int64_t timeout_ns;
    struct mqtt_session *session;
    struct arena arena; /* of the reply */
    struct loop_timer timer;
    struct loop_timer ask_timer;
    int64_t asked; /* times */
    char client_id[CLIENT_ID_SIZE];
    char reply_topic[TOPIC_BYTES_MAX];
    struct buf csr;
    bool has_answer;
    struct message_enrol_reply reply;
    struct err err;
    void (*on_pending)(void *ctx); /* once */
    void (*on_end)(void *ctx);
    void *ctx;
};

static void end(struct exchange *x)
{
    x->on_end(x->ctx);
}

static void on_timeout(void *ctx)
{
    struct exchange *x = ctx;
    (void)err_set(&x->err, ERR_TIMEOUT, "the hub did not answer");
    (void)err_hint(&x->err, "is selvedge-hub serving? it must be running to enrol a device");
    end(x);
}

static void on_offline(void *ctx, const struct err *why)
{
    struct exchange *x = ctx;
    if (!x->has_answer && x->err.code == ERR_NONE) {
        x->err =
            why != NULL ? *why : (struct err){.code = ERR_OFFLINE, .msg = "the connection ended"};
    }
    end(x);
}

static void on_online(void *ctx, bool tls_resumed)
{
    (void)tls_resumed;
    struct exchange *x = ctx;
    int message_id = 0;
    struct str reply = str_from(x->reply_topic);
    if (!mqtt_subscribe(x->session, &reply, 1, &message_id, &x->err)) {
        end(x);
    }
}

static void ask(void *ctx)
{
    struct exchange *x = ctx;
    char topic_text[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(topic_text, sizeof(topic_text));
    topic_enrol_request(&topic, x->token.fleet, str_from(x->client_id));
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    message_enrol_request_encode(&x->request, &payload);
    int id = 0;
    if (!mqtt_publish(x->session, buf_str(&topic), buf_str(&payload), 0, 0, &id, &x->err)) {
        end(x);
        return;
    }
    int64_t wait = ASK_AGAIN_NS * ++x->asked;
    bool is_waiting = x->reply.pending && wait < ASK_AGAIN_MAX_NS;
    loop_timer_arm_in(x->loop, &x->ask_timer,
                      is_waiting         ? wait
                      : x->reply.pending ? ASK_AGAIN_MAX_NS
                                         : ASK_AGAIN_NS);
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct exchange *x = ctx;
    if (why != NULL) {
        x->err = *why;
        end(x);
        return;
    }
    ask(x);
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct exchange *x = ctx;
    if (why != NULL) {
        x->err = *why;
        (void)err_wrap(&x->err, "ask fleet " STR_FMT, STR_ARG(x->token.fleet));
        (void)err_hint(&x->err, "is the token whole, and of this hub?");
        end(x);
    }
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct exchange *x = ctx;
    if (!str_eq(message->topic, str_from(x->reply_topic))) {
        return;
    }
    bool was_pending = x->reply.pending;
    arena_reset(&x->arena);
    x->has_answer = message_enrol_reply_decode(message->payload, &x->arena, &x->reply, &x->err);
    if (!x->has_answer || !x->reply.pending) {
        end(x);
        return;
    }
    x->has_answer = false;
    loop_timer_disarm(x->loop, &x->timer);
    if (!was_pending && x->on_pending != NULL) {
        x->on_pending(x->ctx);
    }
}

static bool open_session(struct exchange *x, struct err *err)
{
    struct mqtt_options options = {.host = x->token.host,
                                   .port = (int)x->token.port,
                                   .server_name = x->server_name,
                                   .client_id = str_from(x->client_id),
                                   .ca_pem = x->ca_pem,
                                   .ca_fingerprint = x->token.ca_fingerprint,
                                   .ignore_dates = !wall_is_set(clock_wall(loop_clock(x->loop))),
                                   .keepalive_s = 30,
                                   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                   .inflight_max = 4,
                                   .payload_bytes_max = LIMIT_MESSAGE_BYTES,
                                   .socket_dir = str_from(x->state_dir)};
    struct mqtt_handlers handlers = {.on_online = on_online,
                                     .on_offline = on_offline,
                                     .on_message = on_message,
                                     .on_published = on_published,
                                     .on_subscribed = on_subscribed,
                                     .ctx = x};
    return mqtt_open(&x->session, x->loop, x->rng, &options, &handlers, err) &&
           mqtt_connect(x->session, err);
}

/* `x` has its loop, request, place and callbacks. */
static bool exchange_begin(struct exchange *x, struct err *err)
{
    rng_hex(x->rng, (CLIENT_ID_SIZE - 1) / 2, x->client_id);
    struct buf topic = buf_fixed(x->reply_topic, sizeof(x->reply_topic));
    topic_enrol_reply(&topic, x->token.fleet, str_from(x->client_id));
    if (buf_cstr(&topic) == NULL) {
        return err_set(err, ERR_INVALID, "the fleet's name in the token is too long");
    }
    x->arena = arena_new(REPLY_ARENA_BYTES);
    x->timer = (struct loop_timer){.on_due = on_timeout, .ctx = x};
    x->ask_timer = (struct loop_timer){.on_due = ask, .ctx = x};
    loop_timer_arm_in(x->loop, &x->timer, x->timeout_ns);
    return open_session(x, err);
}

static void exchange_end(struct exchange *x)
{
    if (x->loop != NULL) {
        loop_timer_disarm(x->loop, &x->timer);
        loop_timer_disarm(x->loop, &x->ask_timer);
    }
    mqtt_close(x->session);
    x->session = NULL;
    arena_release(&x->arena);
    buf_release(&x->csr);
}

/* The key is made once and kept: the same device asks again with the same key. */
static bool load_or_make_key(const char *state_dir, const struct rng *rng, struct buf *key,
                             struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/identity", state_dir);
    if (!files_make_dirs(path, 0700, err)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/identity/key.pem", state_dir);
    if (files_read(path, key, err)) {
        return true;
    }
    return err->code == ERR_NOT_FOUND && identity_make_key(rng, key, err) &&
           files_write(path, buf_str(key), 0600, err);
}

/* A device that comes back goes by the CAs that it has; else one of those told must be the token's. */
static bool check_authorities(const struct exchange *x, struct err *err)
{
    struct identity_info ca;
    struct str pem;
    struct str rest = x->reply.ca_pem;
    if (!str_is_empty(x->ca_pem)) {
        return true;
    }
    while (authorities_next(&rest, &pem)) {
        if (!identity_read_cert(pem, &ca, err)) {
            return false;
        }
        if (digest_is_one_of(str_from(ca.fingerprint), x->token.ca_fingerprint)) {
            return true;
        }
    }
    return err_set(err, ERR_DENIED, "the hub answered with another CA than the token names");
}

/* Nothing is written that does not fit together: the hub's answer is as foreign as any other input.
 */
static bool check_answer(struct exchange *x, struct str key, struct err *err)
{
    const struct message_enrol_reply *reply = &x->reply;
    if (!x->has_answer) {
        *err = x->err;
        return false;
    }
    if (!reply->accepted) {
        return err_set(err, ERR_DENIED, "the hub refused: " STR_FMT, STR_ARG(reply->reason));
    }
    char list[AUTHORITIES_LIST_SIZE];
    struct str trusted = str_is_empty(x->ca_pem) ? reply->ca_pem : x->ca_pem;
    struct wall_time now = clock_wall(loop_clock(x->loop));
    if (!authorities_list(trusted, list, err) ||
        !identity_check_pair(x->rng, reply->cert_pem, key, err) ||
        (wall_is_set(now) &&
         !identity_verify(reply->cert_pem, trusted, IDENTITY_CLIENT, now, err))) {
        return err_wrap(err, "the hub's certificate for this device");
    }
    return check_authorities(x, err);
}

static bool refuse_second_life(const struct enrol_options *options, struct arena *arena,
                               struct err *err)
{
    struct device_identity existing;
    struct err missing = {0};
    if (!device_identity_load(options->state_dir, arena, &existing, &missing)) {
        return true;
    }
    device_identity_wipe(&existing);
    bool is_same = str_is_empty(options->device) || str_eq(existing.device, options->device);
    if (str_eq(existing.fleet, options->token.fleet) && is_same) {
        return true;
    }
    (void)err_set(err, ERR_EXISTS, "this host is already " STR_FMT " in fleet " STR_FMT,
                  STR_ARG(existing.device), STR_ARG(existing.fleet));
    return err_hint(err, "to make it another device, stop the agent and delete %s/identity",
                    options->state_dir);
}

/* --- enrolling ------------------------------------------------------------------------------ */

struct enrolling {
    struct exchange x;
    const struct enrol_options *options;
    char fingerprint[SHORT_FINGERPRINT_SIZE];
};

void enrol_short_fingerprint(const char *fingerprint, char ret[SHORT_FINGERPRINT_SIZE])
{
    (void)snprintf(ret, SHORT_FINGERPRINT_SIZE, "%.4s-%.4s-%.4s-%.4s", fingerprint, fingerprint + 4,
                   fingerprint + 8, fingerprint + 12);
}

static void on_enrol_pending(void *ctx)
{
    struct enrolling *e = ctx;
    if (e->options->on_pending != NULL) {
        e->options->on_pending(e->options->ctx, e->fingerprint);
    }
}

static void on_enrol_end(void *ctx)
{
    struct enrolling *e = ctx;
    loop_stop(e->x.loop);
}

static bool converse(struct enrolling *e, const struct rng *rng, struct err *err)
{
    const struct enrol_options *o = e->options;
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    struct exchange *x = &e->x;
    x->rng = rng;
    x->state_dir = o->state_dir;
    x->token = o->token;
    x->request = (struct message_enrol_request){.token_id = o->token.id,
                                                .token_secret = o->token.secret,
                                                .device = o->device,
                                                .csr_pem = buf_str(&x->csr),
                                                .version = STR(SELVEDGE_VERSION),
                                                .board = o->board,
                                                .serial_number = o->serial_number};
    x->timeout_ns = o->timeout_ns;
    x->on_pending = on_enrol_pending;
    x->on_end = on_enrol_end;
    x->ctx = e;
    if (!identity_csr_key_fingerprint(buf_str(&x->csr), fingerprint, err)) {
        return false;
    }
    enrol_short_fingerprint(fingerprint, e->fingerprint);
    return loop_open(&x->loop, clock_system(), err) && exchange_begin(x, err) &&
           loop_run(x->loop, err);
}

static bool keep_answer(struct enrolling *e, struct arena *arena, struct device_identity *ret,
                        struct err *err)
{
    const struct message_enrol_reply *reply = &e->x.reply;
    struct device_identity identity = {.fleet = e->options->token.fleet,
                                       .device = arena_copy(arena, reply->device),
                                       .host = arena_copy(arena, reply->host),
                                       .port = reply->port,
                                       .enrol_port = e->options->token.port,
                                       .cert_pem = arena_copy(arena, reply->cert_pem),
                                       .ca_pem = arena_copy(arena, reply->ca_pem),
                                       .command_keys = arena_copy(arena, reply->command_keys)};
    if (arena->exhausted) {
        return err_set(err, ERR_NO_MEMORY, "keep the hub's answer: out of memory");
    }
    *ret = identity;
    return device_identity_save(e->options->state_dir, ret, err);
}

bool enrol_device(const struct enrol_options *options, const struct rng *rng, struct arena *arena,
                  struct device_identity *ret, struct err *err)
{
    struct enrolling e = {.options = options, .x = {.csr = buf_growing(CSR_BYTES_MAX)}};
    struct str name = str_is_empty(options->device) ? STR("device") : options->device;
    AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
    bool ok = refuse_second_life(options, arena, err) &&
              load_or_make_key(options->state_dir, rng, &key, err) &&
              identity_make_csr(rng, buf_str(&key), name, &e.x.csr, err) &&
              converse(&e, rng, err) && check_answer(&e.x, buf_str(&key), err) &&
              keep_answer(&e, arena, ret, err);
    buf_wipe(&key);
    struct loop *loop = e.x.loop;
    exchange_end(&e.x);
    loop_close(loop);
    return ok;
}

/* --- coming back ---------------------------------------------------------------------------- */

struct recovery {
    struct exchange x;
    struct recovery_options options;
    char signature[SIGNATURE_TEXT_SIZE];
    struct buf ca; /* trusted when it began */
    struct loop_task over;
};

static bool take_answer(struct recovery *r, struct err *err)
{
    AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
    bool ok = device_pending_key(r->x.state_dir, r->x.rng, &key, err) &&
              check_answer(&r->x, buf_str(&key), err) &&
              device_pending_save(r->x.state_dir, r->x.reply.cert_pem, err);
    buf_wipe(&key);
    return ok;
}

static void on_recovery_over(void *ctx)
{
    struct recovery *r = ctx;
    struct err err = {0};
    bool ok = take_answer(r, &err);
    r->options.on_done(r->options.ctx, ok ? NULL : &err);
}

static void on_recovery_end(void *ctx)
{
    struct recovery *r = ctx;
    loop_timer_disarm(r->x.loop, &r->x.timer);
    loop_timer_disarm(r->x.loop, &r->x.ask_timer);
    loop_defer(r->x.loop, &r->over);
}

static bool make_recovery_request(struct recovery *r, struct err *err)
{
    const struct device_identity *identity = r->options.identity;
    AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
    bool ok = device_pending_key(r->x.state_dir, r->x.rng, &key, err) &&
              identity_make_csr(r->x.rng, buf_str(&key), identity->device, &r->x.csr, err) &&
              identity_sign(r->x.rng, identity->key_pem, buf_str(&r->x.csr), r->signature, err);
    buf_wipe(&key);
    if (ok) {
        buf_add(&r->ca, identity->ca_pem);
        r->x.ca_pem = buf_str(&r->ca);
        r->x.token = (struct enrol_token){.fleet = identity->fleet,
                                          .host = identity->host,
                                          .port = identity->enrol_port != 0 ? identity->enrol_port
                                                                            : ENROL_PORT_DEFAULT};
        r->x.request = (struct message_enrol_request){.device = identity->device,
                                                      .csr_pem = buf_str(&r->x.csr),
                                                      .version = STR(SELVEDGE_VERSION),
                                                      .certificate_pem = identity->cert_pem,
                                                      .signature = str_from(r->signature)};
    }
    return ok;
}

bool recovery_begin(struct recovery **ret, const struct recovery_options *options, struct err *err)
{
    struct recovery *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(err, ERR_NO_MEMORY, "ask for a certificate: out of memory");
    }
    *r = (struct recovery){.x = {.loop = options->loop,
                                 .rng = options->rng,
                                 .state_dir = options->state_dir,
                                 .server_name = options->identity->host,
                                 .timeout_ns = RECOVERY_NS,
                                 .csr = buf_growing(CSR_BYTES_MAX),
                                 .on_end = on_recovery_end,
                                 .ctx = r},
                           .options = *options,
                           .ca = buf_growing(AUTHORITIES_BYTES_MAX),
                           .over = {.run = on_recovery_over, .ctx = r}};
    if (!make_recovery_request(r, err) || !exchange_begin(&r->x, err)) {
        recovery_close(r);
        return false;
    }
    *ret = r;
    return true;
}

void recovery_close(struct recovery *r)
{
    if (r == NULL) {
        return;
    }
    loop_defer_cancel(r->x.loop, &r->over);
    exchange_end(&r->x);
    buf_release(&r->ca);
    free(r);
}
