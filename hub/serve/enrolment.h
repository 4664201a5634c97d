/* enrolment.h - answers strangers who ask to become devices. */
#pragma once
#include "hub/fleet/desk.h"

struct enrolment {
    const struct desk_host *host;
    /* To a topic as it stands. */
    bool (*publish)(void *ctx, struct str topic, struct str payload, struct err *err);
    void *ctx;
};
/* Decides one request of `client` and says the answer. */
void enrolment_answer(const struct enrolment *e, struct str client, struct str payload,
                      struct arena *arena);
