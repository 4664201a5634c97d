/* standing.h - how far a device is with what is wanted of it, and when it needs a new revision.
 * Pure. */
#pragma once
#include "common/base/time.h"
#include "common/wire/desired.h"

struct desired_row {
    struct str device;
    /* What is wanted; revision 0 = nothing ever was. */
    int64_t revision;
    struct str content_hash, body, hash, conflicts;
    bool is_signed, is_sent;
    struct wall_time issued;
    /* What the device said last; status empty = nothing. */
    int64_t told_revision, applied;
    struct str told_status, told_reason, told_hash;
    struct wall_time told_at;
    int64_t seen; /* the highest revision it said at all, beyond ours */
};

enum desired_standing {
    STANDING_NONE, /* nothing is wanted */
    STANDING_IN_FORCE,
    STANDING_WAITING,
    STANDING_UNSIGNED,
    STANDING_REFUSED,
    STANDING_DEGRADED,
    STANDING_DRIFT,
};
enum desired_standing standing_of(const struct desired_row *row);
const char *standing_name(enum desired_standing standing);
/* It has not what is wanted of it. */
bool standing_is_pending(enum desired_standing standing);
/* When the device fell behind; 0 = it has not. */
struct wall_time standing_since(const struct desired_row *row);
/* What the device gives as its reason; may be empty. */
struct str standing_reason(const struct desired_row *row);

/* What the device says it decided on, or has in force, was not given by this hub as it is now. An
 * empty hash is not told. */
bool standing_is_foreign(const struct desired_row *row, int64_t revision, int64_t applied,
                         struct str hash);
/* Whether a new revision is to be issued for this content. `is_meant`: by a document or a bundle. */
bool standing_needs_issue(const struct desired_row *row, const char *content_hash, bool is_meant);
int64_t standing_next_revision(const struct desired_row *row);
