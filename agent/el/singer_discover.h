/* singer_discover.h - asks a Singer tap that somebody else wrote for its catalog. */
#pragma once
#include "agent/el/program.h"

#include "common/base/buf.h"

/* Runs it with --config and --discover; what it writes to standard output is appended to `into`, whose
 * room is the limit. `program.arguments` is not used. Blocks until it has ended. */
MUST_CHECK bool singer_discover(const struct program_options *program, struct str config,
                                struct arena *arena, struct buf *into, struct err *err);
