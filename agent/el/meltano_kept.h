/* meltano_kept.h - what Meltano kept for a project beside its files: states and catalogs. Both are
 * there to be used in turn by Meltano and by us. */
#pragma once
#include "agent/meltano/catalog.h"

/* The Singer state of an id, JSON, from the system database (.meltano/meltano.db) or from the folder
 * that state_backend names; empty when it has none. Only read. What is kept elsewhere is not asked
 * for, and a warning is logged. */
MUST_CHECK bool meltano_kept_state(const struct meltano_project *project, struct str state_id,
                                   struct arena *arena, struct str *ret, struct err *err);

/* The catalog of a tap below .meltano/run/; empty when there is none that was kept under `key`. */
MUST_CHECK bool meltano_kept_catalog(const struct meltano_project *project, struct str tap,
                                     const char *key, struct buf *into, struct err *err);
/* Keeps it under `key`; an empty key only forgets the old one. */
MUST_CHECK bool meltano_keep_catalog(const struct meltano_project *project, struct str tap,
                                     const char *key, struct str text, struct err *err);
