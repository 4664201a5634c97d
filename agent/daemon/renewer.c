#include "agent/daemon/renewer.h"

#include "agent/daemon/enrol.h"
#include "agent/daemon/trusted.h"
#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/model/backoff.h"
#include "common/mqtt/mqtt.h"
#include "common/tls/identity.h"
#include "common/wire/messages.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    PEM_BYTES_MAX = 64 << 10,
    MESSAGE_ARENA_BYTES = 256 << 10,
    CONNECT_TIMEOUT_MS = 20000,
    KEEPALIVE_S = 30,
    CLIENT_ID_SIZE = 96,
    RANDOM_SIZE = 17,
};

#define RECOVER_BASE_NS (2 * NS_PER_SEC)
#define RECOVER_MAX_NS  (3600 * NS_PER_SEC)

struct renewer {
    struct renewer_options options;
    struct renewal core;
    struct loop_timer timer;
    struct mqtt_session *test; /* NULL: none is under way */
    struct loop_task test_over;
    bool has_passed;
    struct recovery *recovery; /* NULL: none is under way */
    struct loop_task recovery_over;
    struct mono_time recover_after;
    int64_t recovery_failures;
    struct buf key, cert; /* once it was renewed: what `identity` points to */
    struct trusted trusted;
};

static void feed(struct renewer *r, struct renewal_event event);

/* --- which CAs are trusted --------------------------------------------------------------------- */

/* After each change of certificate or CAs. */
static void look_at_authorities(struct renewer *r)
{
    struct err err = {0};
    if (!trusted_look(&r->trusted, r->options.identity, &err)) {
        LOG(WARN, "authorities.not_read", F_ERR(&err),
            F_T("action", "the hub is not told which CAs are trusted"));
    }
    link_use_authorities(r->options.link, str_from(r->trusted.list), str_from(r->trusted.issuer));
}

/* What is lost of it the next birth says. */
static void say_authorities(struct renewer *r)
{
    struct err err = {0};
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    const struct message_want_certificate want = {.authorities = str_from(r->trusted.list),
                                                  .authority = str_from(r->trusted.issuer)};
    message_want_certificate_encode(&want, &payload);
    if (!link_publish(r->options.link, CHANNEL_WANT, buf_str(&payload), &err)) {
        LOG(DEBUG, "authorities.not_said", F_ERR(&err));
    }
}

static void take_authorities(struct renewer *r, const struct message_certificate *message)
{
    struct err err = {0};
    bool is_new = false;
    if (!trusted_take(&r->trusted, r->options.identity, r->options.state_dir, message->authorities,
                      message->signature, &is_new, &err)) {
        LOG(WARN, "authorities.refused", F_ERR(&err),
            F_T("action", "trusting the same CAs as before"));
        return;
    }
    if (is_new) {
        LOG(INFO, "authorities.changed", F_T("trusts", r->trusted.list),
            F_T("action", "used from the next connection on"));
        link_use_identity(r->options.link);
        look_at_authorities(r);
        if (r->trusted.is_outdated) {
            feed(r, (struct renewal_event){.type = RENEWAL_OUTDATED});
        }
    }
    say_authorities(r);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool make_request(struct renewer *r, struct buf *payload, struct err *err)
{
    AUTO(buf) csr = buf_growing(PEM_BYTES_MAX);
    struct buf key = buf_growing(PEM_BYTES_MAX);
    bool ok =
        device_pending_key(r->options.state_dir, r->options.rng, &key, err) &&
        identity_make_csr(r->options.rng, buf_str(&key), r->options.identity->device, &csr, err);
    buf_wipe(&key);
    if (ok) {
        const struct message_want_certificate want = {.csr_pem = buf_str(&csr),
                                                      .authorities = str_from(r->trusted.list),
                                                      .authority = str_from(r->trusted.issuer)};
        message_want_certificate_encode(&want, payload);
    }
    return ok;
}

static void ask(struct renewer *r)
{
    struct err err = {0};
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    if (!make_request(r, &payload, &err)) {
        LOG(ERROR, "certificate.not_asked", F_ERR(&err), F_T("action", "trying again later"));
        return;
    }
    if (!link_publish(r->options.link, CHANNEL_WANT, buf_str(&payload), &err)) {
        if (err.code == ERR_OFFLINE) {
            feed(r, (struct renewal_event){.type = RENEWAL_LINK_DOWN});
        }
    }
}

/* It must be for our new key and our name, and of the CA that we trust. */
static bool check_certificate(struct renewer *r, struct str cert, struct err *err)
{
    const struct device_identity *identity = r->options.identity;
    struct identity_info info;
    struct wall_time now = clock_wall(loop_clock(r->options.loop));
    struct buf key = buf_growing(PEM_BYTES_MAX);
    bool ok = device_pending_key(r->options.state_dir, r->options.rng, &key, err) &&
              identity_read_cert(cert, &info, err) &&
              identity_check_pair(r->options.rng, cert, buf_str(&key), err);
    buf_wipe(&key);
    if (ok && !str_eq(str_from(info.common_name), identity->device)) {
        ok = err_set(err, ERR_DENIED, "it is for %s", info.common_name);
    }
    return ok && (!wall_is_set(now) ||
                  identity_verify(cert, identity->ca_pem, IDENTITY_CLIENT, now, err));
}

void renewer_take(struct renewer *r, struct str payload)
{
    struct err err = {0};
    struct message_certificate message;
    AUTO(arena) arena = arena_new(MESSAGE_ARENA_BYTES);
    if (r == NULL) {
        return;
    }
    if (!message_certificate_decode(payload, &arena, &message, &err)) {
        LOG(WARN, "certificate.bad_answer", F_ERR(&err), F_T("action", "asking again later"));
        return;
    }
    if (!str_is_empty(message.authorities)) {
        take_authorities(r, &message);
        return;
    }
    if (!str_is_empty(message.reason)) {
        LOG(WARN, "certificate.refused", F_S("reason", message.reason),
            F_T("action", "asking again later"));
        feed(r, (struct renewal_event){.type = RENEWAL_REFUSED});
        return;
    }
    bool is_awaited = r->core.state == RENEWAL_ASKED || r->core.state == RENEWAL_WAITING;
    if (!is_awaited) {
        return; /* said twice */
    }
    if (!check_certificate(r, message.cert_pem, &err) ||
        !device_pending_save(r->options.state_dir, message.cert_pem, &err)) {
        LOG(WARN, "certificate.bad_answer", F_ERR(&err), F_T("action", "asking again later"));
        return;
    }
    feed(r, (struct renewal_event){.type = RENEWAL_ISSUED});
}

/* --- the test --------------------------------------------------------------------------------- */

static void on_test_over(void *ctx)
{
    struct renewer *r = ctx;
    mqtt_close(r->test);
    r->test = NULL;
    feed(r,
         (struct renewal_event){.type = r->has_passed ? RENEWAL_TEST_PASSED : RENEWAL_TEST_FAILED});
}

static void on_online(void *ctx, bool tls_resumed)
{
    (void)tls_resumed;
    struct renewer *r = ctx;
    r->has_passed = true;
    mqtt_disconnect(r->test, false);
}

static void on_offline(void *ctx, const struct err *why)
{
    struct renewer *r = ctx;
    if (!r->has_passed && why != NULL) {
        LOG(WARN, "certificate.test_failed", F_ERR(why),
            F_T("action", "keeping the old certificate, trying again later"));
    }
    loop_defer(r->options.loop, &r->test_over);
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

static bool open_test(struct renewer *r, struct str key, struct str cert, struct err *err)
{
    const struct device_identity *identity = r->options.identity;
    char random[RANDOM_SIZE];
    char client_id[CLIENT_ID_SIZE];
    rng_hex(r->options.rng, (RANDOM_SIZE - 1) / 2, random);
    (void)snprintf(client_id, sizeof(client_id), STR_FMT ".%s", STR_ARG(identity->device), random);
    struct mqtt_options options = {.host = r->options.host,
                                   .port = r->options.port,
                                   .server_name = identity->host,
                                   .client_id = str_from(client_id),
                                   .ca_pem = identity->ca_pem,
                                   .cert_pem = cert,
                                   .key_pem = key,
                                   .ignore_dates =
                                       !wall_is_set(clock_wall(loop_clock(r->options.loop))),
                                   .keepalive_s = KEEPALIVE_S,
                                   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                   .inflight_max = 1,
                                   .payload_bytes_max = LIMIT_MESSAGE_BYTES,
                                   .socket_dir = str_from(r->options.state_dir)};
    struct mqtt_handlers handlers = {.on_online = on_online,
                                     .on_offline = on_offline,
                                     .on_message = ignore_message,
                                     .on_published = ignore_answer,
                                     .on_subscribed = ignore_answer,
                                     .ctx = r};
    return mqtt_open(&r->test, r->options.loop, r->options.rng, &options, &handlers, err) &&
           mqtt_connect(r->test, err);
}

static void test_pending(struct renewer *r)
{
    struct err err = {0};
    AUTO(buf) cert = buf_growing(PEM_BYTES_MAX);
    struct buf key = buf_growing(PEM_BYTES_MAX);
    r->has_passed = false;
    bool ok = device_pending_load(r->options.state_dir, &key, &cert, &err) &&
              open_test(r, buf_str(&key), buf_str(&cert), &err);
    buf_wipe(&key);
    if (!ok) {
        on_offline(r, &err);
    }
}

/* --- the swap --------------------------------------------------------------------------------- */

static void hold(struct renewer *r)
{
    struct err err = {0};
    struct identity_info info;
    look_at_authorities(r);
    if (!identity_read_cert(r->options.identity->cert_pem, &info, &err)) {
        LOG(ERROR, "certificate.not_read", F_ERR(&err));
        return;
    }
    feed(r, (struct renewal_event){.type = RENEWAL_HELD,
                                   .not_before = info.not_before,
                                   .not_after = info.not_after,
                                   .is_outdated = r->trusted.is_outdated});
}

static bool swap(struct renewer *r, struct err *err)
{
    struct buf key = buf_growing(PEM_BYTES_MAX);
    struct buf cert = buf_growing(PEM_BYTES_MAX);
    if (!device_pending_load(r->options.state_dir, &key, &cert, err) ||
        !device_pending_adopt(r->options.state_dir, err)) {
        buf_wipe(&key);
        buf_release(&cert);
        return false;
    }
    device_identity_wipe(r->options.identity);
    buf_wipe(&r->key);
    buf_release(&r->cert);
    r->key = key;
    r->cert = cert;
    r->options.identity->key_pem = buf_str(&r->key);
    r->options.identity->cert_pem = buf_str(&r->cert);
    return true;
}

static void swap_or_say(struct renewer *r)
{
    struct err err = {0};
    if (!swap(r, &err)) {
        LOG(ERROR, "certificate.not_written", F_ERR(&err),
            F_T("action", "keeping the old one until the next start"));
        return;
    }
    LOG(INFO, "certificate.renewed", F_T("action", "used from the next connection on"));
    link_use_identity(r->options.link);
    hold(r);
    say_authorities(r);
}

/* --- the way back ----------------------------------------------------------------------------- */

static void on_recovery_over(void *ctx)
{
    struct renewer *r = ctx;
    recovery_close(r->recovery);
    r->recovery = NULL;
}

static void on_recovered(void *ctx, const struct err *why)
{
    struct renewer *r = ctx;
    struct err err = {0};
    loop_defer(r->options.loop, &r->recovery_over);
    if (why != NULL || !swap(r, &err)) {
        int64_t wait = reconnect_delay_ns(RECOVER_BASE_NS, RECOVER_MAX_NS, ++r->recovery_failures,
                                          rng_u64(r->options.rng));
        r->recover_after.ns = loop_now(r->options.loop).ns + wait;
        LOG(WARN, "certificate.not_recovered", F_ERR(why != NULL ? why : &err),
            F_T("action", "trying again later"));
        return;
    }
    r->recovery_failures = 0;
    LOG(INFO, "certificate.recovered", F_T("action", "used from the next connection on"));
    link_use_identity(r->options.link);
    hold(r);
}

static void recover(struct renewer *r)
{
    struct err err = {0};
    if (r->recovery != NULL || loop_now(r->options.loop).ns < r->recover_after.ns) {
        return;
    }
    LOG(WARN, "certificate.recovery",
        F_T("action", "the certificate has expired: asking the hub for another"));
    const struct recovery_options options = {.loop = r->options.loop,
                                             .rng = r->options.rng,
                                             .state_dir = r->options.state_dir,
                                             .identity = r->options.identity,
                                             .host = r->options.host,
                                             .on_done = on_recovered,
                                             .ctx = r};
    if (!recovery_begin(&r->recovery, &options, &err)) {
        on_recovered(r, &err);
    }
}

void renewer_link_down(struct renewer *r, const struct err *why)
{
    if (r == NULL) {
        return;
    }
    feed(r, (struct renewal_event){.type = RENEWAL_LINK_DOWN});
    /* common/tls says it so, of the broker's alert: our own clock may know nothing of it. */
    if (why != NULL && str_contains(str_from(why->msg), STR("our certificate has expired"))) {
        recover(r);
    }
}

/* --- the core --------------------------------------------------------------------------------- */

static void carry_out(struct renewer *r, enum renewal_action_type type, struct mono_time at)
{
    switch (type) {
    case RENEWAL_ASK:
        ask(r);
        break;
    case RENEWAL_TEST:
        test_pending(r);
        break;
    case RENEWAL_SWAP:
        swap_or_say(r);
        break;
    case RENEWAL_ARM:
        loop_timer_arm(r->options.loop, &r->timer, at);
        break;
    case RENEWAL_DISARM:
        loop_timer_disarm(r->options.loop, &r->timer);
        break;
    }
}

/* An action may feed the core again, and then its timer is the later word: timers come first. */
static void feed(struct renewer *r, struct renewal_event event)
{
    struct renewal_actions actions;
    event.now = loop_now(r->options.loop);
    event.wall = clock_wall(loop_clock(r->options.loop));
    event.random = rng_u64(r->options.rng);
    renewal_step(&r->core, &event, &actions);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < actions.count; i++) {
            enum renewal_action_type type = actions.item[i].type;
            bool is_timer = type == RENEWAL_ARM || type == RENEWAL_DISARM;
            if (is_timer == (pass == 0)) {
                carry_out(r, type, actions.item[i].at);
            }
        }
    }
}

static void on_timer(void *ctx)
{
    feed(ctx, (struct renewal_event){.type = RENEWAL_TIMER});
}

/* --- life ------------------------------------------------------------------------------------- */

bool renewer_open(struct renewer **ret, const struct renewer_options *options, struct err *err)
{
    struct renewer *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(err, ERR_NO_MEMORY, "renew the certificate: out of memory");
    }
    r->options = *options;
    r->timer = (struct loop_timer){.on_due = on_timer, .ctx = r};
    r->recovery_over = (struct loop_task){.run = on_recovery_over, .ctx = r};
    r->test_over = (struct loop_task){.run = on_test_over, .ctx = r};
    *ret = r;
    return true;
}

void renewer_close(struct renewer *r)
{
    if (r == NULL) {
        return;
    }
    loop_timer_disarm(r->options.loop, &r->timer);
    loop_defer_cancel(r->options.loop, &r->test_over);
    loop_defer_cancel(r->options.loop, &r->recovery_over);
    recovery_close(r->recovery);
    mqtt_close(r->test);
    if (r->key.len > 0) {
        r->options.identity->key_pem = STR_NONE;
        r->options.identity->cert_pem = STR_NONE;
    }
    buf_wipe(&r->key);
    buf_release(&r->cert);
    trusted_release(&r->trusted, r->options.identity);
    free(r);
}

void renewer_start(struct renewer *r)
{
    if (r != NULL) {
        hold(r);
    }
}

void renewer_link_up(struct renewer *r)
{
    if (r != NULL) {
        feed(r, (struct renewal_event){.type = RENEWAL_LINK_UP});
    }
}

void renewer_clock_stepped(struct renewer *r)
{
    if (r != NULL) {
        feed(r, (struct renewal_event){.type = RENEWAL_CLOCK_STEPPED});
    }
}

void renewer_order(struct renewer *r)
{
    if (r != NULL) {
        feed(r, (struct renewal_event){.type = RENEWAL_ORDERED});
    }
}
