/* world_internal.h - what the files of one simulated world share: who tells whom. */
#pragma once
#include "tests/sim/world_state.h"

/* world_disk.c */
void agent_on_incident(struct world *w, int a);
void agent_on_up(struct world *w, int a);
/* True: it was about an earlier state of the disk, and a new epoch has begun. */
bool agent_is_put_back(struct world *w, int a, const struct message_ack *ack);

/* world_agent.c */
void agent_read_back(struct world *w, int a);
void agent_start(struct world *w, int a);
void agent_step(struct world *w, int a, struct sync_event event);
void agent_crash(struct world *w, int a);
void agent_break_link(struct world *w, int a);
void agent_on_record(struct world *w, int a, bool goes_on);
void agent_on_flush(struct world *w, int a);
void agent_on_dialed(struct world *w, const struct item *item);
void agent_on_ack(struct world *w, const struct item *item);
void agent_on_hub_state(struct world *w, const struct item *item);
void agent_tell_hub_state(struct world *w, int a);
bool agent_take_link(struct sim_agent *agent); /* false: there was none */

/* world_hub.c */
void hub_open(struct world *w);
void hub_crash(struct world *w);
void hub_commit(struct world *w);
void hub_on_upward(struct world *w, const struct item *item);
void hub_on_linked(struct world *w, const struct item *item);
void broker_crash(struct world *w);
