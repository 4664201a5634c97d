/* fault_malloc.h - makes one allocation of the code under test fail (link-time wrap of malloc,
 * calloc and realloc; allocations inside shared libraries are not seen). One thread. */
#pragma once
#include <stdbool.h>

/* The allocation `nth` from now on fails, once: 0 is the next one. */
void fault_malloc_arm(int nth);
/* No allocation fails any more. Returns whether one did since the last arm: a loop over nth ends
 * when it did not. */
bool fault_malloc_disarm(void);
bool fault_malloc_fired(void);
