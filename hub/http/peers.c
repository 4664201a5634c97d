#include "hub/http/peers.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* --- addresses ---------------------------------------------------------------------------------- */

static struct in6_addr mapped(struct in_addr v4)
{
    struct in6_addr result = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&result.s6_addr[12], &v4, sizeof(v4));
    return result;
}

struct in6_addr http_address_of(const struct sockaddr *address)
{
    struct in6_addr result = IN6ADDR_LOOPBACK_INIT;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        result = mapped(in.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        result = in6.sin6_addr;
    }
    return result;
}

bool http_address_is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

void http_address_write(const struct in6_addr *address, char text[INET6_ADDRSTRLEN])
{
    text[0] = '\0';
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        (void)inet_ntop(AF_INET, &address->s6_addr[12], text, INET6_ADDRSTRLEN);
    } else {
        (void)inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
    }
}

bool http_address_parse(struct str text, struct in6_addr *ret)
{
    char memory[INET6_ADDRSTRLEN] = "";
    struct in_addr v4;
    if (text.len == 0 || text.len >= sizeof(memory)) {
        return false;
    }
    memcpy(memory, text.ptr, text.len);
    if (inet_pton(AF_INET, memory, &v4) == 1) {
        *ret = mapped(v4);
        return true;
    }
    return inet_pton(AF_INET6, memory, ret) == 1;
}

/* --- counts ------------------------------------------------------------------------------------- */

/* IPv4 in a /64 that is given to nobody (0::/8 is reserved). */
static uint64_t key_of(const struct in6_addr *address)
{
    uint64_t key = 0;
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        memcpy(&key, &address->s6_addr[8], sizeof(key));
    } else {
        memcpy(&key, &address->s6_addr[0], sizeof(key));
    }
    return key;
}

static size_t bucket_of(uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 54) % HTTP_PEER_BUCKETS;
}

static struct http_peer *find(const struct http_peers *peers, uint64_t key)
{
    struct http_peer *peer = peers->buckets[bucket_of(key)];
    while (peer != NULL && peer->key != key) {
        peer = peer->next;
    }
    return peer;
}

int http_peers_count(const struct http_peers *peers, const struct in6_addr *address)
{
    const struct http_peer *peer = find(peers, key_of(address));
    return peer != NULL ? peer->count : 0;
}

struct http_peer *http_peers_enter(struct http_peers *peers, const struct in6_addr *address)
{
    uint64_t key = key_of(address);
    struct http_peer *peer = find(peers, key);
    if (peer == NULL) {
        peer = calloc(1, sizeof(*peer));
        if (peer == NULL) {
            return NULL;
        }
        peer->key = key;
        peer->next = peers->buckets[bucket_of(key)];
        peers->buckets[bucket_of(key)] = peer;
    }
    peer->count++;
    return peer;
}

void http_peers_leave(struct http_peers *peers, struct http_peer *peer)
{
    if (peer == NULL || --peer->count > 0) {
        return;
    }
    struct http_peer **at = &peers->buckets[bucket_of(peer->key)];
    while (*at != peer) {
        at = &(*at)->next;
    }
    *at = peer->next;
    free(peer);
}
