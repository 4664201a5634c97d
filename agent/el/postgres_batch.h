/* postgres_batch.h - COPY lines that the server may refuse: sent in ranges that become smaller until
 * what is refused is one line, each behind a savepoint. In the caller's transaction. */
#pragma once
#include "agent/el/pg.h"

struct postgres_batch {
    struct pg *pg;
    /* Sends the lines and does with them what can be refused. On false pg says why. */
    bool (*apply)(void *ctx, struct str lines, struct err *err);
    /* The line, the `index`th of all, is refused; `why` may be used up. */
    bool (*refuse)(void *ctx, struct str line, size_t index, struct err *why, struct err *err);
    void *ctx;
};
/* False: something failed that is no row's fault. */
MUST_CHECK bool postgres_batch_run(const struct postgres_batch *b, struct str lines,
                                   struct err *err);
