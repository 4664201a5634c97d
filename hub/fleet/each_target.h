/* each_target.h - the devices that a person means, as they are now. */
#pragma once
#include "hub/fleet/targets.h"
#include "hub/registry/registry.h"

/* Every device of the fleet that matches, by name; not those that are revoked or decommissioned.
 * All are read first: `on_device` may use the registry. Its text is borrowed for the call. */
MUST_CHECK bool registry_each_target(struct registry *registry, const struct targets *targets,
                                     void (*on_device)(void *ctx,
                                                       const struct target_device *device),
                                     void *ctx, struct err *err);
