#include "hub/identity/desk.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include <stdlib.h>
#include <string.h>

enum {
    CERTIFICATE_BYTES_MAX = 16 << 10,
    TELL_AT_ONCE = 50,
};
#define TELL_EVERY_NS NS_PER_SEC

struct identity {
    const struct desk_host *host;
    struct loop_timer timer; /* while there may be more to tell of the CAs */
    char after[LIMIT_NAME_BYTES + 1];
    size_t told; /* in this turn */
};

static void tell_some(void *ctx);

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct identity *desk = calloc(1, sizeof(*desk));
    if (desk == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    desk->host = host;
    desk->timer = (struct loop_timer){.on_due = tell_some, .ctx = desk};
    *ret = desk;
    return true;
}

static void close_desk(void *desk)
{
    struct identity *identity = desk;
    if (identity != NULL) {
        loop_timer_disarm(identity->host->loop, &identity->timer);
    }
    free(identity);
}

static void answer(const struct desk_host *host, struct str device,
                   const struct message_certificate *message)
{
    struct err err = {0};
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    message_certificate_encode(message, &payload);
    const struct desk_message reply = {
        .device = device, .channel = CHANNEL_CERTIFICATE, .payload = buf_str(&payload)};
    if (!host->publish(host->ctx, &reply, &err)) {
        LOG(DEBUG, "certificate.not_said", F_S("device", device), F_ERR(&err));
    }
}

/* --- certificates ------------------------------------------------------------------------------- */

/* The broker lets a device write its own topics only: the topic says who asks. */
static void renew(const struct desk_host *host, struct str device,
                  const struct message_want_certificate *want)
{
    struct err err = {0};
    struct message_certificate message = {0};
    AUTO(buf) cert = buf_growing(CERTIFICATE_BYTES_MAX);
    const struct enrol_authority authority =
        authority_for_devices(host->authority, host->config, host->rng);
    const struct certificate_order order = {.device = device,
                                            .csr_pem = want->csr_pem,
                                            .cause = "renewed",
                                            .now = clock_wall(loop_clock(host->loop)),
                                            .authorities = want->authorities};
    host->settle(host->ctx);
    if (!registry_renew(host->registry, &authority, &order, &cert, &message.reason, &err)) {
        LOG(ERROR, "certificate.failed", F_S("device", device), F_ERR(&err));
        return; /* it asks again */
    }
    message.cert_pem = str_is_empty(message.reason) ? buf_str(&cert) : STR_NONE;
    if (str_is_empty(message.reason)) {
        LOG(INFO, "certificate.issued", F_S("device", device));
    } else {
        host->refuse(host->ctx, device, "certificate", message.reason);
    }
    answer(host, device, &message);
}

/* --- which CAs to trust ------------------------------------------------------------------------- */

/* Whoever has them already says so again. */
static void tell_authorities(void *ctx, struct str device)
{
    struct identity *identity = ctx;
    const struct authority *authority = identity->host->authority;
    struct buf after = buf_fixed(identity->after, sizeof(identity->after));
    const struct message_certificate message = {
        .authorities = authority->trusted, .signature = str_from(authority->trusted_signature)};
    answer(identity->host, device, &message);
    buf_add(&after, device);
    (void)buf_cstr(&after);
    identity->told++;
}

/* So many a second, so that a fleet does not ask for its certificates at once. */
static void tell_some(void *ctx)
{
    struct identity *identity = ctx;
    struct err err = {0};
    char after[sizeof(identity->after)];
    const struct registry_behind which = {.list = str_from(identity->host->authority->trusted_list),
                                          .after = {after, strlen(identity->after)},
                                          .limit = TELL_AT_ONCE};
    memcpy(after, identity->after, sizeof(after)); /* telling moves it on */
    identity->told = 0;
    if (!registry_each_behind(identity->host->registry, &which, tell_authorities, identity, &err)) {
        LOG(WARN, "authorities.not_told", F_ERR(&err), F_T("action", "trying again later"));
    } else if (identity->told == TELL_AT_ONCE) {
        loop_timer_arm_in(identity->host->loop, &identity->timer, TELL_EVERY_NS);
        return;
    }
    identity->after[0] = '\0'; /* once more from the first at the next look */
}

static void poked(void *desk)
{
    struct identity *identity = desk;
    if (identity->after[0] == '\0') {
        tell_some(identity);
    }
}

static void note_authorities(struct identity *identity, struct str device,
                             const struct message_want_certificate *want)
{
    struct registry *registry = identity->host->registry;
    struct err err = {0};
    bool is_known = false;
    LOG(DEBUG, "authorities.said", F_S("device", device), F_S("trusts", want->authorities));
    if (!registry_are_authorities(registry, device, want->authorities, want->authority, &is_known,
                                  &err)) {
        LOG(ERROR, "registry.write_failed", F_ERR(&err));
    }
    if (is_known) {
        return; /* no commit for nothing */
    }
    identity->host->settle(identity->host->ctx);
    if (!registry_set_authorities(registry, device, want->authorities, want->authority, &err)) {
        LOG(ERROR, "registry.write_failed", F_ERR(&err));
    }
}

static void born(void *desk, struct str device, const struct message_birth *birth)
{
    struct identity *identity = desk;
    if (!str_is_empty(birth->authorities) &&
        !str_eq(birth->authorities, str_from(identity->host->authority->trusted_list))) {
        char after[sizeof(identity->after)];
        memcpy(after, identity->after, sizeof(after)); /* it is nobody's turn */
        tell_authorities(identity, device);
        memcpy(identity->after, after, sizeof(after));
    }
}

static void take(void *desk, struct str device, enum channel channel, struct str payload,
                 struct arena *arena)
{
    struct identity *identity = desk;
    struct message_want_certificate want;
    struct err err = {0};
    if (channel != CHANNEL_WANT || !message_want_certificate_decode(payload, arena, &want, &err)) {
        return;
    }
    if (!str_is_empty(want.authorities)) {
        note_authorities(identity, device, &want);
    }
    if (!str_is_empty(want.csr_pem)) {
        renew(identity->host, device, &want);
    }
}

const struct desk identity_desk = {.name = "identity",
                                   .open = open_desk,
                                   .close = close_desk,
                                   .born = born,
                                   .take = take,
                                   .poked = poked};
