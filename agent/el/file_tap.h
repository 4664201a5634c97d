/* file_tap.h - what the taps that read files share: which file is next, its reader, its place in
 * the state. */
#pragma once
#include "agent/el/file_reader.h"
#include "agent/el/file_set.h"
#include "agent/el/follow.h"
#include "agent/el/tap.h"
#include "common/platform/clock.h"

struct file_tap {
    struct tap base;
    struct stream stream; /* csv, jsonl: the only one */
    struct file_set files;
    size_t next;    /* index of the next file to open */
    size_t current; /* of the one that is open */
    bool is_open;
    bool is_looking;    /* a pass that loads nothing: neither counted nor noted for the state */
    bool takes_rejects; /* the context's */
    struct file_reader reader;
    /* Of files that are followed; follow NULL = they are not. */
    struct follow *follow;
    struct clock clock;
    struct mono_time until; /* 0 = until all is read */
};
/* What a tap does at the end of its files. */
enum file_tap_wait {
    FILE_TAP_OVER,
    FILE_TAP_IDLE, /* nothing came */
    FILE_TAP_MORE, /* files are there to be read: a pass over them first, then rows */
};

/* Decides which files to read. base.is_unchanged is set when there are none. */
MUST_CHECK bool file_tap_init(struct file_tap *t, const struct tap_context *context,
                              struct err *err);
/* Closes the file that is open and opens the next one that has something to read,
 * at its start: the caller reads a header there, if any, then calls file_tap_seek(). *ret_found
 * false after the last. */
MUST_CHECK bool file_tap_open_next(struct file_tap *t, bool *ret_found, struct err *err);
/* To where the last committed run ended, unless the reader is there or further. */
MUST_CHECK bool file_tap_seek(struct file_tap *t, struct err *err);
/* Was it a gzip file that is damaged or cut off? Then what it gave is good: true, the error is kept
 * for the end of the tap (base.failure), and the next file is to be opened. */
bool file_tap_forgive(struct file_tap *t, struct err *err);
/* Ends a looking pass: to the first file again. */
void file_tap_rewind(struct file_tap *t);
/* After the last file: waits for more where files are followed for a time. */
MUST_CHECK bool file_tap_wait(struct file_tap *t, enum file_tap_wait *ret, struct err *err);
/* Is the open file's last line, which has no end, still being written? */
bool file_tap_is_growing(const struct file_tap *t);
/* {"files":[...]}, or "follow", and, when not empty, one more member. */
MUST_CHECK bool file_tap_state(struct file_tap *t, const char *extra_key, struct str extra_json,
                               struct buf *out, struct err *err);
/* As tap_ops says; `ops` is the tap's own. A pattern needs the option "stream". */
MUST_CHECK bool file_tap_discover(const struct tap_ops *ops, const struct tap_context *context,
                                  const struct found_taker *taker, struct err *err);
/* Files are followed by the state whatever the replication method, but with FULL_TABLE. */
MUST_CHECK bool file_tap_choose(void *options, const struct stream_choice *choice,
                                enum load_mode *ret_mode, struct err *err);
void file_tap_fini(struct file_tap *t);
/* The record at reader.line is bad: base.bad says so, `why` is void then. */
void file_tap_reject(struct file_tap *t, struct str stream, struct str record, struct err *why);
/* "path:line: " in front of the error; of a file that is followed, the byte. Always false. */
bool file_tap_wrap(const struct file_tap *t, struct err *err);
