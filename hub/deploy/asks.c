#include "hub/deploy/asks.h"

#include <stdio.h>

static struct ask *place(struct asks *asks, size_t i)
{
    return &asks->ring[(asks->first + i) % ASKS_MAX];
}

static void write_ask(struct ask *ask, struct str device, const struct bundle_want *want)
{
    (void)snprintf(ask->device, sizeof(ask->device), STR_FMT, STR_ARG(device));
    (void)snprintf(ask->bundle, sizeof(ask->bundle), STR_FMT, STR_ARG(want->bundle));
    (void)snprintf(ask->file, sizeof(ask->file), STR_FMT, STR_ARG(want->file));
    ask->offset = want->offset;
    ask->max = want->max;
}

bool asks_add(struct asks *asks, struct str device, const struct bundle_want *want)
{
    for (size_t i = 0; i < asks->count; i++) {
        if (str_eq(str_from(place(asks, i)->device), device)) {
            write_ask(place(asks, i), device, want);
            return true;
        }
    }
    if (asks->count == ASKS_MAX) {
        return false;
    }
    write_ask(place(asks, asks->count), device, want);
    asks->count++;
    return true;
}

const struct ask *asks_next(struct asks *asks, struct mono_time now, int64_t *ret_wait_ns)
{
    *ret_wait_ns = 0;
    int64_t passed_ns = now.ns - asks->at.ns;
    if (passed_ns > NS_PER_SEC || asks->at.ns == 0) {
        passed_ns = NS_PER_SEC; /* longer quiet saves nothing up */
    }
    int64_t gained = passed_ns / 1000 * asks->rate / (NS_PER_SEC / 1000);
    if (gained > 0) {
        asks->allowance += gained;
        asks->at = now;
    }
    if (asks->allowance > ASKS_BURST_BYTES) {
        asks->allowance = ASKS_BURST_BYTES;
    }
    if (asks->count == 0) {
        return NULL;
    }
    if (asks->allowance > 0) {
        return place(asks, 0);
    }
    *ret_wait_ns = (1 - asks->allowance) * (NS_PER_SEC / 1000) / asks->rate * 1000 + NS_PER_MS;
    return NULL;
}

void asks_done(struct asks *asks, int64_t bytes)
{
    asks->allowance -= bytes;
    asks->first = (asks->first + 1) % ASKS_MAX;
    asks->count--;
}
