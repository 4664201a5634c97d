/* assets.h - the files of the web UI, inside the program: a table that the build of hub/ui makes, or
 * an empty one. Packed once; clients that take no gzip are rare and get them unpacked by the server. */
#pragma once
#include "common/base/str.h"

struct http_asset {
    const char *path; /* "/index.html", "/assets/index-3f2a91.js" */
    const char *type; /* "text/html; charset=utf-8" */
    const char *etag; /* with its quotes */
    const unsigned char *gzip;
    size_t size;       /* of gzip */
    bool is_immutable; /* its name changes with its bytes */
};
/* The table: sorted by path. Made by hub/ui; where that is not built, hub/http/no_assets.c has none. */
extern const struct http_asset http_assets[];
extern const size_t http_assets_count;

/* NULL: there is no such file. */
const struct http_asset *http_asset_find(struct str path);
