/* shelf_pack.h - a folder put on the hub's shelf as a bundle, as `selvedge-hub deploy` does it over the API. */
#pragma once
#include "hub/deploy/shelf.h"

MUST_CHECK bool shelf_pack(const struct hub_config *config, const char *dir,
                           const struct shelf_signer *signer, struct shelf_packed *ret,
                           int64_t *ret_new_files, struct err *err);
