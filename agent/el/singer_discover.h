/* singer_discover.h - the catalog of a Singer tap that somebody else wrote. */
#pragma once
#include "agent/connectors/options.h"
#include "agent/el/program.h"

#include "common/base/buf.h"

/* Runs it with --config and --discover; what it writes to standard output is appended to `into`, whose
 * room is the limit. `program.arguments` is not used. Blocks until it has ended. */
MUST_CHECK bool singer_discover(const struct program_options *program, struct str config,
                                struct arena *arena, struct buf *into, struct err *err);

/* What the tap is given: the catalog of the options; with `select` what it discovers, with the rules
 * applied; only the wanted ones of several streams are selected. Empty: none. */
MUST_CHECK bool singer_tap_catalog(const struct tap_options *options, struct arena *arena,
                                   struct str *ret, struct err *err);
