/* asset_versions.h - versions of assets, and assets as of a time, as rows. */
#pragma once
#include "hub/cli/look.h"
#include "hub/lineage/lineage.h"

extern const struct table_column version_columns[]; /* of version_cells() */
void version_cells(struct table *t, const struct look *look, const struct lineage *l,
                   const struct lineage_version *version);
void version_members(struct json_writer *w, const struct lineage *l,
                     const struct lineage_version *version);
void device_names(struct json_writer *w, const struct lineage *l, const char *key,
                  struct lineage_devices devices);

/* `assets --differing`: a row for each version of assets that have several. */
MUST_CHECK bool list_differing(struct look *look, struct str device, struct arena *arena,
                               struct err *err);
extern const struct table_column differing_columns[];
/* `assets --at TIME` */
MUST_CHECK bool list_assets_at(struct look *look, struct str device, struct arena *arena,
                               struct err *err);
extern const struct table_column at_columns[];
