/* line_source.h - lines from a descriptor that may never end: a pipe from another program, standard
 * input. The buffer grows only for a line that does not fit. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"

struct line_source {
    int fd; /* borrowed */
    char *memory;
    size_t cap;
    size_t start; /* of the bytes not yet given */
    size_t end;
    bool is_at_end;
    bool is_skipping; /* the rest of a line that was too long */
    int64_t line;     /* 1-based number of the last line that was given */
    /* While it waits: something else to listen to, which takes what is there. NULL = nothing. */
    void (*listen)(void *ctx);
    void *listen_ctx;
    const int *listen_fd; /* may become -1 */
};
enum line_result { LINE_TEXT, LINE_IDLE, LINE_END, LINE_TOO_LONG };

/* *ret_text is the next line without its line end (LF or CRLF), valid until the next call; bytes at
 * the end without one are a line too. LINE_IDLE: nothing came for `idle_ms`, or a signal did.
 * LINE_TOO_LONG: one is longer than `max` bytes, *ret_text is its beginning; the next call goes on
 * behind it. */
MUST_CHECK bool line_source_next(struct line_source *s, size_t max, int idle_ms,
                                 enum line_result *ret, struct str *ret_text, struct err *err);
/* What is wrong with the line that was too long. Always false. */
bool line_source_refuse(const struct line_source *s, size_t max, struct err *err);
void line_source_release(struct line_source *s); /* fits AUTO(line_source) */
