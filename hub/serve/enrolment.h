/* enrolment.h - answers a stranger who asks to become a device. */
#pragma once
#include "hub/fleet/desk.h"

/* `ret_request` is what could be read of `payload`; the reply's text lives in `arena`. */
void enrolment_decide(const struct desk_host *host, struct str payload, struct arena *arena,
                      struct message_enrol_request *ret_request,
                      struct message_enrol_reply *ret_reply);
