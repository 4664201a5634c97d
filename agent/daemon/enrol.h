/* enrol.h - makes this host a device of a fleet: key here, request over the hub's enrolment
 * listener, certificate back. Repeating it with the same token gives the same certificate again: a
 * lost answer costs nothing. */
#pragma once
#include "agent/daemon/identity_files.h"
#include "common/platform/rng.h"
#include "common/wire/messages.h"

struct enrol_options {
    const char *state_dir;
    struct enrol_token token;
    struct str device; /* the name asked for */
    struct str board;
    int64_t timeout_ns; /* for the whole exchange */
};
/* Blocks until the hub has answered. The identity's text lives in `arena`. ERR_DENIED with the
 * hub's reason; ERR_OFFLINE; ERR_TIMEOUT when no hub answers; ERR_EXISTS when this host is enrolled
 * under another name or fleet. */
MUST_CHECK bool enrol_device(const struct enrol_options *options, const struct rng *rng,
                             struct arena *arena, struct device_identity *ret, struct err *err);
