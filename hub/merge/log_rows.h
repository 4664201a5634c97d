/* log_rows.h - new events on their way into the log. Those of many streams wait together, with the
 * changes that they make (changes.h), and are written by one statement: beginning one for each batch
 * was a fifth of what the log cost. */
#pragma once
#include "hub/merge/changes.h"

struct log_row {
    int64_t stream;
    int64_t seq;
    int64_t from; /* of a buffer_gap: the first new seq that it stands for; else 0 */
    int64_t at_ms, received_ms;
    struct str type, body; /* borrowed until they are written */
};
struct log_rows {
    struct log_row item[CHANGES_MAX];
    size_t count;
    size_t at; /* while they are written: the place of the next one */
};

/* Room for one more is the caller's business. */
void log_rows_add(struct log_rows *l, int64_t stream, const struct event *ev, int64_t from,
                  int64_t received_ms);
MUST_CHECK bool log_rows_write(struct log_rows *l, struct db *db, struct err *err);
