/* table_node.h - what seeds and snapshots have in common: a table of their own that is made or
 * changed in one transaction, with hooks around it. */
#pragma once
#include "agent/transform/node.h"

struct table_node {
    const struct transform *t;
    const struct dbt_spec *spec;
    struct arena *arena;
    bool is_postgres; /* else SQLite */
    bool is_remade;   /* a table that is there is dropped */
    struct relation relation;
    enum relation_kind old; /* RELATION_NONE or RELATION_TABLE, once it is made */
    struct str notes;       /* of database_ops.change_table */
};

MUST_CHECK bool table_node_init(struct table_node *n, const struct transform *t,
                                const struct dbt_spec *spec, struct arena *arena, struct err *err);
/* `make` fills the table, inside the transaction. */
MUST_CHECK bool table_node_run(struct table_node *n,
                               bool (*make)(struct table_node *n, void *ctx, struct err *err),
                               void *ctx, struct err *err);
/* Our statements that drop, make or alter the table. */
MUST_CHECK bool table_node_change(struct table_node *n, const struct buf *change, struct err *err);
/* Success, with `word` as message. */
MUST_CHECK bool table_node_tell(const struct table_node *n, struct str word, int64_t rows_written,
                                struct node_result *ret, struct err *err);
