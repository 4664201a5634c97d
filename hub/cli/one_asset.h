/* one_asset.h - one asset over all devices: where it is, what it is made from, its checks and what
 * its latest materialization said. */
#pragma once
#include "hub/cli/look.h"

/* Whether any device defines it, made it, or names it as upstream. */
MUST_CHECK bool one_asset_exists(struct db *db, struct str key, bool *ret, struct err *err);
/* `device` empty: of all. */
MUST_CHECK bool one_asset_show(struct look *look, struct str key, struct str device,
                               struct err *err);
