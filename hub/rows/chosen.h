/* chosen.h - the devices that a command line, or a request, means, as they are now. */
#pragma once
#include "common/base/arena.h"
#include "hub/registry/registry.h"

struct chosen {
    struct arena arena; /* of the names */
    struct str *devices;
    size_t count, cap;
    int64_t online; /* of them */
};
/* ERR_INVALID: the expression is wrong; ERR_NOT_FOUND: a device that it names is not there. May be
 * none. Release it, also after an error. */
MUST_CHECK bool chosen_find(struct registry *registry, struct str targets, struct chosen *ret,
                            struct err *err);
void chosen_release(struct chosen *chosen);
