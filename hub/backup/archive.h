/* archive.h - many files as one: a tar file (POSIX ustar) whose last member, SHA256SUMS, has the checksum of
 * each of the others, so that `tar` and `sha256sum -c` read it too. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"

enum { ARCHIVE_BLOCK = 512, ARCHIVE_NAME_MAX = 99 };
#define ARCHIVE_SUMS "SHA256SUMS"

/* Relative, of [A-Za-z0-9._-] and '/', no "..", at most ARCHIVE_NAME_MAX bytes. */
bool archive_name_is_valid(struct str name);
/* The head of a member; its bytes follow, then archive_padding() zeros. After the last member come two
 * blocks of zeros. `name` is valid. */
void archive_add_head(struct buf *out, struct str name, int64_t bytes, struct wall_time at);
size_t archive_padding(int64_t bytes);

struct archive_member {
    struct str name;  /* of the archive's own bytes */
    struct str bytes; /* them too */
};
/* The next member of *rest; *ret_end true behind the last one. ERR_CORRUPT: cut off, or no such
 * archive. */
MUST_CHECK bool archive_next(struct str *rest, struct archive_member *ret, bool *ret_end,
                             struct err *err);
/* Whether SHA256SUMS comes after all others, and they are as it says. */
MUST_CHECK bool archive_check(struct str archive, struct err *err);
