/* A binary heap in an array; each timer knows its place, so that disarming needs no search. */
#include "common/platform/loop_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAP = 64 };

bool timer_heap_init(struct timer_heap *heap)
{
    *heap = (struct timer_heap){.cap = FIRST_CAP};
    heap->items = calloc(FIRST_CAP, sizeof(struct loop_timer *));
    return heap->items != NULL;
}

void timer_heap_fini(struct timer_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        heap->items[i]->heap_index = 0;
    }
    free(heap->items);
    *heap = (struct timer_heap){0};
}

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due.ns != b->due.ns ? a->due.ns < b->due.ns : a->order < b->order;
}

static void place(struct timer_heap *heap, size_t at, struct loop_timer *timer)
{
    heap->items[at] = timer;
    timer->heap_index = at + 1;
}

/* Moves the timer from the free place `at` towards the root, then towards the leaves, until it
 * fits. */
static void sift(struct timer_heap *heap, size_t at, struct loop_timer *timer)
{
    while (at > 0 && is_before(timer, heap->items[(at - 1) / 2])) {
        place(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && is_before(heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!is_before(heap->items[child], timer)) {
            break;
        }
        place(heap, at, heap->items[child]);
        at = child;
    }
    place(heap, at, timer);
}

void timer_heap_add(struct timer_heap *heap, struct loop_timer *timer, struct mono_time due)
{
    assert(timer->heap_index == 0);
    if (heap->count == heap->cap) {
        struct loop_timer **items =
            reallocarray(heap->items, heap->cap * 2, sizeof(struct loop_timer *));
        if (items == NULL) {
            abort(); /* a time-out that is lost would hang its owner; a restart heals */
        }
        heap->items = items;
        heap->cap *= 2;
    }
    timer->due = due;
    timer->order = heap->next_order++;
    heap->count++;
    sift(heap, heap->count - 1, timer);
}

void timer_heap_remove(struct timer_heap *heap, struct loop_timer *timer)
{
    if (timer->heap_index == 0) {
        return;
    }
    size_t at = timer->heap_index - 1;
    assert(at < heap->count && heap->items[at] == timer);
    timer->heap_index = 0;
    struct loop_timer *last = heap->items[--heap->count];
    if (last != timer) {
        sift(heap, at, last);
    }
}

struct loop_timer *timer_heap_first(const struct timer_heap *heap)
{
    return heap->count == 0 ? NULL : heap->items[0];
}
