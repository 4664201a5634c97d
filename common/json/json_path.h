/* json_path.h - a part of a JSON text by its path, in place: names of members with dots between
 * them, [0] the first element of a list, [-1] the last one, ['a.b'] a name that has a dot or bracket
 * in it: `data.orders`, `orders[-1].id`. "$" at the beginning may be there; alone, or empty, it is
 * the whole text. Pure. */
#pragma once
#include "common/json/json_scan.h"

struct path_step {
    struct str name; /* of a member */
    bool is_index;
    int64_t index; /* -1: the last */
};
/* The next step of a path, cut off its front. False at the end, and (err->code set) when it is no
 * path. */
bool json_path_step(struct str *path, struct path_step *ret, struct err *err);
/* ERR_INVALID when it is no path. */
MUST_CHECK bool json_path_check(struct str path, struct err *err);
/* *ret_found false when there is no such member or element. ERR_INVALID when the text, all of it, is
 * no well-formed object or list. */
MUST_CHECK bool json_path_find(struct str path, struct str text, bool *ret_found,
                               struct json_raw *ret, struct err *err);
