/* enrol.h - makes this host a device of a fleet, or one again: key here, request over the hub's
 * enrolment listener, certificate back. With a token, with nothing but a serial number or a person's word
 * on the hub, or with the expired certificate. Repeating a request gives the same answer again: a lost
 * one costs nothing. */
#pragma once
#include "agent/daemon/identity_files.h"
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "common/tls/identity.h"
#include "common/wire/messages.h"

struct enrol_options { /* borrowed until it is over */
    const char *state_dir;
    struct enrol_token token; /* id and secret are empty when there is no token */
    struct str device;        /* the name asked for; may be empty with a serial number */
    struct str board;
    struct str serial_number; /* of the hardware; may be empty */
    int64_t timeout_ns;       /* until the hub's first answer; a person may take longer */
    /* The hub waits for a person's word; said once. The short fingerprint is what both compare. */
    void (*on_pending)(void *ctx, const char *fingerprint);
    void *ctx;
};
/* Blocks until the hub has decided. The identity's text lives in `arena`. ERR_DENIED with the hub's
 * reason; ERR_OFFLINE; ERR_TIMEOUT when no hub answers; ERR_EXISTS when this host is enrolled under
 * another name or fleet. */
MUST_CHECK bool enrol_device(const struct enrol_options *options, const struct rng *rng,
                             struct arena *arena, struct device_identity *ret, struct err *err);

/* The first digits of a public key's fingerprint, in groups, for people: "b1f0-a6e7-c3b9-a214". */
enum { SHORT_FINGERPRINT_SIZE = 20 };
void enrol_short_fingerprint(const char *fingerprint, char ret[SHORT_FINGERPRINT_SIZE]);

/* A device whose certificate has expired asks for another, in its daemon's loop. The pair is written
 * as in renewing, and waits to be adopted when `on_done` is called with NULL. */
struct recovery;
struct recovery_options { /* borrowed until it is closed */
    struct loop *loop;
    const struct rng *rng;
    const char *state_dir;
    const struct device_identity *identity;
    struct str host; /* where to connect; the certificate is checked for identity->host */
    void (*on_done)(void *ctx, const struct err *why);
    void *ctx;
};
MUST_CHECK bool recovery_begin(struct recovery **ret, const struct recovery_options *options,
                               struct err *err);
void recovery_close(struct recovery *recovery); /* NULL is allowed; not from within on_done */
