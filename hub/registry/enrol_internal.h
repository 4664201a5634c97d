/* enrol_internal.h - one request to become a device, while it is decided. */
#pragma once
#include "hub/registry/registry_internal.h"

enum { CERTIFICATE_BYTES_MAX = 16 << 10, REASON_BYTES = 300 };

struct decision {
    struct registry *registry;
    const struct enrol_authority *authority;
    const struct message_enrol_request *request;
    struct str device; /* the name that it gets */
    struct wall_time now;
    char key[FINGERPRINT_TEXT_SIZE];
    bool replaces;              /* the token is for new hardware of this very device */
    bool is_pending;            /* a person has to decide */
    char refusal[REASON_BYTES]; /* empty = not refused */
    int64_t wrong, closed_ns;   /* as of enrol_outcome */
    bool is_held;
    struct buf certificate;
    struct buf name; /* behind `device` when it is not the request's */
};
/* Always true, so that refusing ends a step as deciding does. */
PRINTF_LIKE(2, 3) bool enrol_refuse(struct decision *d, const char *fmt, ...);
bool enrol_is_refused(const struct decision *d);
/* Whether the name is free or this key's; refuses else. */
MUST_CHECK bool enrol_check_device(struct decision *d, struct err *err);
/* Issues a certificate and writes the device down. */
MUST_CHECK bool enrol_grant(struct decision *d, struct err *err);

/* Without a token: by serial number, or a person's word (pending.c). */
MUST_CHECK bool enrol_decide_stranger(struct decision *d, struct err *err);
/* With an expired certificate (recover.c). */
MUST_CHECK bool enrol_decide_returned(struct decision *d, struct err *err);
