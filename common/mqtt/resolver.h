/* resolver.h - from a host name to addresses without blocking the loop. Addresses and "localhost"
 * need no thread; any other name is looked up by getaddrinfo() in one short-lived thread.
 *
 * getaddrinfo() cannot be stopped. A lookup that its attempt gave up on goes on, and its answer
 * serves the next attempt (the name is the same): there is never more than one thread for a
 * session. The thread shares no memory with us: it owns its copy of the name and one end of a
 * socket pair, through which the answer comes as one datagram. Closing the resolver closes our end
 * and leaves the thread to end by itself. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/platform/loop.h"
#include <sys/socket.h>

enum { ADDRESSES_MAX = 8 };
struct address {
    struct sockaddr_storage sockaddr;
    socklen_t len;
};
struct address_list {
    struct address item[ADDRESSES_MAX];
    size_t count; /* 1.. */
};

struct resolver;
struct resolver_options {
    struct loop *loop;
    struct str host; /* copied */
    int port;
    /* Gets the addresses, or NULL and why not. */
    void (*on_done)(void *ctx, const struct address_list *list, const struct err *why);
    void *ctx;
};
MUST_CHECK bool resolver_open(struct resolver **ret, const struct resolver_options *options,
                              struct err *err);
void resolver_close(struct resolver *r); /* NULL is allowed; does not wait for a lookup under way */
/* Either *ret is filled and *ret_is_pending false, or on_done is called later. */
MUST_CHECK bool resolver_start(struct resolver *r, struct address_list *ret, bool *ret_is_pending,
                               struct err *err);
void resolver_abandon(
    struct resolver *r); /* NULL is allowed; on_done is not called for the present start */

/* "127.0.0.1", "::1": for messages. */
enum { ADDRESS_TEXT_SIZE = 64 };
const char *address_text(const struct address *a, char text[ADDRESS_TEXT_SIZE]);
