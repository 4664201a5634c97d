/* enrolment.h - answers strangers who ask to become devices. */
#pragma once
#include "hub/fleet/desk.h"

struct enrolment {
    const struct desk_host *host;
    /* To a topic as it stands. */
    bool (*publish)(void *ctx, struct str topic, struct str payload, struct err *err);
    void *ctx;
};
/* The keys that are told to devices, again: a command line may have changed them. */
void enrolment_reload_keys(const struct hub_config *config, struct arena *arena,
                           struct authority *authority);
/* Decides one request of `client` and says the answer. */
void enrolment_answer(const struct enrolment *e, struct str client, struct str payload,
                      struct arena *arena);
