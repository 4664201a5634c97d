/* dialer.h - a TCP connection to the first address that answers, without blocking. Each address
 * gets its share of the time that is left, so that one that swallows packets does not hide the
 * next. */
#pragma once
#include "common/mqtt/resolver.h"

struct dialer {
    struct loop *loop;
    /* The connected descriptor is the callee's (non-blocking, close-on-exec, TCP_NODELAY); -1 and
     * why when no address answered. */
    void (*on_done)(void *ctx, int fd, const struct err *why);
    void *ctx;

    struct address_list list;
    size_t next;
    struct mono_time deadline;
    struct loop_fd socket; /* fd is ours while is_dialing */
    bool is_dialing;
    struct loop_timer timer;
    struct err last; /* why the latest address failed */
};

/* `d` is zero but for loop, on_done and ctx. on_done is called from the loop, never from here. */
void dialer_start(struct dialer *d, const struct address_list *list, struct mono_time deadline);
void dialer_stop(struct dialer *d); /* idempotent */
