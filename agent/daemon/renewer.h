/* renewer.h - renews this device's certificate: carries out what agent/identity decides. The new key
 * is made here and written before anybody is asked; the old pair stays in use until a connection with the
 * new one has worked. Files: identity_files.h. */
#pragma once
#include "agent/daemon/identity_files.h"
#include "agent/daemon/link.h"
#include "agent/identity/renewal.h"

struct renewer;
struct
    renewer_options { /* borrowed for its life, but for the texts of `identity` that it replaces */
    struct loop *loop;
    const struct rng *rng;
    const char *state_dir;
    struct device_identity *identity; /* gets the new pair */
    struct link *link;
    struct str host; /* where the link connects */
    int port;
};
MUST_CHECK bool renewer_open(struct renewer **ret, const struct renewer_options *options,
                             struct err *err);
void renewer_close(struct renewer *renewer); /* NULL is allowed, also below */
void renewer_start(struct renewer *renewer);
void renewer_link_up(struct renewer *renewer);
/* When the broker says that our certificate has expired, the hub is asked for another at its
 * listener for enrolment: the way back of who was away too long, or whose clock was wrong. */
void renewer_link_down(struct renewer *renewer, const struct err *why);
void renewer_clock_stepped(struct renewer *renewer);
/* Now, whatever the dates say. */
void renewer_order(struct renewer *renewer);
/* The hub's answer. */
void renewer_take(struct renewer *renewer, struct str payload);
