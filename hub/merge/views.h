/* views.h - keeps the tables derived from the log (hub/store/migrations/0002_views.sql says which,
 * and why they do not depend on the order in which streams arrive). Used by merge, and by rebuild
 * into another store. */
#pragma once
#include "hub/merge/changes.h"
#include "hub/merge/members.h"

struct views {
    struct db *log; /* read: the parts of definitions */
    struct db *out; /* written; may be the same */
    struct changes *changes;
    struct buf lines;   /* of events whose changes are in memory; it never moves */
    struct arena text;  /* of the changes: unescaped strings */
    struct arena parts; /* of one asset of definitions */
};
MUST_CHECK bool views_init(struct views *v, struct db *log, struct db *out, struct err *err);
void views_release(struct views *v); /* fits AUTO(views); zeroes it */

/* Whether so many more events, with the lines of one batch, have room; without it views_flush() comes
 * first. */
bool views_has_room(const struct views *v, size_t events);
/* Copies a line to where it stays until its changes are written; there is room for it. STR_NONE of one
 * that is too long for an event. */
struct str views_keep(struct views *v, struct str line);
/* The event is in the log already, and every earlier one of its stream was applied. `from` is the
 * first seq that a buffer_gap still stands for. `told` points into `lines`;
 * `stream` stays too until the changes are written. What the views cannot use is left out of them;
 * false only when the store fails or memory ends: then the caller rolls back and calls
 * views_discard(). */
MUST_CHECK bool views_apply(struct views *v, const struct view_stream *stream,
                            const struct told_event *told, int64_t from, struct err *err);
/* Writes what is still in memory: before a commit. */
MUST_CHECK bool views_flush(struct views *v, struct err *err);
void views_discard(struct views *v);

/* Private to the component: events that are written at once (health_view.c, definitions_view.c,
 * command_view.c). */
MUST_CHECK bool views_apply_answer(struct views *v, const struct view_stream *stream,
                                   const struct event *ev, struct err *err);
MUST_CHECK bool views_apply_backfill(struct views *v, const struct view_stream *stream,
                                     const struct event *ev, struct err *err);
MUST_CHECK bool views_apply_health(struct views *v, const struct view_stream *stream,
                                   const struct event *ev, struct err *err);
MUST_CHECK bool views_apply_definitions(struct views *v, const struct view_stream *stream,
                                        const struct event *ev, struct err *err);

/* The same, of what one set of definitions changes in the history (history_view.c): begin, then each
 * asset of the set. `previous` is the seq of the stream's set before. */
MUST_CHECK bool views_begin_set(struct views *v, const struct view_stream *stream,
                                const struct event *ev, struct str hash, int64_t *ret_previous,
                                struct err *err);
MUST_CHECK bool views_add_version(struct views *v, const struct view_stream *stream, struct str key,
                                  struct str object, int64_t previous, int64_t seq,
                                  struct err *err);
/* Jobs, schedules and sensors of one set (named_view.c), told by the part `m`; `is_latest`: they hold
 * for the device now. An agent that does not tell them names them with each asset: those are counted. */
MUST_CHECK bool views_take_named(struct views *v, const struct view_stream *stream,
                                 const struct members *m, bool is_latest, struct err *err);
MUST_CHECK bool views_count_named(struct views *v, const struct view_stream *stream,
                                  const struct members *asset, struct err *err);
MUST_CHECK bool views_apply_instigator(struct views *v, const struct view_stream *stream,
                                       const struct event *ev, struct err *err);
MUST_CHECK bool views_apply_partition_key(struct views *v, const struct view_stream *stream,
                                          const struct event *ev, struct err *err);
MUST_CHECK bool views_apply_observation(struct views *v, const struct view_stream *stream,
                                        const struct event *ev, struct err *err);
/* The first half of its SHA-256, hex: what a text of definitions is called. */
enum { VIEWS_VERSION_BYTES = 16 };
struct str views_version_of(struct str object, char hex[2 * VIEWS_VERSION_BYTES]);

/* The desired event (desired_view.c). */
MUST_CHECK bool views_apply_desired(struct views *v, const struct view_stream *stream,
                                    const struct event *ev, struct err *err);
