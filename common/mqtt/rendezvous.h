/* rendezvous.h - the in-process UNIX socket on which libmosquitto meets us. Exists from just before
 * its connect() to our accept(), in a folder of ours, and accepts nobody but this process. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/platform/rng.h"
#include <sys/un.h>

struct rendezvous {
    int fd; /* the listener */
    struct sockaddr_un address;
};
/* The path is at most 107 bytes (sun_path); ERR_INVALID beyond. */
MUST_CHECK bool rendezvous_open(struct rendezvous *ret, struct str dir, const struct rng *rng,
                                struct err *err);
/* The connection that this process made: non-blocking, close-on-exec, the caller's. Others are
 * turned away. */
MUST_CHECK bool rendezvous_accept(struct rendezvous *r, int *ret_fd, struct err *err);
void rendezvous_release(struct rendezvous *r); /* closes and unlinks; fits AUTO(rendezvous) */
