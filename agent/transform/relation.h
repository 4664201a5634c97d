/* relation.h - names of relations and columns as SQL has them. A manifest is not trusted: what it
 * calls a name may be a statement. Pure. */
#pragma once
#include "agent/transform/database.h"
#include "common/dbt/project.h"

/* The relation that a node makes, by its relation_name. ERR_INVALID when that is anything but one to
 * three names, plain or in double quotes, with dots between. */
MUST_CHECK bool relation_of(const struct dbt_node *node, struct arena *arena, struct relation *ret,
                            struct err *err);
/* Another one, quoted; without a schema where that is empty. */
MUST_CHECK bool relation_make(struct str schema, struct str name, struct arena *arena,
                              struct relation *ret, struct err *err);

/* `"a", "b"`, or `prefix."a", prefix."b"`. */
void add_columns(struct buf *sql, const struct str_list *columns, const char *prefix);
/* A text of a project that names a column or is an expression: quoted where it is, byte for byte, the
 * name of one of `columns`; else as it is. */
void add_expression(struct buf *sql, struct str text, const struct str_list *columns);
