/* town_queue.c - what comes next, and the dice. */
#include "tests/sim/town_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void town_fail(struct town *t, const char *fmt, ...)
{
    char text[400];
    va_list args;
    if (t->result->failure[0] != '\0') {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)snprintf(t->result->failure, sizeof(t->result->failure), "day %.4f: %s",
                   (double)t->now / (double)(24 * HOUR_NS), text);
}

bool town_has_failed(const struct town *t)
{
    return t->result->failure[0] != '\0';
}

void town_check(struct town *t, bool ok, const struct err *err, const char *what)
{
    if (!ok) {
        town_fail(t, "%s: %s", what, err->msg);
    }
}

bool town_chance(struct town *t, uint64_t percent)
{
    return t->now < t->trouble_ends && rng_below(&t->rng, 100) < percent;
}

int64_t town_between(struct town *t, int64_t from, int64_t to)
{
    return from + (int64_t)rng_below(&t->rng, (uint64_t)(to - from));
}

static bool is_before(const struct town_item *a, const struct town_item *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

struct town_item *town_plan(struct town *t, int64_t delay, enum town_kind kind, int owner)
{
    struct town_item *item = calloc(1, sizeof(*item));
    if (t->queued == t->queue_cap) {
        t->queue_cap = t->queue_cap == 0 ? 4096 : 2 * t->queue_cap;
        t->queue = reallocarray(t->queue, t->queue_cap, sizeof(struct town_item *));
    }
    if (item == NULL || t->queue == NULL) {
        abort();
    }
    *item =
        (struct town_item){.at = t->now + delay, .order = ++t->order, .kind = kind, .owner = owner};
    size_t i = t->queued++;
    while (i > 0 && is_before(item, t->queue[(i - 1) / 2])) {
        t->queue[i] = t->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    t->queue[i] = item;
    return item;
}

struct town_item *town_plan_trouble(struct town *t, int64_t from, int64_t to, enum town_kind kind)
{
    return town_plan(t, town_between(t, from, to) / t->options->trouble, kind, 0);
}

struct town_item *town_next(struct town *t)
{
    struct town_item *first = t->queue[0];
    struct town_item *last = t->queue[--t->queued];
    size_t i = 0;
    for (size_t child = 1; child < t->queued; child = 2 * i + 1) {
        child += child + 1 < t->queued && is_before(t->queue[child + 1], t->queue[child]);
        if (!is_before(t->queue[child], last)) {
            break;
        }
        t->queue[i] = t->queue[child];
        i = child;
    }
    t->queue[i] = last;
    return first;
}

void town_free_item(struct town_item *item)
{
    free(item->payload);
    free(item);
}
