/* selection.h - which assets are meant: Dagster's selection language. Pure.
 *
 *   expr  : "not" expr | expr "and" expr | expr "or" expr | [depth] "+" term "+" [depth] | term
 *   term  : "*" | pattern | attribute ":" value | attribute ":" value "=" value | "(" expr ")"
 *   attribute : key group kind tag owner
 *
 * `+x` = x and all it is made from, `x+1` = x and what is made from it directly, `+x+` = both sets
 * together. Binding: + before not before and before or. A pattern is a key in which * stands for
 * any characters, '/' too. Values need no quotes for - . : @ / (a wider rule than Dagster's);
 * quotes are "..." without escapes. A leading count is read as depth only when a + follows: `2+x`.
 */
#pragma once
#include "common/base/err.h"
#include "common/model/graph.h"

struct selection; /* lives in the arena it was parsed into */

enum selection_attribute {
    SELECT_GROUP, /* value */
    SELECT_KIND,  /* value */
    SELECT_TAG,   /* name and value; value empty = the tag with an empty value */
    SELECT_OWNER, /* value */
};
/* What the evaluator asks about a node. Keys are answered by the graph itself. */
struct selection_attributes {
    bool (*has)(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value);
    const void *ctx;
};

/* At most LIMIT_SELECTION_BYTES, nested at most LIMIT_SELECTION_DEPTH deep. err: "column 7: ..."
 * with a hint. The text is copied. */
MUST_CHECK bool selection_parse(struct str text, struct arena *arena, struct selection **ret,
                                struct err *err);

/* One bool for each node, in `arena`. A selection that matches nothing is no error here.
 * `attributes` may be NULL when the graph has none. False: out of memory. */
MUST_CHECK bool selection_evaluate(const struct selection *s, const struct graph *g,
                                   const struct selection_attributes *attributes,
                                   struct arena *arena, bool **ret_set, struct err *err);
