/* worker_messages.h - what a step says on its descriptor 3: lines of JSON, as the worker and
 * selvedge-exec write them. docs/reference/worker.md */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/platform/files.h"
#include "common/platform/loop.h"

enum { WORKER_CHECKS_MAX = LIMIT_STEP_CHECKS, WORKER_ASSETS_MAX = LIMIT_STEP_ASSETS };

struct step_check {
    struct str asset; /* of a step that makes several; else empty */
    struct str name;
    struct str severity;
    bool passed;
    struct str metadata; /* JSON object; may be empty */
};

/* How far it says it has come. In memory only, and only the last: it is never recorded. */
struct worker_progress {
    bool is_told;
    int64_t rows, bytes;  /* read so far */
    int64_t memory_bytes; /* the most that it had so far; 0 = not told */
};

/* Of a step that makes several: what became of one. */
struct step_asset {
    struct str asset;
    bool is_made;
    struct str metadata; /* JSON object of the materialization; may be empty */
    struct str error_code, error_message, error_hint; /* why it was not made */
};

struct worker_messages {
    struct loop *loop;
    struct loop_fd source;
    struct fd pipe; /* -1: nobody can say anything any more */
    struct buf lines;
    bool skipping_line;        /* a message longer than the limit is read past */
    struct arena arena;        /* of all text below */
    struct str metadata;       /* of the materialization: JSON object; may be empty */
    struct step_asset *assets; /* the last that was said of each */
    size_t asset_count, asset_room;
    struct strmap asset_at;    /* by key */
    struct step_check *checks; /* the last of each, too */
    size_t check_count, check_room;
    struct strmap check_at; /* by "asset\nname" */
    struct worker_progress progress;
    struct str error_code, error_message, error_hint; /* no message: no error was said */
    void (*on_end)(void *ctx);
    void *ctx;
};

void worker_messages_init(struct worker_messages *m, void (*on_end)(void *ctx), void *ctx);
/* Gives the end of the pipe that becomes the child's descriptor 3. on_end comes once nobody can
 * write any more. */
MUST_CHECK bool worker_messages_open(struct worker_messages *m, struct loop *loop,
                                     struct fd *ret_child_end, struct err *err);
bool worker_messages_is_open(const struct worker_messages *m);
void worker_messages_release(struct worker_messages *m);
