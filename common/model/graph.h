/* graph.h - which asset is made from which. Nodes are numbered 0..count-1 in the order of their
 * definition. Pure; memory is the arena's; nothing recurses. */
#pragma once
#include "common/base/err.h"
#include "common/base/strmap.h"

struct graph_node {
    struct str key;       /* borrowed */
    const uint32_t *deps; /* nodes this one is made from, as declared */
    size_t dep_count;
    const uint32_t *children; /* nodes made from this one, ascending */
    size_t child_count;
};
struct graph {
    struct graph_node *nodes;
    size_t count;
    const uint32_t
        *order; /* all nodes, deps first; among those that are free, the one defined first */
    struct strmap by_key;
};

/* What goes in: checked keys (asset_key.h). A dep that is named twice counts once. */
struct graph_input {
    struct str key;
    const struct str *deps;
    size_t dep_count;
};

enum graph_fault_kind { GRAPH_DUPLICATE_KEY, GRAPH_MISSING_DEP, GRAPH_CYCLE };
struct graph_fault {
    enum graph_fault_kind kind;
    uint32_t
        node; /* the second of two equal keys; whose dep is missing; first of the cycle's path */
    uint32_t dep;    /* index into the node's deps (missing), or the earlier node (duplicate) */
    struct str text; /* "asset b depends on itself: a -> b -> a"; borrowed for the call */
    struct str hint; /* may be empty */
};
/* Told of every duplicate and every missing dep; of one cycle, when nothing else was wrong. */
struct graph_listener {
    void (*on_fault)(void *ctx, const struct graph_fault *fault);
    void *ctx;
};

/* At most LIMIT_ASSETS nodes and LIMIT_DEPS_PER_ASSET deps each. `listener` may be NULL. err: the
 * first fault (ERR_INVALID), ERR_FULL for a limit, ERR_NO_MEMORY. */
MUST_CHECK bool graph_build(struct arena *arena, const struct graph_input *input, size_t count,
                            const struct graph_listener *listener, struct graph *ret,
                            struct err *err);

/* ERR_NOT_FOUND with the nearest key as hint. */
MUST_CHECK bool graph_find(const struct graph *g, struct str key, uint32_t *ret_node,
                           struct err *err);
/* The key that is most like `key`, or STR_NONE when none is near. */
struct str graph_nearest_key(const struct graph *g, struct str key);

enum graph_direction { GRAPH_UP, GRAPH_DOWN };
enum { GRAPH_DEPTH_ALL = INT32_MAX };
/* Adds to `set` (count bools) what can be reached from its members within `depth` steps. `scratch`
 * has room for count numbers. */
void graph_reach(const struct graph *g, enum graph_direction direction, int32_t depth,
                 uint32_t *scratch, bool *set);
/* Whether `node` is one of `count` nodes, which ascend. */
bool graph_nodes_include(const uint32_t *nodes, size_t count, uint32_t node);
