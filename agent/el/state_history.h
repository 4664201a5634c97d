/* state_history.h - the state of a load and those at the end of earlier runs, as files keep them:
 *
 *   [{"at": "2026-11-29T00:40:00.000Z", "value": {...}}, ...]
 *
 * the present one first. A first value of null: there is no state, somebody has reset it. */
#pragma once
#include "agent/el/target.h"
#include "common/base/buf.h"
#include "common/base/time.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"

enum { STATE_HISTORY_BYTES_MAX = 32 << 20 }; /* of all of them as text */

struct state_history {
    struct buf value;        /* the present state, JSON; empty = none */
    struct buf history;      /* of earlier runs: elements, each with a comma before it */
    struct buf earlier;      /* the element that the first put() of this run puts there */
    char at[WALL_TEXT_SIZE]; /* when the state that was read or written was; empty: it never was */
};
void state_history_init(struct state_history *h);
/* `states` may be NULL: none. The last ones go when there are too many, or too large ones.
 * ERR_CORRUPT when it is something else. */
MUST_CHECK bool state_history_read(struct state_history *h, const struct json *states,
                                   struct err *err);
/* `value`, JSON, becomes the state; empty: there is none. */
MUST_CHECK bool state_history_put(struct state_history *h, struct str value, struct err *err);
/* Writes the list as the next value; `now` is the time of the present state. */
void state_history_write(struct state_history *h, struct json_writer *w, struct wall_time now);
MUST_CHECK bool state_history_list(const struct state_history *h, struct arena *arena,
                                   struct kept_states *ret, struct err *err);
void state_history_release(struct state_history *h); /* fits AUTO(state_history) */
