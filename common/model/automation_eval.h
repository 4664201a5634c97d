/* automation_eval.h - which assets are to be made now, by Dagster's declarative automation, and why
 * (not). Pure: a tick is a function of what is known of the assets and of what the last tick left.
 *
 * The conditions, exactly as AutomationCondition.eager(), .on_missing() and .on_cron(c, tz):
 *
 *   eager      : in_latest_time_window and (newly_missing or any_deps_updated) since last handled
 *                and not any_deps_missing and not any_deps_in_progress and not in_progress
 *   on_missing : in_latest_time_window and newly_missing since last handled
 *                and not any_deps_missing
 *   on_cron    : in_latest_time_window and cron_tick_passed since last handled
 *                and all_deps_updated_since_cron
 *
 * Handled = requested by the tick before, or updated since it, or first evaluated now. What this
 * tick requests counts as updated and as not missing for what is made from it in the same run, so
 * that a chain is requested as one. Nothing is requested by the first tick of an asset but what
 * hangs on others that are; the state of an asset goes on when its condition changes.
 *
 * Limits: an asset with partitions of time is evaluated for its latest partition; one with static
 * or dynamic partitions is not evaluated. Source: dagster 1.13,
 * _core/definitions/declarative_automation, compared by tests/interop. */
#pragma once
#include "common/base/buf.h"
#include "common/base/time.h"
#include "common/model/automation.h"
#include "common/model/graph.h"
#include "common/model/partition.h"

/* What is known of an asset; of one with partitions: of those that matter, taken together. */
struct automation_facts {
    bool is_missing;     /* never made; external: neither made nor seen. Partitions: any of them */
    bool is_in_progress; /* an open run, queued ones too, has yet to make it */
    bool is_in_backfill; /* a backfill that is not over has yet to make it */
    int64_t updated_seq; /* of the event that updated it last: a materialization, or an
                              observation with another data version than before; 0 = none */
    struct wall_time made_at;  /* of its last materialization; 0 = none */
    const uint32_t *made_with; /* the assets of the run that made it last, ascending; looked at */
    size_t made_with_count;    /* only when it was updated since the last tick */
};

struct automation_asset {
    const struct automation *condition;  /* NULL or AUTOMATION_NONE: is not evaluated */
    bool is_external;                    /* is not evaluated, and never requested */
    const struct partitions *partitions; /* NULL or PARTITION_NONE: has none */
    struct str partition; /* PARTITION_TIME: the key of the latest; empty = there is none yet */
    struct str cursor;    /* as the last tick of this asset left it; empty = none. A text that is no
                             cursor counts as none */
    bool wants_tree;
};

struct automation_tick {
    const struct graph *g;
    const struct automation_asset *assets; /* numbered as the graph */
    /* What is known of `node` when `root` is evaluated. Asked only when node = root, or root is
     * made from node: with partitions then of those that root's latest partition is made from. */
    void (*look)(const void *ctx, uint32_t node, uint32_t root, struct automation_facts *ret);
    const void *ctx;
    struct wall_time now;
    int64_t seq; /* of the newest event that `look` knows of */
    /* Of what came since the last tick the order counts. Dagster has no order within a tick: an
     * asset that was handled then is not asked for again, although something came later. */
    bool is_in_order;
};

/* One condition and what came of it. */
struct automation_node {
    struct str name;       /* "AND", "missing"; below *_DEPS_MATCH the dep's key */
    struct str label;      /* "any_deps_missing"; may be empty */
    const char *operation; /* "and", "or", "not", "identity" */
    bool is_true;
    bool is_candidate; /* false: something before it was false already, so this does not matter */
    struct automation_node *first, *last; /* child */
    struct automation_node *next;         /* sibling */
};

struct automation_result {
    bool is_evaluated;
    bool is_requested; /* to be made now; partitions: the latest one */
    bool must_keep;    /* the next tick would come to something else with the cursor before */
    struct str cursor; /* for the next tick, several lines; empty when it was not evaluated: what is
                          kept of it goes, as a condition that comes back begins anew */
    const struct automation_node *tree; /* NULL unless wanted */
};

/* One result for each asset, in `arena`; those that are requested belong into one run as far as
 * their partitions are equal. Memory goes with the assets and their deps, with trees more: some 100
 * bytes for each of some 15 conditions a dep. ERR_NO_MEMORY. */
MUST_CHECK bool automation_evaluate(const struct automation_tick *tick, struct arena *arena,
                                    struct automation_result **ret, struct err *err);

/* The newest event that the tick which left the cursor knew of; 0 = there was none. */
int64_t automation_cursor_seq(struct str cursor);

/* {"name":"AND","label":"eager","operator":"and","true":false,"candidate":true,"children":[...]} */
void automation_write_tree(const struct automation_node *tree, struct buf *out);
/* The same without nesting, as an event can hold it, each node before its children:
 * {"nodes":[{"depth":0,"name":"AND",...},{"depth":1,...}]} */
void automation_write_nodes(const struct automation_node *tree, struct buf *out);
