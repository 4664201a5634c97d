/* world_disk.c - what is done to a device of a fleet: it is off for hours, its disk is wiped, an
 * image of an earlier day is put back, its clock goes wrong. */
#include "tests/sim/world_internal.h"

enum { RECORDS_AT_START = 12 };
#define HOUR_NS (INT64_C(3600) * NS_PER_SEC)
#define YEAR_NS (365 * 24 * HOUR_NS)

/* Long enough that nothing of its last connection is still on its way. */
static void go_off(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    (void)agent_take_link(agent);
    agent->life++;
    agent->timer_life++;
    agent->is_off = true;
    world_plan(w, world_between(w, 10 * NS_PER_SEC, 6 * HOUR_NS), HAPPEN_AGENT_UP, a, 0);
}

static void wipe(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    agent->buffer->ops->close(agent->buffer);
    agent->buffer = buffer_model(&w->rng, INT64_C(1) << 30);
    w->result->wipes++;
    ledger_begin_epoch(agent);
}

static void take_image(struct sim_agent *agent)
{
    if (agent->image != NULL) {
        agent->image->ops->close(agent->image);
    }
    agent->image = buffer_model_copy(agent->buffer);
    agent->image_branch = ledger_now(agent)->branch_now;
}

static void put_back(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    agent->buffer->ops->close(agent->buffer);
    agent->buffer = agent->image;
    agent->image = NULL;
    w->result->put_backs++;
    ledger_put_back(w, agent, agent->buffer->epoch, agent->image_branch, agent->buffer->last_seq);
}

void agent_on_incident(struct world *w, int a)
{
    static const int64_t wrong[] = {0, 0, -30 * YEAR_NS, 5 * YEAR_NS, -3 * HOUR_NS};
    struct sim_agent *agent = &w->agents[a];
    uint64_t kind = rng_below(&w->rng, 10);
    if (w->now > w->faults_end) {
        return;
    }
    world_plan(w, world_between(w, HOUR_NS, INCIDENT_GAP_NS), HAPPEN_INCIDENT, a, 0);
    if (agent->is_off) {
        return;
    }
    if (kind < 3) {
        take_image(agent);
    } else if (kind < 4) {
        agent->clock_ns = wrong[rng_below(&w->rng, COUNT_OF(wrong))];
    } else {
        go_off(w, a);
        agent->buffer->ops->crash(agent->buffer, rng_u64(&w->rng), world_wall(w));
        if (kind < 5) {
            wipe(w, a);
        } else if (kind < 9 && agent->image != NULL) {
            put_back(w, a);
        }
    }
}

void agent_on_up(struct world *w, int a)
{
    w->agents[a].is_off = false;
    /* What starts has much to tell, also while it greets. */
    for (int i = 0; i < RECORDS_AT_START; i++) {
        world_plan(w, world_between(w, NS_PER_MS, 2 * NS_PER_SEC), HAPPEN_RECORD, a, 1);
    }
    agent_start(w, a);
}

/* As agent/daemon/link.c has it. */
bool agent_is_put_back(struct world *w, int a, const struct message_ack *ack)
{
    struct sim_agent *agent = &w->agents[a];
    struct buffer *buffer = agent->buffer;
    int64_t check = 0;
    bool is_ahead = ack->seq > buffer->last_seq;
    bool is_other = ack->check != 0 && ack->seq > buffer->acked_seq &&
                    buffer->ops->check(buffer, ack->seq, &check) && check != ack->check;
    if (w->options->sabotage == SABOTAGE_IGNORE_PUT_BACK || (!is_ahead && !is_other)) {
        return false;
    }
    if (!buffer->ops->flush(buffer, world_wall(w)) || !buffer->ops->begin_epoch(buffer, &w->rng)) {
        world_fail(w, "%s: no new epoch", agent->name);
        return true;
    }
    ledger_begin_epoch(agent);
    agent_read_back(w, a);
    agent_step(w, a, (struct sync_event){.type = SYNC_EPOCH, .seq = buffer->last_seq});
    return true;
}
