/* select_same.h - are two nodes the same, as `state:` asks? By the whole objects of two manifests.
 * Inside common/dbt only. Source: the `same_*` methods of dbt's core/dbt/contracts/graph/nodes.py
 * and core/dbt/artifacts/resources/v1/config.py */
#pragma once
#include "common/dbt/project.h"

/* As Python compares values of JSON: 1 and 1.0 and true are equal; the order of keys is nothing.
 * NULL is as good as null, also as a member. */
bool json_is_same(const struct json *a, const struct json *b);

/* What of a node can have changed; each is false where dbt does not ask it of that type. */
enum dbt_part {
    DBT_PART_BODY,
    DBT_PART_CONFIGS,
    DBT_PART_DESCRIPTIONS, /* those that are persisted in the database */
    DBT_PART_RELATION,
    DBT_PART_CONTRACT,
};
/* Does dbt ask this part of nodes of this type? */
bool dbt_has_part(enum dbt_type type, enum dbt_part part);
bool dbt_is_same_part(enum dbt_type type, enum dbt_part part, const struct json *node,
                      const struct json *old);
/* All of it, but for the macros. `scratch` is for sorting. */
bool dbt_is_same(enum dbt_type type, const struct json *node, const struct json *old,
                 struct arena *scratch);
