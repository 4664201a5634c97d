/* target.h - addresses of the API, encoded: "/api/v1/runs/shop%201/0190?limit=5". Pure. */
#pragma once
#include "common/base/buf.h"

/* "http://localhost:8880/..." and the like: what is sent there unencrypted stays on this machine. False
 * whenever that is not certain. */
bool target_stays_here(struct str url);

/* `path` as it stands, after whatever was there. */
void target_begin(struct buf *target, const char *path);
/* "/PART"; a '/' in it stays one when `is_key`, as the keys of assets have them. */
void target_part(struct buf *target, struct str part, bool is_key);
/* "?name=value", or with '&'; nothing when the value is empty. */
void target_query(struct buf *target, const char *name, struct str value);
void target_query_i64(struct buf *target, const char *name, int64_t value);
