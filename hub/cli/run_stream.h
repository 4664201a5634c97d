/* run_stream.h - what an attempt of a step wrote to one of its two outputs, as far as it is here. */
#pragma once
#include "hub/cli/find_run.h"

enum { RUN_STREAM_LOOK_MS = 200 }; /* between two questions for what is not here yet */
struct run_stream {
    struct str step;
    int64_t attempt;
    bool is_error;
    struct str cursor; /* where to go on; empty: from its beginning */
};
/* "/api/v1/runs/DEVICE/RUN" and `what` behind it. */
void run_target(struct screen *screen, const struct found_run *run, const char *what);
/* Asks for it; `option` is set to true in the question, NULL: none. */
MUST_CHECK bool run_stream_read(struct screen *screen, const struct found_run *run,
                                const struct run_stream *stream, const char *option,
                                const struct json **ret, struct err *err);
/* A line that says which it is, and why there is no more of it; nothing with --json. */
void run_stream_heading(const struct screen *screen, const struct run_stream *stream,
                        struct str why);
/* The chunks of such an answer: as they were written, or with --json an object each. */
void run_stream_show(struct screen *screen, const struct found_run *run,
                     const struct run_stream *stream, const struct json *answer);
