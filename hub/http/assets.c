#include "hub/http/assets.h"

const struct http_asset *http_asset_find(struct str path)
{
    size_t from = 0;
    size_t to = http_assets_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(str_from(http_assets[middle].path), path);
        if (order == 0) {
            return &http_assets[middle];
        }
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return NULL;
}
