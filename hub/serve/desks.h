/* desks.h - the desks of the hub (hub/fleet/desk.h), each called in turn. */
#pragma once
#include "hub/fleet/desk.h"

struct desks;
MUST_CHECK bool desks_open(struct desks **ret, const struct desk_host *host, struct err *err);
void desks_close(struct desks *desks); /* NULL is allowed */

void desks_online(struct desks *desks);
void desks_born(struct desks *desks, struct str device, const struct message_birth *birth);
void desks_died(struct desks *desks, struct str device);
void desks_heard(struct desks *desks, struct str device, const char *epoch);
void desks_take(struct desks *desks, struct str device, enum channel channel, struct str payload,
                struct arena *arena);
void desks_merged(struct desks *desks);
void desks_poked(struct desks *desks);
void desks_room(struct desks *desks);
