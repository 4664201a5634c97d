/* columns_change.h - what on_schema_change makes of the columns that an incremental model's query has
 * now and those that its table has. Pure; the databases differ in how names and types are compared.
 * Source: https://docs.getdbt.com/docs/build/incremental-models */
#pragma once
#include "agent/transform/database.h"
#include "common/dbt/spec.h"

struct columns_compared {
    enum dbt_schema_change policy;
    const struct relation_columns *source; /* of the query */
    const struct relation_columns *target; /* of the table */
    bool (*is_same_name)(struct str a, struct str b);
    bool (*is_same_type)(struct str source, struct str target);
};

struct columns_change {
    struct relation_columns added;   /* of the source; new rows only have values in them */
    struct relation_columns removed; /* of the target */
    struct relation_columns retyped; /* the target's names, the source's types */
    struct str_list columns;         /* that rows are inserted into, named as in the source */
};

/* Lists that the policy leaves alone are empty. ERR_INVALID: it says "fail" and they differ, or
 * "ignore" and the query lacks a column of the table. */
MUST_CHECK bool columns_change_choose(const struct columns_compared *compared, struct arena *arena,
                                      struct columns_change *ret, struct err *err);
