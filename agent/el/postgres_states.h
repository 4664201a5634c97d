/* postgres_states.h - the states of loads in a PostgreSQL schema: a row of `_selvedge_state` for the
 * present one, and rows of `_selvedge_state_history` for those before it. */
#pragma once
#include "agent/el/pg.h"
#include "agent/el/target.h"

struct postgres_states {
    struct pg *pg;
    struct str schema;
    struct str state_id;
    struct arena *arena;
    bool has_tables;
    bool is_former_kept; /* this run has put the state that it found into the history */
};
/* One load with a state at a time: holds a lock of its name until the session ends. `waits` for
 * who has it, or ERR_BUSY. */
MUST_CHECK bool postgres_states_lock(struct postgres_states *s, bool waits, struct err *err);
/* Empty when there is none; in the arena. */
MUST_CHECK bool postgres_states_read(struct postgres_states *s, struct str *ret, struct err *err);
/* In the caller's transaction. `value` empty: there is no state any more. */
MUST_CHECK bool postgres_states_write(struct postgres_states *s, struct str value, struct err *err);
MUST_CHECK bool postgres_states_list(struct postgres_states *s, struct kept_states *ret,
                                     struct err *err);
