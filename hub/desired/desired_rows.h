/* desired_rows.h - desired state in hub.db, over a connection of its own: for the desk, and for the
 * command line beside it. Text in callbacks is borrowed for the call. One thread. */
#pragma once
#include "common/base/arena.h"
#include "hub/desired/standing.h"

struct desired_rows;
MUST_CHECK bool desired_rows_open(struct desired_rows **ret, const char *database, struct err *err);
void desired_rows_close(struct desired_rows *rows); /* NULL is allowed */

/* All that is done until it is kept is done, or nothing. */
MUST_CHECK bool desired_rows_begin(struct desired_rows *rows, struct err *err);
MUST_CHECK bool desired_rows_keep(struct desired_rows *rows, struct err *err);
void desired_rows_drop(struct desired_rows *rows); /* without an open one nothing */

/* --- documents --- */

struct document_row {
    struct str name, target, content;
    int64_t priority;
    struct wall_time set;
};
MUST_CHECK bool document_set(struct desired_rows *rows, const struct document_row *row,
                             struct err *err);
MUST_CHECK bool document_remove(struct desired_rows *rows, struct str name, bool *ret_found,
                                struct err *err);
/* In the order in which they are put together. */
MUST_CHECK bool document_each(struct desired_rows *rows,
                              void (*on_row)(void *ctx, const struct document_row *row), void *ctx,
                              struct err *err);
/* Text in `arena`. */
MUST_CHECK bool document_get(struct desired_rows *rows, struct str name, struct arena *arena,
                             struct document_row *ret, bool *ret_found, struct err *err);
/* A number that is another one after anything changed that may change what is wanted. */
MUST_CHECK bool desired_changes(struct desired_rows *rows, int64_t *ret, struct err *err);

/* --- devices --- */

/* Text in `arena`. A device of which nothing is known has a row of zeros. */
MUST_CHECK bool desired_of(struct desired_rows *rows, struct str device, struct arena *arena,
                           struct desired_row *ret, struct err *err);
/* The body of the revision that the device has in force, in `arena`; empty when this hub does not know it
 * (any more). */
MUST_CHECK bool desired_in_force(struct desired_rows *rows, struct str device, struct arena *arena,
                                 struct str *ret, struct err *err);
MUST_CHECK bool desired_each(struct desired_rows *rows,
                             void (*on_row)(void *ctx, const struct desired_row *row), void *ctx,
                             struct err *err);
/* A new revision, neither signed nor sent. */
MUST_CHECK bool desired_issue(struct desired_rows *rows, const struct desired_row *row,
                              struct wall_time now, struct err *err);
/* ERR_NOT_FOUND: the body is not what is wanted of the device. */
MUST_CHECK bool desired_sign(struct desired_rows *rows, struct str device, struct str body,
                             struct str message, struct err *err);
struct desired_unsent {
    struct str device, body, message; /* no message: it is to be signed */
    int64_t revision;
};
/* The first device behind `after` to which something is to be sent; those without a signature only
 * when there is a key. Text in `arena`. */
MUST_CHECK bool desired_next_unsent(struct desired_rows *rows, struct str after, bool has_key,
                                    struct arena *arena, struct desired_unsent *ret,
                                    bool *ret_found, struct err *err);
MUST_CHECK bool desired_sent(struct desired_rows *rows, struct str device, int64_t revision,
                             struct wall_time now, struct err *err);
/* It is to be sent again; no device: to all. */
MUST_CHECK bool desired_send_again(struct desired_rows *rows, struct str device, struct err *err);
MUST_CHECK bool desired_set_seen(struct desired_rows *rows, struct str device, int64_t revision,
                                 struct err *err);
/* The bundle that is wanted of the device, in `arena`; empty = its own file, STR_NONE = no wish. */
MUST_CHECK bool desired_bundle(struct desired_rows *rows, struct str device, struct arena *arena,
                               struct str *ret, struct err *err);
