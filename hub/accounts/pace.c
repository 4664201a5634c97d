#include "hub/accounts/pace.h"

#include "common/base/buf.h"
#include <arpa/inet.h>
#include <string.h>

/* A bucket saves time up to burst times `every`, and each attempt costs `every`. */
static bool has_one(struct pace_bucket *b, int64_t burst, int64_t every_ns, struct mono_time now,
                    int64_t *ret_wait_ns)
{
    if (b->at.ns == 0) {
        *b = (struct pace_bucket){.tokens_ns = burst * every_ns, .at = now};
    }
    int64_t passed = now.ns > b->at.ns ? now.ns - b->at.ns : 0;
    int64_t most = burst * every_ns;
    b->tokens_ns = passed > most - b->tokens_ns ? most : b->tokens_ns + passed;
    b->at = now;
    *ret_wait_ns = every_ns - b->tokens_ns;
    return b->tokens_ns >= every_ns;
}

static struct pace_peer *peer_of(struct pace *pace, struct str name)
{
    struct pace_peer *oldest = &pace->peers[0];
    for (size_t i = 0; i < PACE_PEERS; i++) {
        struct pace_peer *p = &pace->peers[i];
        if (str_eq(str_from(p->name), name)) {
            return p;
        }
        if (p->bucket.at.ns < oldest->bucket.at.ns) {
            oldest = p;
        }
    }
    *oldest = (struct pace_peer){0};
    memcpy(oldest->name, name.ptr, name.len);
    return oldest;
}

/* Whoever has one address of IPv6 has the 2^64 of its network. */
static struct str place_of(struct str peer, char memory[PACE_PEER_BYTES])
{
    struct in6_addr address;
    struct buf text = buf_fixed(memory, PACE_PEER_BYTES);
    buf_add(&text, str_clip(peer, PACE_PEER_BYTES - 1));
    if (inet_pton(AF_INET6, buf_cstr(&text), &address) == 1) {
        memset(&address.s6_addr[8], 0, 8);
        (void)inet_ntop(AF_INET6, &address, memory, PACE_PEER_BYTES);
        return str_from(memory);
    }
    return buf_str(&text);
}

bool pace_take(struct pace *pace, struct str peer, bool is_known, struct mono_time now,
               int64_t *ret_wait_s)
{
    char memory[PACE_PEER_BYTES];
    struct pace_peer *p = peer_of(pace, place_of(peer, memory));
    int64_t peer_wait = 0;
    int64_t all_wait = 0;
    bool may_peer =
        has_one(&p->bucket, PACE_PEER_BURST, PACE_PEER_EVERY_S * NS_PER_SEC, now, &peer_wait);
    bool may_all = is_known || (may_peer && has_one(&pace->all, PACE_ALL_BURST,
                                                    NS_PER_SEC / PACE_ALL_PER_S, now, &all_wait));
    if (may_peer && may_all) {
        p->bucket.tokens_ns -= PACE_PEER_EVERY_S * NS_PER_SEC;
        pace->all.tokens_ns -= is_known ? 0 : NS_PER_SEC / PACE_ALL_PER_S;
        return true;
    }
    int64_t wait = may_peer ? all_wait : peer_wait;
    *ret_wait_s = (wait + NS_PER_SEC - 1) / NS_PER_SEC;
    return false;
}
