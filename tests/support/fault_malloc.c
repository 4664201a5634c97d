#include "tests/support/fault_malloc.h"

#include <stdlib.h>

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static int countdown = -1; /* allocations before the one that fails; -1 = not armed */
static bool has_fired;

void fault_malloc_arm(int nth)
{
    countdown = nth;
    has_fired = false;
}

bool fault_malloc_disarm(void)
{
    countdown = -1;
    return has_fired;
}

bool fault_malloc_fired(void)
{
    return has_fired;
}

static bool is_failing(void)
{
    if (countdown < 0) {
        return false;
    }
    if (countdown-- > 0) {
        return false;
    }
    has_fired = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_failing() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_failing() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return is_failing() ? NULL : __real_realloc(ptr, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
