/* sync.h - decides what to send to the hub and when, and when to try the link again. Pure: state +
 * event -> actions; no clock, socket, database or randomness of its own. Design:
 * docs/decisions/0007-sync.md
 *
 *   STOPPED --start--> WAITING --timer--> CONNECTING --link up--> LINKED --hub online--> GREETING
 *      ^                 ^  ^                 |                     |                      |
 *      |                 |  +---- link down (from any) -------------+    first acknowledgement
 *      +----- stop ------+                                                                 v
 *                                   hub offline: back to LINKED <---------------------- SENDING
 *
 * Rules (promises P1, P2): an event is forgotten only when the hub's acknowledgement named it;
 * nothing is sent before the hub answered our birth with how far it has merged; at most `window`
 * batches are unacknowledged; when no acknowledgement moves for `ack_timeout` (doubling, with
 * jitter), we greet again and everything from the acknowledged point is sent again. While events
 * wait and no hub seems to be there we greet every `ack_timeout_max` too: whatever word is lost, of
 * whomever, there is a timer behind it. Without events that wait there is none.
 *
 * What all devices would do at once is spread over the time that the hub asks for: connecting after
 * a link that was up is lost, and greeting a hub that has just come. A device that comes by itself
 * waits for neither. */
#pragma once
#include "common/base/time.h"
#include <stdbool.h>

enum sync_state {
    SYNC_STOPPED,
    SYNC_WAITING,    /* for the back-off to end */
    SYNC_CONNECTING, /* the link is being made */
    SYNC_LINKED,     /* broker reached; no hub there, or not yet known */
    SYNC_GREETING,   /* birth said; waiting for the hub's first acknowledgement */
    SYNC_SENDING,
};

enum sync_event_type {
    SYNC_START,
    SYNC_STOP,
    SYNC_RECORDED,   /* seq: newest event in the buffer now */
    SYNC_LINK_UP,    /* connected and subscribed */
    SYNC_LINK_DOWN,  /* lost, or an attempt failed */
    SYNC_HUB_ONLINE, /* instance: of the hub process, as a hash; a new one knows nothing of us */
    SYNC_HUB_OFFLINE,
    SYNC_ACKED,   /* seq, resend */
    SYNC_REFUSED, /* seq: the batch behind it cannot be merged by this hub */
    SYNC_EPOCH,   /* seq: newest event in the buffer, which has begun a new epoch: from 1 on, all
                     wait, and the hub knows none of them */
    SYNC_SENT,    /* the answer to SYNC_SEND, before any other event. seq: the batch reached to
                        here; 0: it could not be handed over now */
    SYNC_TIMER,
};
struct sync_event {
    enum sync_event_type type;
    struct mono_time now;
    uint64_t random; /* fresh for each event */
    int64_t seq;
    bool resend;       /* SYNC_ACKED: the hub saw a gap behind seq */
    uint64_t instance; /* SYNC_HUB_ONLINE */
    int64_t spread_ns; /* SYNC_HUB_ONLINE: as the hub asks for */
    bool is_news;      /* SYNC_HUB_ONLINE: all devices hear it now; not one that asked */
};

enum sync_action_type {
    SYNC_CONNECT,
    SYNC_DISCONNECT,
    SYNC_SAY_BIRTH,
    SYNC_SEND,   /* one batch beginning at seq; answer with SYNC_SENT */
    SYNC_FORGET, /* everything up to seq is the hub's now */
    SYNC_ARM,    /* one timer: fire SYNC_TIMER at `at`, replacing an earlier one */
    SYNC_DISARM,
};
struct sync_action {
    enum sync_action_type type;
    int64_t seq;
    struct mono_time at;
};
enum { SYNC_ACTIONS_MAX = 4, SYNC_WINDOW_MAX = 8 };
struct sync_actions {
    struct sync_action item[SYNC_ACTIONS_MAX];
    size_t count;
};

struct sync_options {
    int window;             /* 1..SYNC_WINDOW_MAX batches in flight */
    int64_t linger_ns;      /* wait this long for more events before a small batch is sent */
    int64_t linger_events;  /* ... unless this many wait */
    int64_t backoff_min_ns; /* reconnecting: full jitter between 0 and min * 2^n, capped */
    int64_t backoff_max_ns;
    int64_t ack_timeout_ns; /* the first; doubles while nothing moves, up to ack_timeout_max_ns */
    int64_t ack_timeout_max_ns;
};
struct sync_options sync_defaults(void);

/* Open so that its owner can place it; nobody else writes to it. */
struct sync {
    struct sync_options options;
    enum sync_state state;
    bool hub_online;
    uint64_t hub_instance;
    int64_t spread_ns;                 /* the hub's latest word */
    int64_t last_seq;                  /* newest recorded */
    int64_t acked_seq;                 /* the hub has merged up to here */
    int64_t sent_seq;                  /* handed to the link in this greeting; >= acked_seq */
    int64_t inflight[SYNC_WINDOW_MAX]; /* last seq of each unacknowledged batch, oldest first */
    int inflight_count;
    bool is_sending;               /* a SYNC_SEND is out and not answered */
    bool is_held;                  /* the hub refused: wait for the timer */
    int failures;                  /* of the link, in a row */
    int silent_rounds;             /* ack time-outs in a row */
    struct mono_time linger_until; /* 0 = not lingering */
    struct mono_time deadline;     /* back-off or ack time-out; 0 = none */
};
void sync_init(struct sync *s, const struct sync_options *options, int64_t last_seq,
               int64_t acked_seq);
/* Two of the options, from the next wait on; backoff_min_ns is made no longer than the maximum. */
void sync_set_pace(struct sync *s, int64_t linger_ns, int64_t backoff_max_ns);
void sync_step(struct sync *s, const struct sync_event *in, struct sync_actions *out);
/* Whether an acknowledgement may be taken for the hub's answer, before it is fed to the core. Of
 * events that wait here, an answer to our birth says the check (`has_check`); one without was made for
 * an earlier birth or batch, when our database may have been another: a copy that was put back tells
 * other events under the same numbers, and may have passed the hub's number since it greeted. (Gap
 * records have no check: the caller lets them pass.) */
bool sync_may_take(const struct sync *s, int64_t acked_seq, bool has_check);
const char *sync_state_name(enum sync_state state);
