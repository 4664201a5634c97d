/* figures.h - memory and processor time of hub and broker, read from /proc. */
#pragma once
#include "hub/config/config.h"

struct figures {
    int64_t cpu_ms;
    int64_t rss_bytes;
    int64_t rss_max_bytes; /* since it started */
};
/* The hub that has the state folder's lock; 0 = none runs. */
int figures_hub_pid(const struct hub_config *config);
/* Its broker: the first child; 0 = none that can be seen. */
int figures_child_pid(int pid);
/* Zeros when there is no such process. */
struct figures figures_read(int pid);
/* How many descriptors the process may have; INT64_MAX when it cannot be read. */
int64_t figures_descriptors_max(int pid);
/* Raises our own limit to at least `wanted`. ERR_FULL with what to do when it cannot be. */
MUST_CHECK bool figures_raise_descriptors(int64_t wanted, struct err *err);
