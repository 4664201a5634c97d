/* peers.h - addresses of clients, and how many connections each has. Pure memory; no clock, no socket. */
#pragma once
#include "common/base/str.h"
#include <netinet/in.h>
#include <sys/socket.h>

/* IPv4 as IPv6 (::ffff:a.b.c.d), whichever way the socket has it; what is no internet address counts as
 * this machine's. */
struct in6_addr http_address_of(const struct sockaddr *address);
bool http_address_is_loopback(const struct in6_addr *address);
/* As text; "1.2.3.4", not "::ffff:1.2.3.4". */
void http_address_write(const struct in6_addr *address, char text[INET6_ADDRSTRLEN]);
MUST_CHECK bool http_address_parse(struct str text, struct in6_addr *ret);

enum { HTTP_PEER_BUCKETS = 1024 };
struct http_peer { /* an IPv4 address, or a /64: of IPv6 that is what one customer has at least */
    struct http_peer *next;
    uint64_t key;
    int count;
};
struct http_peers { /* begins as zeros */
    struct http_peer *buckets[HTTP_PEER_BUCKETS];
};
/* How many connections it has. */
int http_peers_count(const struct http_peers *peers, const struct in6_addr *address);
/* One more of it, until http_peers_leave(). NULL: no memory. */
struct http_peer *http_peers_enter(struct http_peers *peers, const struct in6_addr *address);
void http_peers_leave(struct http_peers *peers, struct http_peer *peer); /* NULL is allowed */
