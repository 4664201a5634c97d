/* asset_versions.h - the versions of assets that devices define, and assets as they were. */
#pragma once
#include "hub/cli/screen.h"

extern const struct table_column version_columns[];
/* Of the item of one version, without its asset. */
void version_cells(struct screen *screen, struct table *t, const struct json *version);
/* Which assets devices define differently; --at and --device. */
MUST_CHECK bool list_differing(struct screen *screen, struct err *err);
/* Assets as they were defined and made at --at. */
MUST_CHECK bool list_assets_at(struct screen *screen, struct err *err);
