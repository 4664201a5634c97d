/* build_run.h - carries out a build of a project without dbt: node after node in the order of
 * `dbt build`, each read, admitted again and run as its kind wants it, and told to a listener.
 *
 * Memory: the project's order, and one node at a time (LIMIT_DBT_NODE_ARENA). SIGTERM is looked at
 * between nodes and by each statement. */
#pragma once
#include "agent/transform/listener.h"
#include "agent/transform/node.h"
#include "common/platform/clock.h"

struct build_run {
    const struct transform *transform;
    const bool *selected; /* one for each node of the transform's project */
    struct dbt_host host; /* what is not native on it fails, and says why */
    bool fail_fast;
    struct clock clock; /* for durations */
    const struct node_listener *listener;
};
struct build_counts {
    int64_t total; /* nodes that had a turn or were to have one, without ephemeral models */
    int64_t well;  /* success, pass, no-op */
    int64_t warned, failed, skipped;
};

/* True: each node had its turn; what failed stands in the counts. False: not all had; ERR_CANCELLED
 * at SIGTERM, ERR_NO_MEMORY. The counts are told in both cases. */
MUST_CHECK bool build_run(const struct build_run *run, struct build_counts *ret, struct err *err);
