/* select_run.h - what one selection works with while it is evaluated. Inside common/dbt only. */
#pragma once
#include "common/base/limits.h"
#include "common/dbt/macro_digest.h"
#include "common/dbt/select_spec.h"

/* Sets are one bool for each node. */
struct select_pair {
    bool *direct;
    bool *indirect; /* tests that would be selected were more of their parents so */
};

/* One of selectors.yml. Its set is found once, however often it is referred to. */
struct select_named {
    struct str name;
    const struct json *json;
    bool is_default;
    bool is_open; /* being evaluated: whoever refers to it now goes in a circle */
    bool *set;    /* NULL: not yet evaluated */
};

struct select_path_set;
struct select_macros;

struct select_run {
    const struct dbt_project *project;
    const struct dbt_before *before;
    const struct dbt_project *old; /* of before; NULL until needed */
    struct spec_reader reader;
    struct arena *arena;   /* of this selection, released at its end */
    struct arena node;     /* one node as it is read again; reset before each */
    struct arena old_node; /* and the one of before */
    struct select_named *named;
    size_t named_count;
    struct select_pair levels[LIMIT_DBT_SELECTION_DEPTH]; /* working sets, by depth */
    size_t depth;                 /* of the criterion that is evaluated now */
    bool has_wildcard;            /* it has one, when it is searched node by node */
    uint32_t *queue;              /* of walks: room for all nodes */
    bool *from, *mark;            /* working sets of walks */
    struct str *fqns;             /* by node: joined by dots; NULL until needed */
    struct select_macros *macros; /* NULL until needed; and these */
    struct macro_digests *digests, *old_digests;
    struct str *warnings;
    size_t warning_count, warning_room;
    struct err *err;
};

/* Memory of the selection's own; NULL and err when there is no more. */
void *select_alloc(struct select_run *run, size_t count, size_t size);
/* A warning; the text is copied, and told once. False: memory is out. */
PRINTF_LIKE(2, 3) MUST_CHECK bool select_warn(struct select_run *run, const char *fmt, ...);

/* select_methods.c: adds to `set` the nodes that the criterion itself names, without relatives. */
MUST_CHECK bool select_search(struct select_run *run, const struct criterion *c, bool *set);
/* select_before.c */
MUST_CHECK bool select_search_result(struct select_run *run, const struct criterion *c, bool *set);
MUST_CHECK bool select_search_source_status(struct select_run *run, const struct criterion *c,
                                            bool *set);
/* select_path.c */
MUST_CHECK bool select_search_path(struct select_run *run, const struct criterion *c, bool *set);
/* select_config.c */
MUST_CHECK bool select_search_config(struct select_run *run, const struct criterion *c, bool *set);
MUST_CHECK bool select_search_group(struct select_run *run, const struct criterion *c, bool *set);
/* select_state.c */
MUST_CHECK bool select_search_state(struct select_run *run, const struct criterion *c, bool *set);
/* select.c: of the selectors that the criterion's value names. */
MUST_CHECK bool select_search_named(struct select_run *run, const struct criterion *c, bool *set);

/* Types of nodes as bits. */
#define SELECT_TYPE(type) (1U << (type))
/* dbt's manifest.nodes: what is not in a map of its own. */
#define SELECT_PARSED                                                                              \
    (SELECT_TYPE(DBT_MODEL) | SELECT_TYPE(DBT_SEED) | SELECT_TYPE(DBT_SNAPSHOT) |                  \
     SELECT_TYPE(DBT_TEST) | SELECT_TYPE(DBT_ANALYSIS) | SELECT_TYPE(DBT_OPERATION))
#define SELECT_ANY UINT32_MAX
static inline bool select_is_type(const struct dbt_node *node, uint32_t types)
{
    return (types & SELECT_TYPE(node->type)) != 0;
}

/* select_walk.c. Each is linear in the edges. */
/* Adds the relatives that the criterion asks for. */
void select_add_relatives(struct select_run *run, const struct criterion *c, bool *set);
/* The tests that come with what is selected: added to direct, or kept in indirect. */
void select_add_tests(struct select_run *run, enum dbt_indirect mode, struct select_pair *pair);
/* After sets were combined: the tests of `indirect` whose parents are all there now. */
void select_take_complete(struct select_run *run, enum dbt_indirect mode, struct select_pair *pair);
