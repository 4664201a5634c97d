/* load_rejects.h - the rejects of a load: read from its options, told in the log, given to the
 * target's quarantine. */
#pragma once
#include "agent/el/target.h"

MUST_CHECK bool load_rejects_init(struct rejects *r, const struct load_options *load,
                                  const struct target_ops *target, struct arena *arena,
                                  struct err *err);
/* Has the quarantine take those that wait. */
MUST_CHECK bool load_rejects_flush(struct rejects *r, struct target *target, struct err *err);
/* The load failed; at its limit, what was rejected can be looked at all the same, and err's hint
 * says where. `target` may be NULL. */
void load_rejects_show(struct rejects *r, struct target *target, struct err *err);
