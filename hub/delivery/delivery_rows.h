/* delivery_rows.h - deliveries in hub.db (hub/store/migrations/0014_report.sql): for the hub, for the
 * child that delivers, and for command lines. Who changes a row names what it was, so that nobody
 * undoes what another has done. */
#pragma once
#include "common/base/arena.h"
#include "common/db/db.h"
#include "hub/delivery/delivery.h"

enum delivery_cause { DELIVERY_SCHEDULED, DELIVERY_ASKED, DELIVERY_CAUSES };
extern const char *const delivery_cause_names[]; /* "schedule", "asked", NULL */

struct delivery_row {
    bool is_there;
    struct str schedule;
    struct delivery delivery;
    struct wall_time delivered, delivered_for, failed; /* 0: never, or not since */
    struct str error;
};
struct delivery_key {
    struct str report;
    enum delivery_cause cause;
};

/* A connection of its own to the hub's database. ERR_NOT_FOUND when there is none. */
MUST_CHECK bool delivery_rows_open(struct db **ret, const char *database, struct err *err);
/* Texts in `arena`. */
MUST_CHECK bool delivery_rows_find(struct db *db, struct delivery_key key, struct arena *arena,
                                   struct delivery_row *ret, struct err *err);
/* *ret_done false: the row is not as it was any more; look again. */
struct delivery_change {
    struct str schedule;
    const struct delivery *was, *is;
    struct wall_time given_up; /* `was` is not tried any more, from then on; 0: it is */
};
MUST_CHECK bool delivery_rows_put(struct db *db, struct delivery_key key,
                                  const struct delivery_change *change, bool *ret_done,
                                  struct err *err);
/* Each end of an attempt is written down in the same transaction, for whoever looks what came of them:
 * delivery_rows_attempts(). That `due` was delivered. */
MUST_CHECK bool delivery_rows_settle(struct db *db, struct delivery_key key, struct wall_time due,
                                     struct wall_time now, struct err *err);
/* That it was not; what was asked for is not tried again. */
MUST_CHECK bool delivery_rows_fail(struct db *db, struct delivery_key key, struct wall_time due,
                                   struct wall_time now, struct str why, struct err *err);
enum { DELIVERY_ATTEMPTS_KEPT = 200 /* of each report; as sql/prune.sql has it */ };
struct delivery_attempt {
    int64_t id;
    struct str cause, result, error; /* result: "delivered", "failed", "given up" */
    struct wall_time due, at;
    int64_t attempt;
};
/* The newest first. */
MUST_CHECK bool delivery_rows_attempts(struct db *db, struct str report, int64_t limit,
                                       void (*on_row)(void *ctx,
                                                      const struct delivery_attempt *row),
                                       void *ctx, struct err *err);
/* At the hub's start: forgets reports that are not in the JSON array `names`, and ends what was asked
 * for and was under way. */
MUST_CHECK bool delivery_rows_begin(struct db *db, struct str names, struct wall_time now,
                                    struct err *err);
/* Devices that the hub's own start cut off, within `return_ns` before `now`, and that are not back: a
 * report would call them away. */
MUST_CHECK bool delivery_rows_returning(struct db *db, struct wall_time now, int64_t return_ns,
                                        int64_t *ret, struct err *err);
/* Asks the hub to deliver it now. ERR_BUSY: somebody has asked already. */
MUST_CHECK bool delivery_rows_ask(struct db *db, struct str report, struct wall_time now,
                                  struct err *err);
