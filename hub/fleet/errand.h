/* errand.h - a program that the hub runs for something: what it says on stderr is kept, and it is ended
 * when it takes too long. One at a time; a receiver that hangs, crashes or lies keeps nobody but
 * itself. Where the caller places it, it stays. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/spawn.h"

enum { ERRAND_SAID_BYTES = 1024, ERRAND_REASON_BYTES = 300 };

struct errand {
    struct loop *loop;
    /* `why` is NULL when it ended with 0; else it says how it ended and what it said. */
    void (*on_end)(void *ctx, const struct err *why);
    void *ctx;
    int64_t run_ns; /* then it is killed */
    /* private */
    struct loop_child child;
    struct loop_timer timer;
    struct loop_fd error;
    char said[ERRAND_SAID_BYTES]; /* the beginning of it */
    size_t said_len;
    pid_t pid; /* 0: nothing runs */
    bool is_late;
};
void errand_init(struct errand *errand); /* after the four members above are set */
/* Not while busy. Its stderr is ours; its environment too. False: it could not be started, and on_end is
 * not called. */
MUST_CHECK bool errand_start(struct errand *errand, struct spawn_options *spawn, struct err *err);
bool errand_is_busy(const struct errand *errand);
/* on_end is not called any more. What runs is killed, or goes on. */
void errand_fini(struct errand *errand, bool goes_on);
