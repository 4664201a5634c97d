/* asset_key.h - the name of an asset: parts joined by '/', as in "pos/sales". Pure. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* Checks a key: 1 to LIMIT_ASSET_KEY_PARTS parts of [A-Za-z0-9_.-], none of them "." or "..", at
 * most LIMIT_ASSET_KEY_BYTES in all. ERR_INVALID says which part and why; the hint holds a valid
 * spelling where there is an obvious one. */
MUST_CHECK bool asset_key_check(struct str key, struct err *err);

/* What a person typed to the stored form: white space around it, and '/' at either end or doubled,
 * are dropped. The result lives in `arena` and is a checked key. */
MUST_CHECK bool asset_key_normalise(struct str text, struct arena *arena, struct str *ret,
                                    struct err *err);

/* Any text as a name of at most `max` bytes: what is neither letter nor digit, nor '_', '-' or '.'
 * behind the first one, becomes '-' ('x' as the first); a longer text ends in a hash. The result lives
 * in `arena`; STR_NONE: no memory. */
struct str name_from(struct str text, size_t max, struct arena *arena);
/* The same of a part of a key, which any of these may begin; appended. */
void asset_key_add_part(struct buf *key, struct str part);

/* The last part: what a table is called when nothing else is said. Borrowed from `key`. */
struct str asset_key_last(struct str key);
