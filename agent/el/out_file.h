/* out_file.h - one file that rows are written to: appended behind what was committed before, or
 * written anew beside the old one. Packed as gzip if wanted: a commit ends a member, so that what is
 * committed is a whole gzip file. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/platform/files.h"

enum { OUT_FILE_BLOCK = 64 << 10 };

struct gzip;
struct out_file {
    const char *path;     /* borrowed */
    const char *new_path; /* "<path>.new" */
    bool is_packed;
    bool is_new; /* written beside the old one, until out_file_replace() */
    struct fd fd;
    struct gzip *gzip;
    struct buf text;   /* not yet packed, or written; at most one record behind OUT_FILE_BLOCK */
    struct buf packed; /* not yet written */
    int64_t size;      /* of the file, as far as it is written */
    uint64_t tail;     /* hash of its last bytes, as of the last sync or append */
};

MUST_CHECK bool out_file_init(struct out_file *f, const char *path, bool is_packed,
                              struct arena *arena, struct err *err);
/* What a killed run left behind `size` bytes is cut off. A file that is shorter, or does not have
 * the bytes that `tail` is of before that, was put there by somebody else: it is written on from its
 * end, and *ret_is_other is true. size -1: the file is not known yet. Makes it when it is not there.
 */
MUST_CHECK bool out_file_append(struct out_file *f, int64_t size, uint64_t tail, bool *ret_is_other,
                                struct err *err);
MUST_CHECK bool out_file_create(struct out_file *f, struct err *err); /* at new_path, empty */
bool out_file_is_open(const struct out_file *f);
/* To be called after each record put into `text`. Errors: ERR_FULL for a full disk, a quota, a limit
 * of the file's size. */
MUST_CHECK bool out_file_write(struct out_file *f, struct err *err);
MUST_CHECK bool out_file_sync(struct out_file *f, struct err *err); /* all is durable then */
/* A new file takes the old one's place, after a sync. Durable. */
MUST_CHECK bool out_file_replace(struct out_file *f, struct err *err);
/* The file at `path` is cut to `aside_bytes` and becomes "<path>.1", or of the next number that is
 * free, and the new one, of `size` bytes and `tail`, takes its place, durably. May be done again after
 * a crash: it goes on where it was, and does nothing when it is done. */
MUST_CHECK bool out_file_move_aside(struct out_file *f, int64_t aside_bytes, int64_t size,
                                    uint64_t tail, struct err *err);
/* Closes it; a new file that took no place is removed. */
void out_file_release(struct out_file *f);
