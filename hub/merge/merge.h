/* merge.h - batches of events into the hub's log and views. Design:
 * docs/decisions/0004-hub-log-and-views.md.
 *
 * Many batches share one transaction: begin, add..., commit, and only then are there
 * acknowledgements to hand out. When a call fails (the store could not), everything since
 * merge_begin() is undone and nothing of it is acknowledged: the agents send it again. Thread: the
 * store's. */
#pragma once
#include "common/db/db.h"
#include "common/wire/messages.h"

enum {
    MERGE_EVENTS_MAX = 10000, /* in one transaction, before merge_is_full() says to commit */
    MERGE_BATCHES_MAX = 2000,
};

struct merge;
/* `store` is a hub store (hub/store/store.h), borrowed, and written by nobody else through this
 * handle while a transaction of merge is open. */
MUST_CHECK bool merge_open(struct db *store, struct merge **ret, struct err *err);
void merge_close(struct merge *m); /* undoes what is open; NULL is allowed */

MUST_CHECK bool merge_begin(struct merge *m, struct err *err);

enum merge_outcome {
    MERGE_MERGED,      /* all of it, or the part that was new */
    MERGE_DUPLICATE,   /* all of it was merged before: acknowledged again */
    MERGE_GAP,         /* events before it are missing: the agent is asked for them */
    MERGE_REFUSED,     /* some line is no event or not the next one: it can never be merged; the
                        acknowledgement says so */
    MERGE_QUARANTINED, /* it says otherwise than the log of the same seq: kept aside. The
                          acknowledgement's check tells the device, which begins a new epoch */
    MERGE_CUT_OFF,     /* of a database that is not listened to (table cut_off); refused */
    MERGE_UNREADABLE /* no batch, or harmed on the way: not acknowledged, so that the agent sends it
                        again */
};
struct merge_result {
    enum merge_outcome outcome;
    int64_t events;              /* newly merged */
    char epoch[EPOCH_TEXT_SIZE]; /* of the batch; empty: MERGE_UNREADABLE */
    struct err why;              /* of all but the first three */
};
/* `device` is who published it: a valid name, from topic_parse_device(), or TOPIC_HUB. Not when merge_is_full().
 */
MUST_CHECK bool merge_add(struct merge *m, struct str device, struct str payload,
                          struct wall_time received, struct merge_result *ret, struct err *err);

/* The first event of a database that says another time than could be is taken to be of when it was
 * received, so that a clock that was never set or is far ahead does not decide which database of a
 * device is the newer one. */

/* A device said hello. If it holds only events beyond what is merged, the earlier ones were
 * acknowledged to an earlier hub database and deleted there: a buffer_gap of the hub's own takes
 * their place, so that the stream goes on and the hole is seen. Gives an acknowledgement in any
 * case. `ret_is_behind`: the device's newest event is older than what is merged; its database was
 * put back to an earlier state, and it begins a new epoch when it hears our acknowledgement. */
MUST_CHECK bool merge_birth(struct merge *m, struct str device, const struct message_birth *birth,
                            struct wall_time received, bool *ret_is_behind, struct err *err);

/* Outside a transaction: what is not listened to, and which streams there are, is looked up anew. */
void merge_look_again(struct merge *m);

bool merge_is_full(const struct merge *m);
MUST_CHECK bool merge_commit(struct merge *m, struct err *err);
void merge_abort(struct merge *m); /* undoes what is open */

struct merge_ack {
    struct str device;
    struct message_ack ack;
};
/* What the last commit allows to say, one per device and epoch; valid until the next merge_begin().
 * None before it. */
size_t merge_acks(const struct merge *m, const struct merge_ack **ret);
