/* meltano_tap.h - what the tap of a block is given beside its configuration: catalog and state. */
#pragma once
#include "agent/el/meltano_kept.h"
#include "agent/el/singer_pump.h"

struct meltano_tap {
    const struct meltano_project *project;
    const struct meltano_step *step; /* processes[0] is the tap */
    const char *const *envp;
    struct str_list streams; /* only these; empty = all that are selected */
    struct arena *arena;
};
/* The catalog as JSON; STR_NONE when the tap takes none. The one that was kept, unless settings have
 * changed since; else the tap is asked, and what it says is kept where Meltano keeps it.
 * `selected` has what is selected, before that is narrowed to some streams. */
MUST_CHECK bool meltano_tap_catalog(const struct meltano_tap *tap, struct str *ret,
                                    struct catalog_streams *ret_selected, struct err *err);
/* Which states `chain` has: the one of the extra `state`, or what Meltano kept for the block. */
MUST_CHECK bool meltano_tap_states(const struct meltano_tap *tap, struct singer_chain *chain,
                                   struct err *err);
