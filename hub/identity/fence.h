/* fence.h - keeps out who is revoked: the broker's list of revoked certificates refuses every
 * handshake (also of a session that is resumed), connections that are there are cut, and what comes
 * through all the same is not listened to. What holds is in the database; here it is put into
 * force. Measured in docs/decisions/0014-revocation.md. One thread. */
#pragma once
#include "hub/broker/broker.h"
#include "hub/fleet/desk.h"

struct fence;
/* `host` stays. */
MUST_CHECK bool fence_open(struct fence **ret, const struct desk_host *host, struct err *err);
void fence_close(struct fence *fence); /* NULL is allowed */

/* The list of revoked certificates as it is now (PEM): what the broker is to start with. */
struct str fence_revoked(const struct fence *fence);
/* NULL: the broker is external, and whoever runs it keeps the list. */
void fence_use_broker(struct fence *fence, struct broker *broker);
bool fence_is_out(const struct fence *fence, struct str device);
/* A command line has written to the database, or time has passed. */
void fence_look(struct fence *fence);
/* What the broker's log says. */
void fence_on_client(struct fence *fence, const struct broker_client_line *line);
