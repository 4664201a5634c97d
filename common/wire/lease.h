/* lease.h - places in the hub's pools: a device asks on `want`, the hub answers on `lease`. Both are
 * levels, not steps: whoever says it again changes nothing, and what is lost is said again. Pure.
 * docs/reference/protocol.md has the text. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

enum { LEASE_PLACES_MAX = 10000, LEASE_SECONDS_MAX = 86400 };

struct lease_ask {
    struct str pool;
    int64_t places;   /* so many it has use for; 0: it gives back all */
    int64_t held;     /* of them it holds now, by what it was told last */
    int64_t asked_ms; /* by the device's monotonic clock, which says nothing to anybody else */
};
void lease_ask_encode(const struct lease_ask *m, struct buf *out);
/* *ret_is_lease false: the message wants something else. */
MUST_CHECK bool lease_ask_decode(struct str payload, struct arena *arena, struct lease_ask *ret,
                                 bool *ret_is_lease, struct err *err);

struct lease_grant {
    struct str pool;
    int64_t places;   /* 0: it waits its turn */
    int64_t for_s;    /* counted from asked_ms; to be asked for again before */
    int64_t asked_ms; /* of the device's last word, as it said it */
    bool is_paused;   /* it keeps the places that steps are in, and no step begins */
};
void lease_grant_encode(const struct lease_grant *m, struct buf *out);
MUST_CHECK bool lease_grant_decode(struct str payload, struct arena *arena, struct lease_grant *ret,
                                   struct err *err);
