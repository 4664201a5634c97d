/* asset_states.h - what is known of each asset of the definitions, and whether it is what would be
 * made now. Numbered as the definitions. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/store/versions.h"

struct asset_states {
    const struct definitions *defs;
    struct store *store;
    struct stored_asset *known; /* all zero: nothing is; text in the arena */
    struct stale_asset *stale;  /* as staleness_of() takes them, without their inputs */
};
/* Reads all of them, in `arena`: some hundred bytes each. */
MUST_CHECK bool asset_states_load(struct store *store, const struct definitions *defs,
                                  struct arena *arena, struct asset_states *ret, struct err *err);
/* Of one asset, in an arena that the caller may reset before the next. */
MUST_CHECK bool asset_states_staleness(struct asset_states *states, uint32_t asset,
                                       struct arena *arena, struct staleness *ret, struct err *err);
