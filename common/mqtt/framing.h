/* framing.h - guards what the broker sends before libmosquitto sees it: the library allocates
 * whatever length a packet claims (up to 256 MiB) and keeps QoS 2 messages without a bound. Follows
 * only the fixed headers. Pure. Source: MQTT 5.0 section 2.1. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"

struct framing {
    size_t packet_bytes_max; /* of the remaining length */
    uint32_t remaining;      /* bytes of the present packet still to come */
    unsigned length_shift;   /* while the length is read */
    bool is_in_length;
};

/* False ends the connection: a packet that is too large (ERR_FULL), QoS 2 or a malformed length
 * (ERR_INVALID). */
MUST_CHECK bool framing_check(struct framing *f, struct str bytes, struct err *err);
