/* outside.h - what programs beside the devices tell of assets, kept in hub.db (migration 0016) until it is
 * in the log, over a connection of its own. One thread. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"

enum {
    OUTSIDE_WAITING_MAX = 100000, /* reports that are not in the log yet */
    OUTSIDE_TEXT_BYTES = 4096,    /* a description; a data version, a check's name: 1024 */
    OUTSIDE_NAME_BYTES = 1024,
};

struct outside;
MUST_CHECK bool outside_open(struct outside **ret, const char *database, struct err *err);
void outside_close(struct outside *outside); /* NULL is allowed */

enum outside_kind { OUTSIDE_MATERIALIZATION, OUTSIDE_OBSERVATION, OUTSIDE_CHECK };
struct outside_report { /* empty texts: not told */
    enum outside_kind kind;
    struct str asset;
    struct str metadata; /* an object in the form of events: common/wire/event_metadata.h */
    struct str partition;
    struct str data_version, description; /* not of a check */
    struct str check;
    bool has_passed, is_warning; /* of a check */
    struct str by;               /* whose token it was */
};
/* Durable when it returns true. ERR_INVALID: the key, the partition, or a text that is too long;
 * ERR_FULL: too many wait, the hub that merges does not run. */
MUST_CHECK bool outside_add(struct outside *outside, const struct outside_report *report,
                            struct wall_time now, struct err *err);

/* What is not merged yet, the oldest of it, as one batch for merge_add(); `ret_any` false: nothing
 * waits. What was merged meanwhile is deleted. Not while a merge is open. */
MUST_CHECK bool outside_batch(struct outside *outside, struct buf *ret_payload, bool *ret_any,
                              struct err *err);
