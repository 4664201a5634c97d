#include "agent/daemon/enrol.h"

#include "common/base/limits.h"
#include "common/mqtt/mqtt.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include "common/wire/topics.h"
#include <stdio.h>
#include <string.h>

enum {
    CLIENT_ID_SIZE = 33,
    CONNECT_TIMEOUT_MS = 15000,
    KEY_BYTES_MAX = 8192,
    CSR_BYTES_MAX = 8192,
};
/* A hub that is just starting, or has been asked too often, has not heard us: it may be asked again,
 * since the same request gets the same answer. */
#define ASK_AGAIN_NS (3 * NS_PER_SEC)

/* One exchange: connect, subscribe, ask, hear. */
struct exchange {
    const struct enrol_options *options;
    struct loop *loop;
    struct mqtt_session *session;
    struct arena *arena;
    struct loop_timer timer;
    struct loop_timer ask_timer;
    char client_id[CLIENT_ID_SIZE];
    char reply_topic[TOPIC_BYTES_MAX];
    struct buf csr;
    bool has_answer;
    struct message_enrol_reply reply;
    struct err err;
};

static void end(struct exchange *x)
{
    loop_stop(x->loop);
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
    if (!mqtt_subscribe(x->session, str_from(x->reply_topic), &message_id, &x->err)) {
        end(x);
    }
}

static void ask(void *ctx)
{
    struct exchange *x = ctx;
    const struct enrol_token *token = &x->options->token;
    struct message_enrol_request request = {.token_id = token->id,
                                            .token_secret = token->secret,
                                            .device = x->options->device,
                                            .csr_pem = buf_str(&x->csr),
                                            .version = STR(SELVEDGE_VERSION),
                                            .board = x->options->board};
    char topic_text[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(topic_text, sizeof(topic_text));
    topic_enrol_request(&topic, token->fleet, str_from(x->client_id));
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    message_enrol_request_encode(&request, &payload);
    int id = 0;
    if (!mqtt_publish(x->session, buf_str(&topic), buf_str(&payload), 0, 0, &id, &x->err)) {
        end(x);
        return;
    }
    loop_timer_arm_in(x->loop, &x->ask_timer, ASK_AGAIN_NS);
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
        (void)err_wrap(&x->err, "ask fleet " STR_FMT, STR_ARG(x->options->token.fleet));
        (void)err_hint(&x->err, "is the token whole, and of this hub?");
        end(x);
    }
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct exchange *x = ctx;
    if (str_eq(message->topic, str_from(x->reply_topic))) {
        x->has_answer = message_enrol_reply_decode(message->payload, x->arena, &x->reply, &x->err);
        end(x);
    }
}

static bool open_session(struct exchange *x, const struct rng *rng, struct err *err)
{
    const struct enrol_token *token = &x->options->token;
    struct mqtt_options options = {.host = token->host,
                                   .port = (int)token->port,
                                   .client_id = str_from(x->client_id),
                                   .ca_fingerprint = token->ca_fingerprint,
                                   .ignore_dates = !wall_is_set(clock_wall(loop_clock(x->loop))),
                                   .keepalive_s = 30,
                                   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                   .inflight_max = 4,
                                   .payload_bytes_max = LIMIT_MESSAGE_BYTES,
                                   .socket_dir = str_from(x->options->state_dir)};
    struct mqtt_handlers handlers = {.on_online = on_online,
                                     .on_offline = on_offline,
                                     .on_message = on_message,
                                     .on_published = on_published,
                                     .on_subscribed = on_subscribed,
                                     .ctx = x};
    return mqtt_open(&x->session, x->loop, rng, &options, &handlers, err) &&
           mqtt_connect(x->session, err);
}

static bool converse(struct exchange *x, const struct rng *rng, struct err *err)
{
    rng_hex(rng, (CLIENT_ID_SIZE - 1) / 2, x->client_id);
    struct buf topic = buf_fixed(x->reply_topic, sizeof(x->reply_topic));
    topic_enrol_reply(&topic, x->options->token.fleet, str_from(x->client_id));
    if (buf_cstr(&topic) == NULL) {
        return err_set(err, ERR_INVALID, "the fleet's name in the token is too long");
    }
    x->timer = (struct loop_timer){.on_due = on_timeout, .ctx = x};
    x->ask_timer = (struct loop_timer){.on_due = ask, .ctx = x};
    loop_timer_arm_in(x->loop, &x->timer, x->options->timeout_ns);
    bool ok = open_session(x, rng, err) && loop_run(x->loop, err);
    if (ok && !x->has_answer) {
        *err = x->err;
        ok = false;
    }
    mqtt_close(x->session);
    return ok;
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

/* Nothing is written that does not fit together: the hub's answer is as foreign as any other input.
 */
static bool check_answer(const struct exchange *x, struct str key, const struct rng *rng,
                         struct device_identity *identity, struct err *err)
{
    const struct message_enrol_reply *reply = &x->reply;
    if (!reply->accepted) {
        return err_set(err, ERR_DENIED, "the hub refused: " STR_FMT, STR_ARG(reply->reason));
    }
    struct identity_info ca;
    struct wall_time now = clock_wall(loop_clock(x->loop));
    if (!identity_read_cert(reply->ca_pem, &ca, err) ||
        !identity_check_pair(rng, reply->cert_pem, key, err) ||
        (wall_is_set(now) &&
         !identity_verify(reply->cert_pem, reply->ca_pem, IDENTITY_CLIENT, now, err))) {
        return err_wrap(err, "the hub's certificate for this device");
    }
    if (!digest_equal(str_from(ca.fingerprint), x->options->token.ca_fingerprint)) {
        return err_set(err, ERR_DENIED, "the hub answered with another CA than the token names");
    }
    *identity = (struct device_identity){.fleet = x->options->token.fleet,
                                         .device = reply->device,
                                         .host = reply->host,
                                         .port = reply->port,
                                         .cert_pem = reply->cert_pem,
                                         .ca_pem = reply->ca_pem,
                                         .command_keys = reply->command_keys};
    return true;
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
    if (str_eq(existing.fleet, options->token.fleet) && str_eq(existing.device, options->device)) {
        return true;
    }
    (void)err_set(err, ERR_EXISTS, "this host is already " STR_FMT " in fleet " STR_FMT,
                  STR_ARG(existing.device), STR_ARG(existing.fleet));
    return err_hint(err, "to make it another device, stop the agent and delete %s/identity",
                    options->state_dir);
}

bool enrol_device(const struct enrol_options *options, const struct rng *rng, struct arena *arena,
                  struct device_identity *ret, struct err *err)
{
    struct exchange x = {.options = options, .arena = arena, .csr = buf_growing(CSR_BYTES_MAX)};
    AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
    bool ok = refuse_second_life(options, arena, err) &&
              load_or_make_key(options->state_dir, rng, &key, err) &&
              identity_make_csr(rng, buf_str(&key), options->device, &x.csr, err) &&
              loop_open(&x.loop, clock_system(), err) && converse(&x, rng, err) &&
              check_answer(&x, buf_str(&key), rng, ret, err) &&
              device_identity_save(options->state_dir, ret, err);
    buf_wipe(&key);
    loop_close(x.loop);
    buf_release(&x.csr);
    return ok;
}
