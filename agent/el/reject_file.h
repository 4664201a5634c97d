/* reject_file.h - the quarantine of a target that is no database: one JSON object a line, in a file
 * beside what it writes. A file that has grown past REJECT_FILE_BYTES_MAX takes the name
 * "<path>.old", in place of an earlier one; a load adds no more than `keep` lines. */
#pragma once
#include "agent/el/rejects.h"
#include "common/platform/files.h"

enum { REJECT_FILE_BYTES_MAX = 8 << 20 };

struct reject_file {
    const char *path;
    struct str state_id;
    int64_t keep;
    int64_t size;  /* of the file, once it is open */
    int64_t lines; /* of this load */
    struct fd fd;  /* -1: not open */
};
/* `committed` is the length that belongs to the last commit: what is behind it is cut off, for its
 * records come again. -1: not known. */
MUST_CHECK bool reject_file_open(struct reject_file *f, int64_t committed, struct err *err);
void reject_file_close(struct reject_file *f);
/* Adds what waits in `r`. Durable after reject_file_sync(). */
MUST_CHECK bool reject_file_take(struct reject_file *f, const struct rejects *r, struct err *err);
MUST_CHECK bool reject_file_sync(struct reject_file *f, struct err *err);
