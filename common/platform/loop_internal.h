/* loop_internal.h - the heap of timers, apart from the loop that waits for it. For loop.c only. */
#pragma once
#include "common/platform/loop.h"

struct timer_heap {
    struct loop_timer **items; /* items[0] is the earliest */
    size_t count;
    size_t cap;
    uint64_t next_order;
};

bool timer_heap_init(struct timer_heap *heap); /* false: out of memory */
void timer_heap_fini(struct timer_heap *heap); /* leaves every timer disarmed */
void timer_heap_add(struct timer_heap *heap, struct loop_timer *timer, struct mono_time due);
void timer_heap_remove(struct timer_heap *heap, struct loop_timer *timer);
/* The earliest timer, or NULL. */
struct loop_timer *timer_heap_first(const struct timer_heap *heap);
