/* lineage.h - how assets are joined, and in which versions devices define them, as JSON. */
#pragma once
#include "hub/api/api_internal.h"

/* The members "definitions", "made_on", "external_on", "versions", "upstream" and "downstream" of one asset;
 * they are empty when nobody knows it, and *ret_known says so. `device` empty: of the fleet. */
MUST_CHECK bool api_write_asset_lineage(struct api *api, struct json_writer *w, struct str key,
                                        struct str device, bool *ret_known, struct err *err);
