/* no_assets.c - the table of files for a hub that is built without its UI. */
#include "hub/http/assets.h"

const struct http_asset http_assets[1] = {{.path = ""}};
const size_t http_assets_count = 0;
