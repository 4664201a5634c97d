/* json_verbatim.h - JSON of other programs that goes on to other programs (Singer catalogs): a tree
 * whose numbers are written as they stood, of any size, with nesting up to JSON_VERBATIM_DEPTH.
 * json_parse() is for what we act on, and stricter. */
#pragma once
#include "common/json/json.h"

enum { JSON_VERBATIM_DEPTH = 64 };

/* As json_parse(), but for what it calls too deep; an integer beyond 64 bits is a JSON_REAL, a number
 * that no double holds is 0, both with what was `written`; unpaired surrogate escapes become U+FFFD.
 * ERR_INVALID "byte 12: ..."; ERR_FULL over `max_bytes` or the arena's maximum. No recursion. */
MUST_CHECK bool json_verbatim_read(struct str text, size_t max_bytes, struct arena *arena,
                                   struct json **ret, struct err *err);
/* Numbers as `written`, where a reader set it. False: `out` is full, or the tree is deeper than
 * JSON_VERBATIM_DEPTH. */
MUST_CHECK bool json_verbatim_write(struct buf *out, const struct json *root, struct err *err);
