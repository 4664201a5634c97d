/* compose.h - what the documents that mean a device come to. Pure.
 *
 * In their order, by priority, then by name: a schedule is taken from the last that has it, whole; a
 * setting from the last that gives it; pauses add up. Two of equal priority that say different things
 * are a conflict: the later wins, and it is told. */
#pragma once
#include "common/wire/desired.h"
#include "hub/fleet/targets.h"

struct layer { /* a document */
    struct str name;
    int64_t priority;
    const struct targets *targets;
    struct desired_content content;
};
struct composed {
    size_t layers; /* how many mean the device */
    struct desired_content content;
    struct str conflicts;         /* one a line; empty = none */
    struct str problem;           /* it is more than a device takes: nothing can be issued */
    char hash[DESIRED_HASH_SIZE]; /* of the content */
};
/* `layers` in their order. Text and trees are borrowed from the layers, or in `arena`. `bundle` as in
 * desired_content. */
MUST_CHECK bool compose(const struct layer *layers, size_t count,
                        const struct target_device *device, struct str bundle, struct arena *arena,
                        struct composed *ret, struct err *err);
void layers_sort(struct layer *layers, size_t count);
