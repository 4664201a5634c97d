/* manifest_pieces.h - the members of a large JSON object and of the objects in it, one at a time, out of
 * a file that is read once from front to back. Held in memory is one value at most: bounded by
 * LIMIT_DBT_NODE_BYTES, whatever the file has. Values are found by their brackets and quotes only: who
 * uses one checks it (common/json). Internal to common/dbt. No recursion. */
#pragma once
#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/dbt/project.h"

struct pieces {
    int fd;
    struct buf held; /* bytes of the file from `base` on */
    int64_t base;
    size_t pos; /* in `held` */
    bool is_first;
    char key[LIMIT_DBT_ID_BYTES];
    size_t key_len;
};

/* Reads as far as the outer object's bracket. ERR_INVALID "byte 1: ..." when it does not begin so. */
MUST_CHECK bool pieces_begin(struct pieces *p, int fd, struct err *err);
void pieces_release(struct pieces *p); /* fits AUTO(pieces) */
/* The next member's key, as it is written (borrowed until the next call); *ret_more is false at the end
 * of the object, which is left. Then one of the three below. */
MUST_CHECK bool pieces_next(struct pieces *p, bool *ret_more, struct str *ret_key, struct err *err);
/* The value is an object, whose members come next. *ret_is_object false: it is null, and is passed. */
MUST_CHECK bool pieces_enter(struct pieces *p, bool *ret_is_object, struct err *err);
/* The value's text, borrowed until the next call. ERR_FULL above LIMIT_DBT_NODE_BYTES. */
MUST_CHECK bool pieces_keep(struct pieces *p, struct str *ret, struct dbt_place *ret_place,
                            struct err *err);
/* Passes over the value, however long it is. */
MUST_CHECK bool pieces_pass(struct pieces *p, struct dbt_place *ret_place, struct err *err);
/* Nothing but space follows. */
MUST_CHECK bool pieces_end(struct pieces *p, struct err *err);
