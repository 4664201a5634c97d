/* state.h - states as Meltano keeps them: {"completed": {"singer_state": {...}}, "partial": {...}},
 * in its system database a column each. Pure. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"

enum { MELTANO_STATE_BYTES_MAX = 4 << 20 };

/* What a tap is given: the Singer state of the partial state laid over the completed one, objects
 * member by member. Each is the JSON text of one slot, or empty; *ret is empty when there is none.
 * ERR_INVALID: it is no state. */
MUST_CHECK bool meltano_state_join(struct str completed, struct str partial, struct arena *arena,
                                   struct str *ret, struct err *err);
/* The same of a whole state.json. */
MUST_CHECK bool meltano_state_read(struct str text, struct arena *arena, struct str *ret,
                                   struct err *err);
