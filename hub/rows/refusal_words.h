/* refusal_words.h - what to do about something that the hub refused. Pure. */
#pragma once
#include "common/base/str.h"

/* `what` and `why` as they are kept (registry_refused()). A sentence or two. */
const char *refusal_advice(struct str what, struct str why);
/* Whether `peer` is who its certificate says, and not only who it says it is. */
bool refusal_knows_peer(struct str what);
