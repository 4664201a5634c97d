/* announce.h - the events that say what this device is and what its definitions hold. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/store/store.h"

struct device_facts {
    char board[128];  /* "x86_64 Linux 6.1 Debian GNU/Linux 12" */
    char boot_id[40]; /* of the kernel */
    char host[72]; /* this host and no other, as far as it knows: its machine id, else its name */
};
void device_facts_read(struct device_facts *ret);

/* The agent started. */
MUST_CHECK bool announce_device(struct store *store, const struct device_facts *facts,
                                struct wall_time now, struct err *err);
/* What the definitions hold, in events of at most 48 KiB: only when the hash differs from the one
 * announced last in this epoch. `env` is the agent's: addresses of data may hold ${VAR}. Flushes. */
MUST_CHECK bool announce_definitions(struct store *store, const struct definitions *defs,
                                     const struct env_lookup *env, struct wall_time now,
                                     struct err *err);
