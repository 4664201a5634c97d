/* automation_cursor.h - what one evaluation of an asset's condition leaves for the next, as text.
 * Known to the evaluator only.
 *
 *   v1 SEQ AT_NS CONDITION requested=0 missing=1 since=0 partitioned=0
 *   PARTITION           an empty line when there is none
 *   CRON TIMEZONE       on_cron only, as is the rest
 *   KEY                 of each dep that was updated since the last tick of the cron
 */
#pragma once
#include "common/base/buf.h"
#include "common/base/strmap.h"
#include "common/base/time.h"
#include "common/model/automation.h"

struct automation_cursor {
    bool exists; /* false: the asset was never evaluated; all else is empty then */
    int64_t seq;
    struct wall_time at;
    enum automation_kind kind;
    bool was_requested;
    bool was_missing;     /* what newly_missing compares with */
    bool is_since;        /* the trigger came after the asset was last handled */
    bool is_partitioned;  /* it had partitions of time */
    struct str partition; /* that the four above are about */
    struct str schedule;  /* AUTOMATION_ON_CRON, as what follows: cron and time zone */
    struct strmap deps;   /* those updated since the last tick of the cron */
};

/* Borrows `text`. False: out of memory. */
MUST_CHECK bool automation_cursor_read(struct str text, struct arena *arena,
                                       struct automation_cursor *ret);
/* All but the deps, which are appended by the evaluator as it finds them. */
void automation_cursor_write(const struct automation_cursor *c, struct buf *out);
