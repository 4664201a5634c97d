#include "common/platform/rng.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

static void system_fill(void *ctx, void *bytes, size_t len)
{
    (void)ctx;
    unsigned char *to = bytes;
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno != EINTR) {
            abort(); /* without random numbers there are no keys and no identities */
        }
        size_t filled = got < 0 ? 0 : (size_t)got;
        to += filled;
        len -= filled;
    }
}

struct rng rng_system(void)
{
    return (struct rng){.fill = system_fill};
}

uint64_t rng_u64(const struct rng *r)
{
    uint64_t value = 0;
    r->fill(r->ctx, &value, sizeof(value));
    return value;
}

uint64_t rng_below(const struct rng *r, uint64_t bound)
{
    assert(bound > 0);
    /* The first 2^64 modulo `bound` values would make the small results likelier; they are drawn
     * again. */
    uint64_t refused = (0 - bound) % bound;
    uint64_t value = rng_u64(r);
    while (value < refused) {
        value = rng_u64(r);
    }
    return value % bound;
}

void rng_hex(const struct rng *r, size_t len, char *ret_text)
{
    /* The bytes go to the text's far half, which the digits overtake only at the last byte. */
    unsigned char *bytes = (unsigned char *)ret_text + len;
    r->fill(r->ctx, bytes, len);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = bytes[i];
        ret_text[2 * i] = "0123456789abcdef"[byte >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[byte & 0x0F];
    }
    ret_text[2 * len] = '\0';
}
