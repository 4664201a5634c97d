/* follow_match.h - which of the files that are there now is the one that was read up to a mark, when
 * files are renamed, packed, copied and truncated in between. Pure: what is in them, it asks.
 *
 * DESIGN: a file is known by what is in it, as names and inode numbers are given to others: by its
 * first bytes and those before the mark (struct follow_mark). The inode decides first, so that files
 * whose contents are alike are told apart as long as they are there; but a packed file that has the
 * inode of a plain one has come by it later. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdint.h>

enum { FOLLOW_PIECE = 1024 }; /* bytes of text that are compared at either end */

/* A place in a file: what is before it was read. */
struct follow_mark {
    int64_t device, inode;
    int64_t offset;     /* in the text */
    int64_t head_bytes; /* of its first bytes, FOLLOW_PIECE at most, and their hash */
    uint64_t head;
    int64_t tail_bytes; /* of the bytes before `offset` */
    uint64_t tail;
    bool is_packed; /* gzip */
    bool is_copy;   /* of what another file had when it was found: it may have been half copied */
    bool is_gone;   /* no file fits it now */
};
enum { FOLLOW_NONE = -1 };
struct follow_file {
    struct str path;
    int64_t device, inode;
    bool is_packed;
    int mark;     /* the place from which it is to be read; FOLLOW_NONE = its start */
    bool is_copy; /* it holds nothing that another file does not have: not to be read now */
};
/* False with err when a file cannot be read. */
struct follow_content {
    void *ctx;
    /* Does the file have the mark's bytes? */
    bool (*fits)(void *ctx, size_t file, size_t mark, bool *ret, struct err *err);
    /* Is all of `copy` what `whole` begins with? */
    bool (*is_beginning)(void *ctx, size_t copy, size_t whole, bool *ret, struct err *err);
};
struct follow_match {
    struct follow_file *files;
    size_t file_count;
    const struct follow_mark *marks;
    size_t mark_count;
    bool *is_claimed; /* by mark: a file continues it */
};

/* Sets mark and is_copy of each file, and is_claimed. A copy is looked for only among files with a
 * longer name than what it would be a copy of: rotation adds to names. */
MUST_CHECK bool follow_match(struct follow_match *m, const struct follow_content *content,
                             struct err *err);
