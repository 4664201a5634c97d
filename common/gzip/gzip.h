/* gzip.h - gzip as a stream (RFC 1952). A file may hold several members in a row, whose texts follow
 * each other, and zero bytes behind the last one. Any bytes are safe. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"

enum { GZIP_MAGIC_BYTES = 2 };
bool gzip_is(struct str first_bytes); /* does gzip data begin so? */

struct gunzip;
MUST_CHECK bool gunzip_open(struct gunzip **ret, struct err *err);
/* Unpacks from the front of *input, which it advances, into `out` until one of them is used up.
 * ERR_CORRUPT when the data are damaged: what came before was given by earlier calls. */
MUST_CHECK bool gunzip_take(struct gunzip *g, struct str *input, char *out, size_t cap,
                            size_t *ret_len, struct err *err);
/* The input so far is a number of whole members: it may end here. */
bool gunzip_is_whole(const struct gunzip *g);
void gunzip_close(struct gunzip *g); /* NULL is allowed */

struct gzip;
MUST_CHECK bool gzip_open(struct gzip **ret, struct err *err);
/* For what is packed once and sent often: a few per cent smaller, several times as slow. */
MUST_CHECK bool gzip_open_smallest(struct gzip **ret, struct err *err);
/* Appends what is packed so far to `out`; begins a member when none is open. */
MUST_CHECK bool gzip_add(struct gzip *g, struct str text, struct buf *out, struct err *err);
/* Ends the member; nothing to do when none is open. */
MUST_CHECK bool gzip_end(struct gzip *g, struct buf *out, struct err *err);
void gzip_close(struct gzip *g); /* NULL is allowed */
