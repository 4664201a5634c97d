/* selection_ops.h - what a selection is compiled to: a list of operations for a stack of sets.
 * Known to parser and evaluator only. A list instead of a tree, so that evaluating never recurses.
 */
#pragma once
#include "common/model/selection.h"

enum selection_op_type {
    OP_ALL,       /* push every node */
    OP_KEY,       /* push the nodes whose key matches `value`; `is_exact`: it has no wildcard */
    OP_ATTRIBUTE, /* push the nodes that have it */
    OP_NOT,       /* replace the top by all nodes that are not in it */
    OP_AND,       /* pop one, keep in the top what is in both */
    OP_OR,        /* pop one, add it to the top */
    OP_REACH,     /* replace the top by itself, what it is made from and what is made from it */
    OP_ROOTS,     /* keep in the top what is made from nothing in it, on no way */
    OP_SINKS,     /* keep in the top what nothing in it is made from, on no way */
};
struct selection_op {
    enum selection_op_type type;
    enum selection_attribute attribute;
    struct str name; /* of a tag */
    struct str value;
    bool is_exact;
    int32_t up; /* OP_REACH: 0 = none, GRAPH_DEPTH_ALL = all */
    int32_t down;
    struct selection_op *next;
};
struct selection {
    struct selection_op *first;
    size_t stack_max; /* sets needed at the same time */
};
