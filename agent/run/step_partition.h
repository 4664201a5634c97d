/* step_partition.h - the partitions that one step makes, and what its program and its SQL are told
 * of them: docs/reference/partitions.md. Pure. */
#pragma once
#include "common/model/partition.h"

struct step_partition {
    const struct partitions *of;    /* the asset's */
    struct partition_keys keys;     /* in order; at least one */
    struct partition_window window; /* PARTITION_TIME: from the first one's start to the last one's
                                       end */
};
/* The keys from `first` to `last`, in `arena`. Whether a window is over is not asked here. `dynamic`
 * as in a view. ERR_NOT_FOUND: there is no such partition (any more); ERR_FULL: more than
 * LIMIT_RUN_PARTITIONS or LIMIT_RUN_PARTITION_BYTES. */
MUST_CHECK bool step_partition_make(const struct partitions *of, struct partition_bounds bounds,
                                    const struct partition_keys *dynamic, struct arena *arena,
                                    struct step_partition *ret, struct err *err);

/* Variables of the step: SELVEDGE_PARTITION_KEY of a single partition, ..._START_KEY and
 * ..._END_KEY, and of windows ..._WINDOW_START and ..._WINDOW_END (ISO 8601 with offset). */
enum { STEP_PARTITION_VARIABLES = 5 };
struct step_variable {
    struct str name;
    struct str value;
};
/* Returns how many there are. */
size_t step_partition_variables(const struct step_partition *p, struct arena *arena,
                                struct step_variable ret[STEP_PARTITION_VARIABLES]);

/* Replaces {{ partition_key }}, {{ partition_keys }}, {{ partition_start }}, {{ partition_end }} and
 * the last two with _utc by SQL literals. ERR_INVALID names what is not known, or means nothing
 * here. */
MUST_CHECK bool step_partition_sql(const struct step_partition *p, struct str sql,
                                   struct arena *arena, struct str *ret, struct err *err);
/* ["2026-01-01","2026-01-02"] */
MUST_CHECK bool step_partition_json(const struct step_partition *p, struct arena *arena,
                                    struct str *ret, struct err *err);
