/* item.h - members of what the API answered. What is not there, or of another type, is empty, 0,
 * false, or HUB_UNKNOWN, as in the store's rows. Pure. */
#pragma once
#include "common/base/time.h"
#include "common/json/json.h"
#include "hub/store/queries.h" /* HUB_UNKNOWN */

struct str item_str(const struct json *item, const char *key);
int64_t item_i64(const struct json *item, const char *key);   /* HUB_UNKNOWN */
int64_t item_count(const struct json *item, const char *key); /* 0 */
bool item_bool(const struct json *item, const char *key);
struct wall_time item_wall(const struct json *item, const char *key);
/* Elements of an array, members of an object: the first, or NULL. */
const struct json *item_first(const struct json *item, const char *key);
/* "a, b" of an array of text; "a=b c=d" of an object of text. */
void item_join(const struct json *item, const char *key, const char *between, struct buf *out);
