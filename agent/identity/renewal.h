/* renewal.h - when a device renews its certificate, and how far it is: decides, while the shell makes
 * keys, asks, connects and writes (agent/daemon/renewer.c). Pure.
 *
 *   RESTING --two thirds of its life--> WANTING --connected--> ASKED --certificate--> TESTING
 *      ^                                   ^                     |                       |
 *      |                                   +------ WAITING <-----+--- nothing, refused <-+
 *      +------------------------------ swapped <---------------- connected with it ------+
 *
 * A certificate of a CA that is on its way out is renewed soon, by chance within a time that follows
 * from its life (RENEWAL_OUTDATED): another CA is trusted, and a whole fleet was told of it.
 * While the clock is not set nothing is due. All waits follow from the certificate's life, so that
 * one of minutes works as one of months. */
#pragma once
#include "common/base/time.h"
#include <stdbool.h>
#include <stddef.h>

enum renewal_state {
    RENEWAL_RESTING,
    RENEWAL_WANTING,
    RENEWAL_ASKED,
    RENEWAL_WAITING,
    RENEWAL_TESTING
};
enum renewal_event_type {
    RENEWAL_HELD, /* this certificate is in use from now on */
    RENEWAL_LINK_UP,
    RENEWAL_LINK_DOWN,
    RENEWAL_TIMER,
    RENEWAL_CLOCK_STEPPED,
    RENEWAL_ORDERED,  /* somebody wants it now */
    RENEWAL_OUTDATED, /* a newer CA is trusted than the one of the certificate in use */
    RENEWAL_ISSUED,   /* a new certificate is here, and written */
    RENEWAL_REFUSED,
    RENEWAL_TEST_PASSED,
    RENEWAL_TEST_FAILED,
};
struct renewal_event {
    enum renewal_event_type type;
    struct mono_time now;
    struct wall_time wall;
    uint64_t random;
    struct wall_time not_before, not_after; /* HELD */
    bool is_outdated;                       /* HELD: as RENEWAL_OUTDATED says it */
};
enum renewal_action_type {
    RENEWAL_ASK, /* with the key that waits, or a new one, which is written first */
    RENEWAL_TEST,
    RENEWAL_SWAP, /* RENEWAL_HELD follows */
    RENEWAL_ARM,
    RENEWAL_DISARM,
};
enum { RENEWAL_ACTIONS_MAX = 4 };
struct renewal_actions {
    struct {
        enum renewal_action_type type;
        struct mono_time at; /* ARM */
    } item[RENEWAL_ACTIONS_MAX];
    size_t count;
};
struct renewal { /* zeroed at first; begins with RENEWAL_HELD */
    enum renewal_state state;
    bool is_up, is_ordered;
    bool has_issued;        /* a certificate waits for its test */
    struct wall_time due;   /* of the one in use */
    int64_t life_ns;        /* of the one in use */
    struct mono_time quiet; /* before that none is due, whatever the clock says */
    bool was_renewed;
    bool is_outdated; /* another is due at `move`, at the latest */
    int in_vain;      /* renewals that brought none of the newer CA, one after the other */
    struct mono_time move;
    int64_t failures;
};
void renewal_step(struct renewal *r, const struct renewal_event *event,
                  struct renewal_actions *ret);
const char *renewal_state_name(enum renewal_state state);
