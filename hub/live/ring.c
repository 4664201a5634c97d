#include "hub/live/ring.h"

#include <stdlib.h>
#include <string.h>

struct ring {
    uint64_t oldest, next;
    struct str entries[RING_ENTRIES]; /* by number modulo RING_ENTRIES; on the heap */
};

bool ring_open(struct ring **ret, struct err *err)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (ring == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for live events");
    }
    ring->oldest = 1;
    ring->next = 1;
    *ret = ring;
    return true;
}

static void drop(struct str *entry)
{
    union {
        const char *in;
        void *out;
    } memory = {.in = entry->ptr};
    free(memory.out);
    *entry = STR_NONE;
}

void ring_close(struct ring *ring)
{
    if (ring == NULL) {
        return;
    }
    for (size_t i = 0; i < RING_ENTRIES; i++) {
        drop(&ring->entries[i]);
    }
    free(ring);
}

uint64_t ring_next(const struct ring *ring)
{
    return ring->next;
}

uint64_t ring_oldest(const struct ring *ring)
{
    return ring->oldest;
}

void ring_add(struct ring *ring, struct str text)
{
    struct str *entry = &ring->entries[ring->next % RING_ENTRIES];
    char *copy = malloc(text.len + 1);
    drop(entry);
    if (ring->next - ring->oldest == RING_ENTRIES) {
        ring->oldest++;
    }
    ring->next++;
    if (copy == NULL) {
        ring->oldest = ring->next; /* nobody may go on from before it */
        return;
    }
    memcpy(copy, text.ptr, text.len);
    *entry = (struct str){copy, text.len};
}

struct str ring_get(const struct ring *ring, uint64_t number)
{
    return ring->entries[number % RING_ENTRIES];
}
