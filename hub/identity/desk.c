#include "hub/identity/desk.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include <stdlib.h>

enum { CERTIFICATE_BYTES_MAX = 16 << 10 };

struct identity {
    const struct desk_host *host;
};

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct identity *desk = calloc(1, sizeof(*desk));
    if (desk == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    desk->host = host;
    *ret = desk;
    return true;
}

static void close_desk(void *desk)
{
    free(desk);
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

/* The broker lets a device write its own topics only: the topic says who asks. */
static void renew(const struct desk_host *host, struct str device, struct str csr)
{
    struct err err = {0};
    struct message_certificate message = {0};
    AUTO(buf) cert = buf_growing(CERTIFICATE_BYTES_MAX);
    const struct enrol_authority authority = {.ca_cert = host->authority->ca_cert,
                                              .ca_key = host->authority->ca_key,
                                              .certificate_ns = host->config->certificate_ns,
                                              .rng = host->rng};
    const struct certificate_order order = {.device = device,
                                            .csr_pem = csr,
                                            .cause = "renewed",
                                            .now = clock_wall(loop_clock(host->loop))};
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

static void take(void *desk, struct str device, enum channel channel, struct str payload,
                 struct arena *arena)
{
    const struct identity *identity = desk;
    struct message_want_certificate want;
    struct err err = {0};
    if (channel == CHANNEL_WANT && message_want_certificate_decode(payload, arena, &want, &err) &&
        !str_is_empty(want.csr_pem)) {
        renew(identity->host, device, want.csr_pem);
    }
}

const struct desk identity_desk = {
    .name = "identity", .open = open_desk, .close = close_desk, .take = take};
