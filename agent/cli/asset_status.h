/* asset_status.h - how the assets of this device are, read from the database beside a running daemon
 * or without one, with the words for it. */
#pragma once
#include "agent/assets/asset_states.h"
#include "agent/store/view.h"
#include "common/cli/table.h"
#include "common/model/freshness.h"

/* What stands in the table, most urgent first. */
enum asset_word {
    ASSET_IS_RUNNING,
    ASSET_IS_FAILED,  /* the last attempt failed, later than it was made */
    ASSET_IS_MISSING, /* never made */
    ASSET_IS_PARTIAL, /* some of its partitions are */
    ASSET_IS_STALE,
    ASSET_IS_FRESH,
    ASSET_IS_EXTERNAL,
};
struct asset_status {
    enum asset_word word;
    struct staleness staleness; /* in the arena given */
    bool is_running;
    bool is_failed;
    enum freshness_state freshness;
    struct wall_time freshness_next; /* when that may change; INT64_MAX = never */
    int64_t checks, checks_passed;   /* defined or evaluated */
    bool has_failed_check;           /* of severity error */
    int64_t partitions, partitions_made, partitions_failed;
};

struct asset_statuses {
    const struct definitions *defs;
    struct view *view; /* NULL: nothing was ever run here */
    struct wall_time now;
    struct arena *arena;
    struct asset_states states;
    bool *is_running;
    struct asset_checks *checks;
};
/* Opens `database` when it is there. */
MUST_CHECK bool asset_statuses_open(struct asset_statuses *ret, const char *database,
                                    const struct definitions *defs, struct wall_time now,
                                    struct arena *arena, struct err *err);
void asset_statuses_close(struct asset_statuses *statuses);
/* Of one; `scratch` may be reset once it was shown. */
MUST_CHECK bool asset_status_of(struct asset_statuses *statuses, uint32_t asset,
                                struct arena *scratch, struct asset_status *ret, struct err *err);

const char *asset_word_name(enum asset_word word); /* "stale" */
enum cli_tone asset_word_tone(enum asset_word word);
enum cli_tone freshness_tone(enum freshness_state state);
/* Why it is not as it should be, in a few words; nothing when it is. */
void asset_add_why(struct buf *out, const struct asset_statuses *s, uint32_t number,
                   const struct asset_status *status);
/* "upstream has a new data version" */
void stale_cause_add(struct buf *out, const struct stale_cause *cause);
