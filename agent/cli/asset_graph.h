/* asset_graph.h - the graph of some assets as text: a tree for a terminal, Graphviz, Mermaid. Edges
 * are those among the assets given. */
#pragma once
#include "agent/definitions/definitions.h"

/* What is said behind a key in the tree, such as its status; may be NULL. */
struct asset_graph {
    const struct definitions *defs;
    const bool *set; /* by asset */
    void (*add_note)(void *ctx, uint32_t asset, struct buf *out);
    void *ctx;
};
/* Each asset once with all that is made from it below; where it comes again, "(above)", and where
 * the tree becomes too deep, "(below)". ERR_NO_MEMORY. */
MUST_CHECK bool asset_graph_tree(const struct asset_graph *g, struct arena *arena, struct buf *out,
                                 struct err *err);
/* Groups are clusters, external assets dashed. */
MUST_CHECK bool asset_graph_dot(const struct asset_graph *g, struct arena *arena, struct buf *out,
                                struct err *err);
MUST_CHECK bool asset_graph_mermaid(const struct asset_graph *g, struct arena *arena,
                                    struct buf *out, struct err *err);
