/* flatten.h - the names of columns that nested objects become: agent/connectors/flatten_options.h. Pure. */
#pragma once
#include "agent/connectors/flatten_options.h"
#include "common/base/buf.h"

/* NULL is allowed: nothing is flattened. */
bool flatten_is_on(const struct flatten *f);
/* Writes the name of a column into `out`, which is emptied first: the names of the objects around
 * it, its own last, `count` in all. */
void flatten_name(const struct flatten *f, const struct str *parts, size_t count, struct buf *out);
