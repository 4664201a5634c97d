/* singer_state.h - the state of a tap with several streams, in Singer's usual form
 * {"bookmarks": {stream: {...}}}: one stream's part is replaced, the others stay. Pure. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/json/json_writer.h"

struct singer_state {
    struct arena *arena;
    struct str *names;
    struct buf *bookmarks; /* JSON */
    size_t count;
    size_t cap;
};

/* `text` empty: no bookmarks. Members beside "bookmarks" are not kept. */
MUST_CHECK bool singer_state_read(struct singer_state *ret, struct str text, struct arena *arena,
                                  struct err *err);
/* Empty when the stream has none. */
struct str singer_state_get(const struct singer_state *s, struct str stream);
MUST_CHECK bool singer_state_set(struct singer_state *s, struct str stream, struct str bookmark,
                                 struct err *err);
void singer_state_write(const struct singer_state *s, struct json_writer *w);
void singer_state_release(struct singer_state *s); /* fits AUTO(singer_state) */
