/* step_versions.h - from what a step makes its asset, and which data version comes of it: what a
 * materialization records, as Dagster does. The versions of what it depends on are those of the
 * moment at which it starts. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/store/versions.h"

struct step_versions {
    struct str code_version; /* the definition's, or the run's id; empty: nothing is known */
    struct str data_version; /* computed from it and the inputs' */
    struct str inputs;       /* JSON object, dep to its data version */
};
/* Reads them in a step's arena, of what is flushed: what ran before the step is. Versions too long
 * to be kept (STEP_INPUTS_BYTES) leave all empty. */
enum { STEP_INPUTS_BYTES = 256 << 10 };
struct step_versions_of {
    struct store *store;
    const struct definitions *defs;
    uint32_t asset;
    struct str run;
};
MUST_CHECK bool step_versions_read(const struct step_versions_of *of, struct arena *arena,
                                   struct step_versions *ret, struct err *err);
/* At the end of a step that makes several: of those among the asset's deps that the step made before
 * it, the versions that they got count. `made` has a place for each asset of the definitions, empty
 * where the step did not make it. Where memory does not suffice nothing is known. */
void step_versions_renew(const struct step_versions_of *of, const struct str *made,
                         struct arena *arena, struct step_versions *versions);
/* Into the record of the materialization; `given` is what the step told, or empty. */
void step_versions_tell(const struct step_versions *versions, struct str given,
                        struct record *materialized);
