/* stream_state.h - the state of a tap, stream by stream, where it has Singer's usual form
 * {"bookmarks": {stream: ...}}: so that a load of some streams does not forget the others, and one
 * that failed for a stream does not claim its rows. Pure. */
#pragma once
#include "agent/connectors/options.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct stream_state_keep {
    const struct tap_options *tap; /* which streams are loaded */
    const struct str *failed;      /* of them, whose rows are not all in the target */
    size_t failed_count;
    bool has_passed_over; /* rows of streams that are not loaded came */
};
/* Appends `now` with the bookmarks of streams that failed, and of those that are not loaded, as they
 * were `before`: a tap that knows of no choice gives them all the same, and claims them. Without
 * bookmarks nothing can be told of one stream alone: then it is `before` when any failed or was passed
 * over, else `now`. */
MUST_CHECK bool stream_state_join(struct str before, struct str now,
                                  const struct stream_state_keep *keep, struct buf *out,
                                  struct err *err);
/* Whether the state speaks of the stream. */
bool stream_state_has(struct str state, struct str stream);
