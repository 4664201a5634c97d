/* fetch.h - decides when the next piece of a bundle is asked for, and how large it may be. One piece
 * is on its way at a time: what a link that breaks loses is that piece. Pieces halve after each that
 * did not come, down to BUNDLE_PIECE_MIN, and double after each that did; after a loss only once
 * FETCH_STREAK of them have come, so that a link that breaks every so many bytes is not tried with
 * larger ones again and again. Pure. */
#pragma once
#include "common/base/time.h"
#include "common/wire/bundle.h"

enum { FETCH_STREAK = 32, FETCH_FIRST_BYTES = 16 << 10 };
#define FETCH_ANSWER_NS      (20 * NS_PER_SEC) /* then it is lost; doubles up to the next */
#define FETCH_ANSWER_MAX_NS  (300 * NS_PER_SEC)
#define FETCH_PROBLEM_NS     (30 * NS_PER_SEC) /* the hub has nothing: asked again, doubling up to */
#define FETCH_PROBLEM_MAX_NS (3600 * NS_PER_SEC)

enum fetch_event {
    FETCH_BEGIN,   /* something is to be asked for */
    FETCH_ONLINE,  /* connected anew: what was on its way is lost */
    FETCH_TIMER,   /* `at` has come */
    FETCH_CAME,    /* the piece, and more is to be asked for */
    FETCH_PROBLEM, /* the hub said that it has none */
    FETCH_NO_ROOM, /* it could not be asked for just now */
};
struct fetch {
    int64_t piece; /* bytes of the next */
    int64_t streak;
    bool has_lost;
    bool is_asked;            /* one is on its way */
    int64_t losses, problems; /* since one came */
};
struct fetch fetch_new(void);
/* True: ask now for `f->piece` bytes; the timer is armed for *ret_wait_ns in any case. */
bool fetch_step(struct fetch *f, enum fetch_event event, int64_t *ret_wait_ns);
