/* rotation.h - another CA takes the place of the one that a fleet has, as files: ca/next.pem and
 * ca/next.key stand beside ca/ca.pem and ca/ca.key while both are trusted. Whatever step a crash
 * falls into, what is left is the state before or the one after. Who is told what, and when:
 * docs/decisions/0017-ca-rotation.md. */
#pragma once
#include "common/base/err.h"
#include "common/platform/rng.h"
#include "common/tls/identity.h"
#include "hub/config/config.h"

struct rotation {
    bool is_under_way;
    struct identity_info current; /* signs the broker's certificate and the hub's */
    struct identity_info next;    /* under way: signs those of devices that trust it */
};
MUST_CHECK bool rotation_read(const struct hub_config *config, struct rotation *ret,
                              struct err *err);
/* Makes the next one. ERR_BUSY while another command changes it, ERR_DENIED when the files are
 * another user's (below, too). ERR_EXISTS when one is under way; ERR_INVALID when the clock is not behind
 * the beginning of the CA in force. */
MUST_CHECK bool rotation_begin(const struct hub_config *config, const struct rng *rng,
                               struct wall_time now, struct err *err);
/* The next one takes the place of the one in force, which is gone. ERR_NOT_FOUND: none is under way. */
MUST_CHECK bool rotation_finish(const struct hub_config *config, struct err *err);
/* Completes what a crash has interrupted. Before the files are read by who uses the keys. */
MUST_CHECK bool rotation_settle(const struct hub_config *config, struct err *err);
