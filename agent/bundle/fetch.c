#include "agent/bundle/fetch.h"

struct fetch fetch_new(void)
{
    return (struct fetch){.piece = FETCH_FIRST_BYTES};
}

static int64_t doubled(int64_t first, int64_t times, int64_t max)
{
    int64_t value = first;
    for (int64_t i = 0; i < times && value < max; i++) {
        value *= 2;
    }
    return value < max ? value : max;
}

static void lose(struct fetch *f)
{
    f->piece = f->piece / 2 < BUNDLE_PIECE_MIN ? BUNDLE_PIECE_MIN : f->piece / 2;
    f->has_lost = true;
    f->streak = 0;
    f->losses++;
}

static void gain(struct fetch *f)
{
    f->losses = 0;
    f->problems = 0;
    f->streak++;
    if (f->has_lost && f->streak < FETCH_STREAK) {
        return;
    }
    f->streak = 0;
    f->piece = f->piece * 2 > BUNDLE_PIECE_MAX ? BUNDLE_PIECE_MAX : f->piece * 2;
}

static bool ask(struct fetch *f, int64_t *ret_wait_ns)
{
    f->is_asked = true;
    *ret_wait_ns = doubled(FETCH_ANSWER_NS, f->losses, FETCH_ANSWER_MAX_NS);
    return true;
}

bool fetch_step(struct fetch *f, enum fetch_event event, int64_t *ret_wait_ns)
{
    switch (event) {
    case FETCH_BEGIN:
        break;
    case FETCH_ONLINE:
    case FETCH_TIMER:
        if (f->is_asked) {
            lose(f);
        }
        break;
    case FETCH_CAME:
        gain(f);
        break;
    case FETCH_PROBLEM:
        f->is_asked = false;
        *ret_wait_ns = doubled(FETCH_PROBLEM_NS, f->problems++, FETCH_PROBLEM_MAX_NS);
        return false;
    case FETCH_NO_ROOM:
        f->is_asked = false;
        *ret_wait_ns = NS_PER_SEC;
        return false;
    }
    return ask(f, ret_wait_ns);
}
