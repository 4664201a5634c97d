/* sync_fixture.h - a sync core, the actions of its last step as a text, and the ways into its states. */
#pragma once
#include "common/sync/sync.h"

enum { HOUR_S = 3600 };

extern struct sync s;
extern struct sync_actions out; /* of the last step */
extern struct mono_time now;

const char *actions(void);
int64_t timer_ns(void);
const char *step(struct sync_event event);
const char *happens(enum sync_event_type type);
const char *seq_event(enum sync_event_type type, int64_t seq);
const char *hub_online(uint64_t instance);
const char *resend(int64_t seq);
const char *timer(void);
void begin(int64_t last_seq, int64_t acked_seq);
void go_to_linked(void);
void go_to_greeting(void);
void go_to_sending(int64_t last_seq, int64_t acked_seq);
