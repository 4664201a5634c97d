/* selection.h - which assets are meant: Dagster's selection language. Pure.
 *
 *   expr  : "not" expr | expr "and" expr | expr "or" expr | [depth] "+" term "+" [depth] | term
 *   term  : "*" | pattern | attribute ":" value | "tag" ":" value "=" value | "(" expr ")"
 *         | ("roots" | "sinks") "(" expr ")"
 *   attribute : key group kind tag owner is
 *
 * `+x` = x and all it is made from, `x+1` = x and what is made from it directly, `+x+` = both sets
 * together. `roots(x)` = those of x that are made from no other of x, directly or not; `sinks(x)`
 * the other way. Binding: + before not before and before or. A pattern is a key in which * stands
 * for any characters, '/' too; group: takes wildcards as well. Values need no quotes for - . : @ /
 * (a wider rule than Dagster's); quotes are "..." without escapes; `<null>` is "none" (kind, owner)
 * or the empty value (tag). A leading count is read as depth only when a + follows: `2+x`. What
 * Dagster's grammar has for its own UI and for Dagster+ only is refused with a word. Source:
 * dagster 1.13, _core/definitions/antlr_asset_selection, compared by tests/interop. */
#pragma once
#include "common/base/err.h"
#include "common/model/graph.h"

struct selection; /* lives in the arena it was parsed into */

enum selection_attribute {
    SELECT_GROUP,      /* value */
    SELECT_GROUP_LIKE, /* value is a pattern for str_matches(), with * only */
    SELECT_KIND,       /* value */
    SELECT_KINDLESS,   /* has no kind at all */
    SELECT_TAG,        /* name and value; value empty = the tag with an empty value */
    SELECT_OWNER,      /* value */
    SELECT_OWNERLESS,  /* has no owner at all */
    SELECT_EXTERNAL,   /* is made elsewhere */
};
/* What the evaluator asks about a node. Keys are answered by the graph itself. */
struct selection_attributes {
    bool (*has)(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value);
    const void *ctx;
};

/* At most LIMIT_SELECTION_BYTES, nested at most LIMIT_SELECTION_DEPTH deep. err: "selection, column
 * 7: ..." with a hint; from the second line of a longer text on "selection, line 2, column 7: ...".
 * Columns count characters from 1. The text is copied. */
MUST_CHECK bool selection_parse(struct str text, struct arena *arena, struct selection **ret,
                                struct err *err);
/* Where selection_parse() finds the mistake of `text`, as a byte's offset (text.len: at the end).
 * False: there is none, or it is of no place. For showing it (common/cli/show.h). */
bool selection_fault(struct str text, struct arena *arena, size_t *ret_at);

/* One bool for each node, in `arena`. A selection that matches nothing is no error here.
 * `attributes` may be NULL when the graph has none. False: out of memory. */
MUST_CHECK bool selection_evaluate(const struct selection *s, const struct graph *g,
                                   const struct selection_attributes *attributes,
                                   struct arena *arena, bool **ret_set, struct err *err);
