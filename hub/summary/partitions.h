/* partitions.h - the partitions that an asset has now, and what was last made of them: on one device, or on all that define
 * it. Which there are is computed from the definition, as the device computes it. */
#pragma once
#include "hub/summary/cells.h"
#include "hub/summary/summary.h"

enum {
    PARTITIONS_BYTES_MAX = 256 << 20, /* of all assets that are asked for over all devices */
    PARTITIONS_ASSETS_MAX = 16,       /* so many are followed at a time; others wait */
    PARTITIONS_UNASKED_S = 60,        /* then an asset is not followed any more */
};

struct partition_item {
    struct str key;
    int64_t made, failed; /* on how many devices */
    struct wall_time at;  /* the latest; 0: never */
    struct str run;       /* of one device; may be empty */
};
struct partition_figures;
/* Over all devices, as summary_get() has it: as of the last commit, unless more than a slice has come at once. *ret NULL: they are
 * being read for the first time, in slices; ask again after summary_on_ready(). Borrowed until the loop's next turn.
 * ERR_NOT_FOUND: nobody defines the asset; ERR_FULL: they do not fit into memory. */
MUST_CHECK bool summary_partitions(struct summary *s, struct str asset,
                                   struct partition_figures **ret, struct err *err);
/* Of one device, read now. The caller's to close. */
MUST_CHECK bool summary_partitions_of(struct summary *s, struct str asset, struct str device,
                                      struct partition_figures **ret, struct err *err);
void partition_figures_close(struct partition_figures *f); /* NULL is allowed */

/* How many define the asset as most do. */
int64_t partition_figures_devices(const struct partition_figures *f);
size_t partition_figures_count(const struct partition_figures *f);
void partition_figures_get(const struct partition_figures *f, size_t place,
                           struct partition_item *ret);
bool partition_figures_find(const struct partition_figures *f, struct str key, size_t *ret_place);
