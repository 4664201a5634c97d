/* answers.h - the view of what devices answered to commands (0005_command.sql): of each device and
 * command the latest, where a refusal gives way to every other answer. Part of changes.h. */
#pragma once
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/wire/event.h"
#include "hub/merge/members.h"

struct view_stream;
struct answer_change {
    struct str command, status, verb, code, reason, key, run, result;
    int64_t seq, at_ms;
};
struct answer_changes {
    struct answer_change items[LIMIT_BATCH_EVENTS];
    size_t count;
};
/* A `command` event; one that names no command or no status changes nothing. */
void answers_add(struct answer_changes *c, const struct event *ev, const struct members *m);
MUST_CHECK bool answers_write(const struct answer_changes *c, struct db *out,
                              const struct view_stream *stream, struct err *err);
