#include "sync_fixture.h"

#include "common/base/buf.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

struct sync s;
struct sync_actions out;
struct mono_time now;
static char text_memory[400];

/* Everything but the timer, in order. */
const char *actions(void)
{
    static const char *const names[] = {
        [SYNC_CONNECT] = "connect", [SYNC_DISCONNECT] = "disconnect", [SYNC_SAY_BIRTH] = "birth",
        [SYNC_SEND] = "send",       [SYNC_FORGET] = "forget",         [SYNC_ARM] = "arm",
        [SYNC_DISARM] = "disarm",
    };
    struct buf text = buf_fixed(text_memory, sizeof(text_memory));
    for (size_t i = 0; i < out.count; i++) {
        const struct sync_action *a = &out.item[i];
        if (a->type == SYNC_SEND || a->type == SYNC_FORGET) {
            buf_addf(&text, "%s%s %lld", text.len > 0 ? ", " : "", names[a->type],
                     (long long)a->seq);
        } else if (a->type != SYNC_ARM && a->type != SYNC_DISARM) {
            buf_addf(&text, "%s%s", text.len > 0 ? ", " : "", names[a->type]);
        }
    }
    return buf_cstr(&text);
}

/* What the owner's one timer was told last: each step must tell it. */
int64_t timer_ns(void)
{
    const struct sync_action *last = &out.item[out.count - 1];
    assert_true(out.count > 0 && (last->type == SYNC_ARM || last->type == SYNC_DISARM));
    return last->type == SYNC_DISARM ? 0 : last->at.ns;
}

const char *step(struct sync_event event)
{
    event.now = now;
    sync_step(&s, &event, &out);
    assert_true(s.inflight_count <= s.options.window);
    assert_true(s.sent_seq >= s.acked_seq && s.sent_seq <= s.last_seq);
    (void)timer_ns();
    return actions();
}

const char *happens(enum sync_event_type type)
{
    return step((struct sync_event){.type = type});
}

const char *seq_event(enum sync_event_type type, int64_t seq)
{
    return step((struct sync_event){.type = type, .seq = seq});
}

const char *hub_online(uint64_t instance)
{
    return step((struct sync_event){.type = SYNC_HUB_ONLINE, .instance = instance});
}

const char *resend(int64_t seq)
{
    return step((struct sync_event){.type = SYNC_ACKED, .seq = seq, .resend = true});
}

/* The timer that was asked for fires. */
const char *timer(void)
{
    int64_t at = timer_ns();
    assert_true(at != 0);
    now.ns = at > now.ns ? at : now.ns;
    return happens(SYNC_TIMER);
}

void begin(int64_t last_seq, int64_t acked_seq)
{
    struct sync_options options = sync_defaults();
    now.ns = 1000 * NS_PER_SEC;
    sync_init(&s, &options, last_seq, acked_seq);
}

void go_to_linked(void)
{
    assert_string_equal(happens(SYNC_START), "");
    assert_string_equal(timer(), "connect");
    assert_string_equal(happens(SYNC_LINK_UP), "");
}

void go_to_greeting(void)
{
    go_to_linked();
    assert_string_equal(hub_online(1), "birth");
}

void go_to_sending(int64_t last_seq, int64_t acked_seq)
{
    begin(last_seq, acked_seq);
    go_to_greeting();
    (void)seq_event(SYNC_ACKED, acked_seq);
    assert_int_equal(s.state, SYNC_SENDING);
}
