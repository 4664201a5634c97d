#include "common/sync/sync.h"

#include "common/model/backoff.h"
#include <assert.h>
#include <string.h>

#define TO(s) (1u << (s))
static const unsigned allowed[] = {
    [SYNC_STOPPED] = TO(SYNC_WAITING),
    [SYNC_WAITING] = TO(SYNC_CONNECTING) | TO(SYNC_STOPPED),
    [SYNC_CONNECTING] = TO(SYNC_LINKED) | TO(SYNC_WAITING) | TO(SYNC_STOPPED),
    [SYNC_LINKED] = TO(SYNC_GREETING) | TO(SYNC_WAITING) | TO(SYNC_STOPPED),
    [SYNC_GREETING] = TO(SYNC_SENDING) | TO(SYNC_LINKED) | TO(SYNC_WAITING) | TO(SYNC_STOPPED),
    [SYNC_SENDING] = TO(SYNC_GREETING) | TO(SYNC_LINKED) | TO(SYNC_WAITING) | TO(SYNC_STOPPED),
};

static void enter(struct sync *s, enum sync_state next)
{
    assert(allowed[s->state] & TO(next));
    s->state = next; /* the only assignment to ->state */
}

const char *sync_state_name(enum sync_state state)
{
    static const char *const names[] = {
        [SYNC_STOPPED] = "stopped", [SYNC_WAITING] = "waiting",   [SYNC_CONNECTING] = "connecting",
        [SYNC_LINKED] = "linked",   [SYNC_GREETING] = "greeting", [SYNC_SENDING] = "sending",
    };
    return names[state];
}

bool sync_may_take(const struct sync *s, int64_t acked_seq, bool has_check)
{
    return s->state != SYNC_GREETING || has_check || acked_seq <= s->acked_seq;
}

struct sync_options sync_defaults(void)
{
    return (struct sync_options){
        .window = 4,
        .linger_ns = 250 * NS_PER_MS,
        .linger_events = 64,
        .backoff_min_ns = 1 * NS_PER_SEC,
        .backoff_max_ns = 120 * NS_PER_SEC,
        .ack_timeout_ns = 10 * NS_PER_SEC,
        .ack_timeout_max_ns = 300 * NS_PER_SEC,
    };
}

void sync_init(struct sync *s, const struct sync_options *options, int64_t last_seq,
               int64_t acked_seq)
{
    assert(options->window >= 1 && options->window <= SYNC_WINDOW_MAX);
    assert(acked_seq >= 0 && acked_seq <= last_seq);
    memset(s, 0, sizeof(*s));
    s->options = *options;
    s->state = SYNC_STOPPED;
    s->last_seq = last_seq;
    s->acked_seq = acked_seq;
    s->sent_seq = acked_seq;
}

void sync_set_pace(struct sync *s, int64_t linger_ns, int64_t backoff_max_ns)
{
    s->options.linger_ns = linger_ns;
    s->options.backoff_max_ns = backoff_max_ns;
    if (s->options.backoff_min_ns > backoff_max_ns) {
        s->options.backoff_min_ns = backoff_max_ns;
    }
}

static void act(struct sync_actions *out, enum sync_action_type type, int64_t seq,
                struct mono_time at)
{
    assert(out->count < SYNC_ACTIONS_MAX);
    out->item[out->count++] = (struct sync_action){.type = type, .seq = seq, .at = at};
}

static const struct mono_time never = {0};

/* value * 2^times, at most `cap`. */
static int64_t doubled(int64_t value, int times, int64_t cap)
{
    for (int i = 0; i < times && value < cap; i++) {
        value *= 2;
    }
    return value < cap ? value : cap;
}

/* --- timing ----------------------------------------------------------------------------------- */

static void wait_before_connecting(struct sync *s, const struct sync_event *in)
{
    int64_t spread = s->spread_ns;
    int64_t min = spread > s->options.backoff_min_ns ? spread : s->options.backoff_min_ns;
    int64_t max = min > s->options.backoff_max_ns ? min : s->options.backoff_max_ns;
    s->deadline.ns = in->now.ns + reconnect_delay_ns(min, max, s->failures + 1, in->random);
}

/* The first reminder comes on time, later ones rarer; a quarter of jitter parts the devices. */
static void expect_ack(struct sync *s, const struct sync_event *in)
{
    int64_t span =
        doubled(s->options.ack_timeout_ns, s->silent_rounds, s->options.ack_timeout_max_ns);
    s->deadline.ns = in->now.ns + span + (int64_t)(in->random % (uint64_t)(span / 4 + 1));
}

/* Nobody is there, as far as we were told; but a broker may drop that word as any other. While
 * events wait we greet now and then all the same. */
static void watch_for_hub(struct sync *s, const struct sync_event *in)
{
    if (s->last_seq == s->acked_seq) {
        s->deadline = never;
    } else if (s->deadline.ns == 0) {
        int64_t span = s->options.ack_timeout_max_ns;
        s->deadline.ns = in->now.ns + span + (int64_t)(in->random % (uint64_t)(span / 4 + 1));
    }
}

static void arm_earliest(struct sync *s, struct sync_actions *out)
{
    struct mono_time at = s->deadline;
    if (s->linger_until.ns != 0 && (at.ns == 0 || s->linger_until.ns < at.ns)) {
        at = s->linger_until;
    }
    act(out, at.ns == 0 ? SYNC_DISARM : SYNC_ARM, 0, at);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void forget_flight(struct sync *s)
{
    s->inflight_count = 0;
    s->is_sending = false;
    s->is_held = false;
    s->linger_until = never;
    s->sent_seq = s->acked_seq;
}

/* Asks for one batch when there is something to send, room in the window and no reason to wait. */
static void pump(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    int64_t waiting = s->last_seq - s->sent_seq;
    bool may_send = s->state == SYNC_SENDING && !s->is_sending && !s->is_held && waiting > 0 &&
                    s->inflight_count < s->options.window;
    bool is_due = s->linger_until.ns != 0 && in->now.ns >= s->linger_until.ns;
    if (may_send && waiting < s->options.linger_events && !is_due) {
        if (s->linger_until.ns == 0) {
            s->linger_until.ns = in->now.ns + s->options.linger_ns;
        }
        return;
    }
    s->linger_until =
        never; /* also when there is nothing to wait for: a past time would fire for ever */
    if (may_send) {
        s->is_sending = true;
        act(out, SYNC_SEND, s->sent_seq + 1, never);
    }
}

static void on_sent(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    if (!s->is_sending) {
        return; /* the link went away in between */
    }
    s->is_sending = false;
    if (s->deadline.ns == 0) {
        expect_ack(s, in);
    }
    if (in->seq == 0) {
        return; /* the link is full for now: an acknowledgement comes, or the time-out */
    }
    if (in->seq > s->sent_seq) { /* else it was acknowledged while it was handed over */
        s->sent_seq = in->seq;
        s->inflight[s->inflight_count++] = in->seq;
    }
    pump(s, in, out);
}

static void settle_flight(struct sync *s)
{
    int done = 0;
    while (done < s->inflight_count && s->inflight[done] <= s->acked_seq) {
        done++;
    }
    s->inflight_count -= done;
    memmove(s->inflight, s->inflight + done, (size_t)s->inflight_count * sizeof(s->inflight[0]));
}

static void on_acked(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    if ((s->state != SYNC_GREETING && s->state != SYNC_SENDING) || in->seq > s->last_seq) {
        return; /* nothing of ours: another life of this device, or a confused hub */
    }
    bool moved = in->seq > s->acked_seq;
    if (moved) {
        s->acked_seq = in->seq;
        act(out, SYNC_FORGET, in->seq, never);
    }
    bool is_first = s->state == SYNC_GREETING;
    if (is_first) {
        enter(s, SYNC_SENDING);
        s->failures = 0;
    }
    if (is_first || in->resend) {
        forget_flight(s);
    }
    if (s->sent_seq < s->acked_seq) {
        s->sent_seq = s->acked_seq;
    }
    settle_flight(s);
    if (moved || is_first) {
        s->is_held = false;
        s->deadline = never;
    }
    if (moved || s->acked_seq == s->last_seq) {
        s->silent_rounds = 0; /* an answered birth alone is no progress while events wait */
    }
    if (s->inflight_count > 0 && s->deadline.ns == 0) {
        expect_ack(s, in);
    }
    pump(s, in, out);
}

/* The events stay; the owner has told the operator. We try again when the time-out comes: a newer
 * hub may take them. */
static void on_refused(struct sync *s, const struct sync_event *in)
{
    if (s->state != SYNC_SENDING) {
        return;
    }
    s->is_held = true;
    s->linger_until = never;
    if (s->deadline.ns == 0) {
        expect_ack(s, in);
    }
}

/* --- link and hub ----------------------------------------------------------------------------- */

static void on_link_down(struct sync *s, const struct sync_event *in)
{
    if (s->state == SYNC_STOPPED || s->state == SYNC_WAITING) {
        return;
    }
    forget_flight(s);
    s->hub_online = false;
    wait_before_connecting(s, in);
    s->failures = s->failures < 62 ? s->failures + 1 : 62;
    enter(s, SYNC_WAITING);
}

static void greet(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    if (s->state != SYNC_GREETING) {
        enter(s, SYNC_GREETING);
    }
    forget_flight(s);
    expect_ack(s, in);
    act(out, SYNC_SAY_BIRTH, 0, never);
}

/* A broker may hand out the hub's retained state before it confirms the subscription. */
static void on_link_up(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    if (s->state != SYNC_CONNECTING) {
        return;
    }
    enter(s, SYNC_LINKED);
    s->deadline = never;
    s->silent_rounds = 0;
    if (s->hub_online) {
        greet(s, in, out);
    }
}

/* Linked, and the hub is there: on_timer() greets. */
static void wait_for_turn(struct sync *s, const struct sync_event *in)
{
    if (s->state != SYNC_LINKED) {
        enter(s, SYNC_LINKED);
    }
    forget_flight(s);
    s->deadline.ns = in->now.ns + 1 + (int64_t)(in->random % (uint64_t)s->spread_ns);
}

static void on_hub_online(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    bool is_same = s->hub_online && s->hub_instance == in->instance;
    s->hub_online = true;
    s->hub_instance = in->instance;
    s->spread_ns = in->spread_ns;
    bool has_greeted = s->state == SYNC_GREETING || s->state == SYNC_SENDING;
    if (is_same || (s->state != SYNC_LINKED && !has_greeted)) {
        return;
    }
    s->silent_rounds = 0;
    if (in->is_news && s->spread_ns > 0) {
        wait_for_turn(s, in);
    } else {
        greet(s, in, out);
    }
}

static void on_hub_offline(struct sync *s)
{
    s->hub_online = false;
    if (s->state == SYNC_GREETING || s->state == SYNC_SENDING) {
        forget_flight(s);
        s->deadline = never;
        enter(s, SYNC_LINKED);
    }
}

static void on_epoch(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    s->last_seq = in->seq;
    s->acked_seq = 0;
    forget_flight(s);
    if (s->state == SYNC_GREETING || s->state == SYNC_SENDING) {
        s->silent_rounds = 0;
        greet(s, in, out);
    }
}

/* No acknowledgement moved in time, or no word of a hub came: something on the way was lost. Greet
 * and let the hub say where it stands. */
static void on_silence(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    s->silent_rounds++;
    greet(s, in, out);
}

static void on_timer(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    if (s->deadline.ns != 0 && in->now.ns >= s->deadline.ns) {
        s->deadline = never;
        if (s->state == SYNC_WAITING) {
            enter(s, SYNC_CONNECTING);
            act(out, SYNC_CONNECT, 0, never);
            return;
        }
        if (s->state == SYNC_LINKED && s->hub_online) {
            greet(s, in, out);
            return;
        }
        if (s->state == SYNC_LINKED || s->state == SYNC_GREETING || s->state == SYNC_SENDING) {
            on_silence(s, in, out);
            return;
        }
    }
    pump(s, in, out);
}

static void on_stop(struct sync *s, struct sync_actions *out)
{
    if (s->state == SYNC_STOPPED) {
        return;
    }
    if (s->state != SYNC_WAITING) {
        act(out, SYNC_DISCONNECT, 0, never);
    }
    forget_flight(s);
    s->hub_online = false;
    s->deadline = never;
    enter(s, SYNC_STOPPED);
}

void sync_step(struct sync *s, const struct sync_event *in, struct sync_actions *out)
{
    out->count = 0;
    switch (in->type) {
    case SYNC_START:
        if (s->state == SYNC_STOPPED) {
            enter(s, SYNC_WAITING);
            s->failures = 0;
            wait_before_connecting(s, in);
        }
        break;
    case SYNC_STOP:
        on_stop(s, out);
        break;
    case SYNC_RECORDED:
        s->last_seq = in->seq > s->last_seq ? in->seq : s->last_seq;
        pump(s, in, out);
        break;
    case SYNC_LINK_UP:
        on_link_up(s, in, out);
        break;
    case SYNC_LINK_DOWN:
        on_link_down(s, in);
        break;
    case SYNC_HUB_ONLINE:
        on_hub_online(s, in, out);
        break;
    case SYNC_HUB_OFFLINE:
        on_hub_offline(s);
        break;
    case SYNC_ACKED:
        on_acked(s, in, out);
        break;
    case SYNC_REFUSED:
        on_refused(s, in);
        break;
    case SYNC_EPOCH:
        on_epoch(s, in, out);
        break;
    case SYNC_SENT:
        on_sent(s, in, out);
        break;
    case SYNC_TIMER:
        on_timer(s, in, out);
        break;
    }
    if (s->state == SYNC_LINKED && !s->hub_online) {
        watch_for_hub(s, in);
    }
    arm_earliest(s, out);
}
