/* cursor.h - where a page of a list ended, as clients hand it back: the values by which the list is
 * ordered, in text that stands in an address as it is. Clients do not look into it. Pure; any bytes
 * are safe. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

enum { HTTP_CURSOR_PARTS_MAX = 3, HTTP_CURSOR_BYTES_MAX = 2048 };

/* Base64url of the parts, each with a NUL behind it. */
void http_cursor_write(struct buf *out, const struct str *parts, size_t count);
/* ERR_INVALID when it is none with `count` parts. Text lives in `arena`. */
MUST_CHECK bool http_cursor_read(struct str cursor, struct arena *arena, struct str *ret_parts,
                                 size_t count, struct err *err);
