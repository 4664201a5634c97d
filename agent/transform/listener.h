/* listener.h - who is told of the nodes of a build, whether we carry it out or dbt does. */
#pragma once
#include "agent/transform/node.h"
#include "common/log/log.h"

struct node_end {
    struct str unique_id;
    struct node_result result; /* its status says how it ended */
    int64_t duration_ns;       /* -1 = not known */
    const struct err *err;     /* of DBT_ERROR and DBT_RUNTIME_ERROR; else NULL */
    struct str sql;            /* what was sent to the database for it; may be clipped or empty */
};
/* Borrowed for the call only. Nodes are named by their unique ids: dbt may know others than the
 * manifest that we read. */
struct node_listener {
    /* index of total, from 1 on; 0: not known. */
    void (*started)(void *ctx, struct str unique_id, int64_t index, int64_t total);
    /* Once for each that was started, and for those that are skipped without a start. A second end
     * of the same node puts the first one right: dbt's own record says otherwise than its log did. */
    void (*ended)(void *ctx, const struct node_end *end);
    /* A line for people; without a node (empty) it is of the build. May have several lines. */
    void (*said)(void *ctx, struct str unique_id, enum log_level level, struct str text);
    void *ctx;
};
