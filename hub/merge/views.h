/* views.h - what one event changes in the tables derived from the log (migrations/0002_views.sql
 * says which and why their rows do not depend on the order in which streams arrive). Used by merge,
 * and by rebuild into another store. */
#pragma once
#include "common/db/db.h"
#include "common/wire/batch.h"
#include "common/wire/event.h"

struct view_stream {
    int64_t id;
    struct str device;
    struct str epoch;
    int64_t first_at_ms;
};
struct views {
    struct db *log;     /* read: the parts of definitions */
    struct db *out;     /* written; may be the same */
    struct buf scratch; /* of the event at hand */
};
struct views views_new(struct db *log, struct db *out);
void views_release(struct views *v);

/* The event is in the log already, and every earlier one of its stream was applied. `from` is the
 * first seq that a buffer_gap still stands for. What the views cannot use is left out of them;
 * false only when the store fails. */
MUST_CHECK bool views_apply(struct views *v, const struct view_stream *stream,
                            const struct event *ev, int64_t from, struct err *err);

/* Private to the component: the definitions event (definitions_view.c). */
MUST_CHECK bool views_apply_definitions(struct views *v, const struct view_stream *stream,
                                        const struct event *ev, struct err *err);
int64_t wall_ms(struct wall_time t);
