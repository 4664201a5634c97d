/* pipes_session.h - the Dagster Pipes of one step attempt: a folder with the context and the file to
 * which the program appends its messages, and the tail of that file. A shell around
 * pipes_message.h. One thread, one loop.
 *
 * DESIGN: the file is the buffer. It is read as it grows (inotify, else every quarter of a second),
 * at most PIPES_CHUNK_BYTES a turn; a receiver that cannot take a message now gets it again later,
 * and meanwhile nothing is held in memory but that line. Files stay until
 * pipes_session_remove_files(), so that what nobody had recorded when the agent died is read by
 * pipes_recover(). Of a file over PIPES_FILE_KEPT_BYTES the beginning is given back to the disk
 * once it is read. */
#pragma once
#include "agent/pipes/pipes_message.h"
#include "common/platform/loop.h"

enum { PIPES_FILE_KEPT_BYTES = 16 << 20, PIPES_SPARES_MAX = 4 };

/* Descriptors of inotify between two sessions: to close one that has watched anything takes the kernel
 * some 20 ms, for which the loop would stand still. In the owner's memory; zero-initialise it. */
struct pipes_spares {
    int fds[PIPES_SPARES_MAX];
    size_t count;
};
void pipes_spares_close(struct pipes_spares *spares);

struct pipes_session;
struct pipes_session_options {
    struct loop *loop;
    const char *dir;    /* made by open (0700); what is there is removed. Its parent exists */
    struct str context; /* JSON */
    /* Not 0 = another user than ours runs the program: the folder is made under `shared_dir`, where
     * that user can reach it, and `dir` is a link to it. */
    uid_t user;
    gid_t group;
    const char *shared_dir;
    struct pipes_spares *spares; /* NULL = none are kept */
    /* False: not now. The same message comes again within a quarter of a second. */
    bool (*on_message)(void *ctx, const struct pipes_message *message);
    /* All that was there when pipes_session_drain() was called has been taken. May close. */
    void (*on_drained)(void *ctx);
    void *ctx;
};

MUST_CHECK bool pipes_session_open(struct pipes_session **ret,
                                   const struct pipes_session_options *options, struct err *err);
/* The two variables for the program, "NAME=value" each, NULL at the end. */
const char *const *pipes_session_env(const struct pipes_session *session);
/* The program has ended: what is in the file now is the rest. on_drained comes in a later turn. */
void pipes_session_drain(struct pipes_session *session);
/* Makes what was read survive a power cut. Blocks for one fdatasync. */
void pipes_session_sync(struct pipes_session *session);
/* Keeps the files. NULL is allowed. */
void pipes_session_close(struct pipes_session *session);

/* Of an earlier life of the agent: gives all messages of the folder to `on_message`, in order.
 * Nothing happens when there is no such folder. */
MUST_CHECK bool pipes_recover(const char *dir,
                              void (*on_message)(void *ctx, const struct pipes_message *message),
                              void *ctx, struct err *err);
MUST_CHECK bool pipes_session_remove_files(const char *dir, struct err *err);
