/* step_versions.h - from what a step makes its asset, and which data version comes of it: what a
 * materialization records, as Dagster does. The versions of what it depends on are those of the
 * moment at which it starts; of what the same step made before it, those that came of that. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/store/versions.h"
#include "common/model/staleness.h"

struct step_versions {
    struct str code_version;    /* the definition's, or the run's id; empty: nothing is known */
    struct asset_input *inputs; /* of each dep, in the order of the graph's */
    size_t input_count;
};
/* Reads them in a step's arena, of what is flushed: what ran before the step is. More than 8 MiB of
 * them leave all empty. */
struct step_versions_of {
    struct store *store;
    const struct definitions *defs;
    uint32_t asset;
    struct str run;
};
MUST_CHECK bool step_versions_read(const struct step_versions_of *of, struct arena *arena,
                                   struct step_versions *ret, struct err *err);
/* Into the record of the materialization, by way of the step's arena; `given` is what the step told,
 * or empty. What cannot be computed, or is too long to be kept, stays empty. */
enum { STEP_INPUTS_BYTES = 256 << 10 };
void step_versions_tell(const struct step_versions *versions, struct str given, struct arena *arena,
                        struct record *materialized);
