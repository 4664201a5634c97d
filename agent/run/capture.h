/* capture.h - one stream of a step's output: read from a pipe, kept in files of bounded size.
 *
 * DESIGN. The file <path> has the first CAPTURE_HEAD_BYTES. What follows goes into pieces of
 * CAPTURE_PIECE_BYTES, each a file <path>.<offset> with the number of bytes that came before it in
 * its name; beyond CAPTURE_PIECES of them the oldest is deleted. So the beginning and the newest
 * end are always there, at most LIMIT_STEP_OUTPUT_BYTES of them. All files are what the step wrote
 * and nothing else, and only grow: people read them with cat, capture_read.h follows them while
 * they are written, and after a crash they are as good as before. What is missing between two of
 * them follows from their names and sizes.
 *
 * Work in one turn of the loop: one read and what it takes to keep that. */
#pragma once
#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/platform/loop.h"

enum {
    CAPTURE_HEAD_BYTES = LIMIT_STEP_OUTPUT_BYTES / 4,
    CAPTURE_PIECES = 4,
    CAPTURE_PIECE_BYTES = (LIMIT_STEP_OUTPUT_BYTES - CAPTURE_HEAD_BYTES) / CAPTURE_PIECES,
    CAPTURE_LINE_BYTES = 300,
};

/* One line of it, cut after CAPTURE_LINE_BYTES, for messages. */
struct capture_line {
    char text[CAPTURE_LINE_BYTES];
    size_t len;
    bool is_done; /* its end was seen */
};

struct capture {
    struct loop *loop;
    struct loop_fd source;
    struct fd pipe; /* -1: nobody can write any more */
    struct fd file; /* the present one; -1 = none could be opened */
    char path[LIMIT_PATH_BYTES + 1];
    int64_t file_room; /* bytes that still fit the present file */
    struct capture_piece {
        int64_t offset;
        int64_t bytes;
    } pieces[CAPTURE_PIECES]; /* oldest first */
    int piece_count;
    int64_t bytes; /* that the step wrote */
    int64_t kept;  /* that are in the files */
    struct capture_line first;
    struct capture_line last; /* that is not blank */
    void (*on_end)(void *ctx);
    void *ctx;
};

/* Begins the files and gives the end of the pipe that the child writes to. A file that cannot be
 * made costs the output, not the step: `kept` stays behind `bytes`. on_end comes once nobody can
 * write any more. */
MUST_CHECK bool capture_open(struct capture *c, struct loop *loop, const char *path,
                             struct fd *ret_child_end, struct err *err);
bool capture_is_open(const struct capture *c);
/* Adds what the step wrote in another way; also after the pipe has ended. */
void capture_add(struct capture *c, struct str bytes);
/* Stops reading; what was written is kept. Idempotent; a zeroed one is not allowed, see
 * capture_init(). */
void capture_close(struct capture *c);
/* For an owner that may close what was never opened. */
void capture_init(struct capture *c, void (*on_end)(void *ctx), void *ctx);
struct str capture_first_line(const struct capture *c);
struct str capture_last_line(const struct capture *c);
