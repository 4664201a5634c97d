/* one_asset.h - one asset in detail: devices, versions, neighbours, checks, the newest metadata. */
#pragma once
#include "hub/cli/screen.h"

/* ERR_NOT_FOUND when nobody knows it; the hint names the nearest key. `device` empty: of the fleet. */
MUST_CHECK bool one_asset_show(struct screen *screen, struct str key, struct str device,
                               struct err *err);
