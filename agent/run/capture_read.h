/* capture_read.h - what capture.h keeps, for people: read whole, or followed while it is written by
 * another process. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* A stream in the folder of a step's output: of an attempt, or of a check after one. */
struct capture_stream {
    int64_t attempt;
    struct str check; /* empty: of the step itself */
    bool is_error;    /* standard error */
    const char *path; /* for capture_read() */
};
/* The streams in a folder, by attempt, the step before its checks, output before errors. A folder
 * that is not there has none. */
MUST_CHECK bool capture_streams(const char *dir, struct arena *arena,
                                struct capture_stream **ret_streams, size_t *ret_count,
                                struct err *err);

/* Appends what there is from *position on, `max` bytes at most, and moves *position behind it. What
 * was written there once and is not kept is skipped: *ret_dropped says how much, before the bytes
 * appended. Nothing appended: there is no more, as yet. ERR_NOT_FOUND: there is no such stream. */
MUST_CHECK bool capture_read(const char *path, int64_t *position, size_t max, struct buf *into,
                             int64_t *ret_dropped, struct err *err);
