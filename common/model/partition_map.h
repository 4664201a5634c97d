/* partition_map.h - which partitions of one asset belong to those of another: Dagster's default
 * mappings. Windows of time belong to those that they overlap (TimeWindowPartitionMapping, without
 * offsets); to or from an asset without partitions belongs everything (AllPartitionMapping); else
 * the same key (IdentityPartitionMapping). Works in both directions, upstream and downstream.
 * Pure. */
#pragma once
#include "common/model/partition.h"

struct partition_mapped {
    struct partition_keys keys; /* that exist; empty when the other asset has no partitions */
    bool is_whole;              /* false: more would belong to it than there are */
};
/* The keys of `to` for those of `from` within the bounds (both given; one key: twice the same), in
 * `arena`. `from` is taken as it is: whether its keys exist is not looked at. ERR_NOT_FOUND as
 * partition_window(), ERR_FULL as partition_range(). */
MUST_CHECK bool partition_map(const struct partition_view *from, struct partition_bounds bounds,
                              const struct partition_view *to, struct arena *arena,
                              struct partition_mapped *ret, struct err *err);
