/* file_reader.h - one regular file, read once from start to the size it had when it was looked at,
 * through a buffer that grows only for a record that does not fit. gzip, known by its first bytes,
 * is unpacked: positions are those of the text. Hashes what is consumed, so that the position can be
 * part of a state. */
#pragma once
#include "agent/el/hash.h"
#include "common/base/err.h"
#include "common/platform/files.h"

enum { FILE_READER_BLOCK = 128 << 10, FILE_READER_HISTORY = 1024 };

struct gunzip;
struct file_reader {
    struct fd fd;
    const char *path; /* borrowed */
    char *memory;
    size_t cap;
    size_t start; /* of the unconsumed bytes in `memory` */
    size_t end;
    int64_t offset;     /* in the text, of `start` */
    int64_t read_until; /* in the file: what was read from it */
    int64_t size;       /* of the file: where reading ends */
    int64_t line;       /* 1-based number of the line at `start`; the user of the reader counts */
    struct hash64 hash; /* of the bytes before `offset` */
    bool is_over;       /* nothing follows what is in the buffer */
    bool is_broken;     /* the file breaks off: damaged gzip, or it became shorter */
    /* Of gzip; gunzip NULL = it is none. */
    struct gunzip *gunzip;
    char *packed;
    struct str packed_rest; /* of `packed`, not yet unpacked */
};

MUST_CHECK bool file_reader_open(struct file_reader *r, const char *path, int64_t size,
                                 struct err *err);
/* Forward to `offset`, whose hash is `hash`; gzip is unpacked up to there. Errors as of fill. */
MUST_CHECK bool file_reader_seek(struct file_reader *r, int64_t offset, struct hash64 hash,
                                 struct err *err);
/* Reads more behind what is there. False with ERR_FULL when a record would pass `max` bytes; with
 * is_broken and ERR_IO when the file has become shorter, ERR_CORRUPT when it is gzip that is damaged
 * or cut off: what was before that is in the buffer. At the end of the file it does nothing. */
MUST_CHECK bool file_reader_fill(struct file_reader *r, size_t max, struct err *err);
bool file_reader_at_end(const struct file_reader *r);  /* all that is left is in the buffer */
bool file_reader_is_done(const struct file_reader *r); /* all was consumed */
/* Takes `len` bytes off the front; they stay readable until the next fill. */
void file_reader_consume(struct file_reader *r, size_t len);
/* The last bytes before `offset`, FILE_READER_HISTORY at most, none before the start. Valid until
 * the next call. */
struct str file_reader_history(const struct file_reader *r);
/* The next line without its line end (LF or CRLF); *ret_found false at the end. Empty lines are
 * given too. `is_whole` tells whether a line end was there. Does not consume: *ret_bytes is what to
 * consume. */
struct file_line {
    struct str text;
    size_t bytes;
    bool is_whole;
};
MUST_CHECK bool file_reader_line(struct file_reader *r, size_t max, struct file_line *ret,
                                 bool *ret_found, struct err *err);
void file_reader_release(struct file_reader *r); /* fits AUTO(file_reader) */
