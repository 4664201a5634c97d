/* graph_build.h - the fleet's graph from the store: at once, or in a thread of its own while others are answered. The thread
 * has a connection of its own and shares nothing but its end of a socket pair; what it made is ours once it has ended.
 * Decision: docs/decisions/0020-http.md. */
#pragma once
#include "common/platform/loop.h"
#include "hub/lineage/lineage.h"
#include "hub/rows/fleet_graph.h"

/* What all devices define, as of one moment. */
struct api_graph {
    struct arena arena;
    struct lineage lineage;
    struct fleet_graph fleet;
    int64_t sum;     /* of the definitions in force */
    int64_t cost_ns; /* processor time of making it */
};
MUST_CHECK bool graph_sum(struct db *db, int64_t *ret, struct err *err);
/* Owned by the caller: graph_free(). */
MUST_CHECK bool graph_make(struct db *store, struct api_graph **ret, struct err *err);
void graph_free(struct api_graph *g); /* NULL is allowed */

struct graph_build;
struct graph_build_options {
    struct loop *loop;
    const char *database; /* stays */
    /* `graph` is the callee's; NULL: it failed. The build is over and may be closed. */
    void (*on_done)(void *ctx, struct api_graph *graph, const struct err *err);
    void *ctx;
};
MUST_CHECK bool graph_build_start(struct graph_build **ret,
                                  const struct graph_build_options *options, struct err *err);
bool graph_build_is_running(const struct graph_build *b); /* NULL: none is */
/* Waits for the end, and calls on_done: for who cannot do without. */
void graph_build_wait(struct graph_build *b);
/* Stops it; on_done is not called any more. NULL is allowed. */
void graph_build_close(struct graph_build *b);
