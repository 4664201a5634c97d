/* partitions.h - what the database knows of partitions: the keys of dynamic sets, and what became
 * of each partition of an asset. */
#pragma once
#include "agent/store/view.h"
#include "common/model/partition.h"

/* The keys of a dynamic set in the order of their addition, in `arena`; none for an unknown set. */
MUST_CHECK bool store_dynamic_keys(struct store *store, struct str set, struct arena *arena,
                                   struct partition_keys *ret, struct err *err);

/* A partition that was ever made, or tried. Its status is that of the later of both. */
struct stored_partition {
    struct str key;
    struct wall_time materialized_at; /* 0 = never */
    struct wall_time failed_at;       /* 0 = not since then */
    struct str run;                   /* that materialized it */
    struct str data_version;
    struct str error;
};
/* In the bytewise order of the keys; text is borrowed for the call. */
MUST_CHECK bool store_partitions(struct store *store, struct str asset,
                                 bool (*on_partition)(void *ctx,
                                                      const struct stored_partition *partition),
                                 void *ctx, struct err *err);

/* --- beside a running daemon --- */

MUST_CHECK bool view_dynamic_keys(struct view *view, struct str set, struct arena *arena,
                                  struct partition_keys *ret, struct err *err);
MUST_CHECK bool view_partitions(struct view *view, struct str asset,
                                bool (*on_partition)(void *ctx,
                                                     const struct stored_partition *partition),
                                void *ctx, struct err *err);
