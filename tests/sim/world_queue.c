/* world_queue.c - what comes next, and the dice. */
#include "tests/sim/world_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- helpers ---------------------------------------------------------------------------------- */

void world_fail(struct world *w, const char *fmt, ...)
{
    if (w->result->failure[0] != '\0') {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(w->result->failure, sizeof(w->result->failure), fmt, args);
    va_end(args);
}

bool world_has_failed(const struct world *w)
{
    return w->result->failure[0] != '\0';
}

bool world_chance(struct world *w, uint64_t percent)
{
    return w->now < w->faults_end && rng_below(&w->rng, 100) < percent;
}

int64_t world_between(struct world *w, int64_t from, int64_t to)
{
    return from + (int64_t)rng_below(&w->rng, (uint64_t)(to - from));
}

struct wall_time world_wall(const struct world *w)
{
    return (struct wall_time){START_WALL_NS + w->now};
}

static bool is_before(const struct item *a, const struct item *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

struct item *world_plan(struct world *w, int64_t delay, enum happening kind, int agent,
                        uint64_t life)
{
    struct item *item = calloc(1, sizeof(*item));
    if (w->queued == w->queue_cap) {
        w->queue_cap = w->queue_cap == 0 ? 256 : 2 * w->queue_cap;
        w->queue = reallocarray(w->queue, w->queue_cap, sizeof(*w->queue));
    }
    if (item == NULL || w->queue == NULL) {
        abort();
    }
    *item = (struct item){
        .at = w->now + delay, .order = ++w->order, .kind = kind, .agent = agent, .life = life};
    size_t i = w->queued++;
    while (i > 0 && is_before(item, w->queue[(i - 1) / 2])) {
        w->queue[i] = w->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->queue[i] = item;
    return item;
}

struct item *world_next(struct world *w)
{
    struct item *first = w->queue[0];
    struct item *last = w->queue[--w->queued];
    size_t i = 0;
    for (size_t child = 1; child < w->queued; child = 2 * i + 1) {
        child += child + 1 < w->queued && is_before(w->queue[child + 1], w->queue[child]);
        if (!is_before(w->queue[child], last)) {
            break;
        }
        w->queue[i] = w->queue[child];
        i = child;
    }
    w->queue[i] = last;
    return first;
}

void world_free_item(struct item *item)
{
    free(item->payload);
    free(item);
}
