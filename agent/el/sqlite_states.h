/* sqlite_states.h - the states of loads in a SQLite database: a row of `_selvedge_state` for the
 * present one, beside the data, and rows of `_selvedge_state_history` for those before it. */
#pragma once
#include "agent/el/target.h"
#include "common/db/db.h"

struct sqlite_states {
    struct db *db;
    struct str state_id;
    struct arena *arena;
    bool is_former_kept; /* this run has put the state that it found into the history */
};
/* Empty when there is none; in the arena. */
MUST_CHECK bool sqlite_states_read(struct sqlite_states *s, struct str *ret, struct err *err);
/* In the caller's transaction. `value` empty: there is no state any more. */
MUST_CHECK bool sqlite_states_write(struct sqlite_states *s, struct str value, struct err *err);
MUST_CHECK bool sqlite_states_list(struct sqlite_states *s, struct kept_states *ret,
                                   struct err *err);
