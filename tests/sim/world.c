#include "tests/sim/world_internal.h"

#include <stdio.h>
#include <stdlib.h>

const char *const sabotage_names[SABOTAGE_COUNT] = {
    [SABOTAGE_NONE] = "none",
    [SABOTAGE_ACK_BEFORE_COMMIT] = "ack-before-commit",
    [SABOTAGE_FORGET_ON_PUBACK] = "forget-on-puback",
    [SABOTAGE_TRUST_SENT] = "trust-sent",
    [SABOTAGE_IGNORE_PUT_BACK] = "ignore-put-back",
    [SABOTAGE_ACK_HARMED] = "ack-harmed",
};

/* --- what happens ----------------------------------------------------------------------------- */

/* In a fleet as many links break and agents crash as in a small world in as many hours; broker and
 * hub do so a few times a day. */
static void plan_fault(struct world *w)
{
    int64_t most = w->options->devices > 0 ? FAULT_GAP_NS / w->options->devices : 15 * NS_PER_SEC;
    world_plan(w, world_between(w, 100 * NS_PER_MS, most), HAPPEN_FAULT, 0, 0);
}

static void on_fault(struct world *w)
{
    int a = (int)rng_below(&w->rng, (uint64_t)w->agent_count);
    bool is_shared =
        w->options->devices == 0 || rng_below(&w->rng, (uint64_t)w->options->devices) < 3;
    switch (is_shared ? rng_below(&w->rng, 6) : 2 + rng_below(&w->rng, 4)) {
    case 0:
        broker_crash(w);
        break;
    case 1:
        hub_crash(w);
        break;
    case 2:
    case 3:
        agent_crash(w, a);
        break;
    default:
        agent_break_link(w, a);
        break;
    }
    if (w->now < w->faults_end) {
        plan_fault(w);
    }
}

static void happen(struct world *w, const struct item *item)
{
    switch (item->kind) {
    case HAPPEN_RECORD:
        agent_on_record(w, item->agent, item->life == 0);
        break;
    case HAPPEN_FLUSH:
        agent_on_flush(w, item->agent);
        break;
    case HAPPEN_TIMER:
        if (item->life == w->agents[item->agent].timer_life) {
            agent_step(w, item->agent, (struct sync_event){.type = SYNC_TIMER});
        }
        break;
    case HAPPEN_DIALED:
        agent_on_dialed(w, item);
        break;
    case HAPPEN_UPWARD:
        hub_on_upward(w, item);
        break;
    case HAPPEN_ACK:
        agent_on_ack(w, item);
        break;
    case HAPPEN_HUB_STATE:
        agent_on_hub_state(w, item);
        break;
    case HAPPEN_COMMIT:
        if (item->life == w->hub_life) {
            hub_commit(w);
        }
        break;
    case HAPPEN_HUB_UP:
        if (item->life == w->hub_life) {
            hub_open(w);
        }
        break;
    case HAPPEN_BROKER_UP:
        w->broker_is_up = true;
        world_plan(w, world_between(w, NS_PER_MS, NS_PER_SEC), HAPPEN_HUB_LINKED, 0, w->hub_life);
        break;
    case HAPPEN_HUB_LINKED:
        hub_on_linked(w, item);
        break;
    case HAPPEN_FAULT:
        on_fault(w);
        break;
    case HAPPEN_INCIDENT:
        agent_on_incident(w, item->agent);
        break;
    case HAPPEN_AGENT_UP:
        agent_on_up(w, item->agent);
        break;
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool is_at_rest(const struct world *w)
{
    for (int a = 0; a < w->agent_count; a++) {
        const struct sim_agent *agent = &w->agents[a];
        /* A disk that was put back shows when the hub answers. */
        bool is_unheard = w->options->devices > 0 && agent->sync.state != SYNC_SENDING;
        if (agent->flush_is_due || agent->is_off || is_unheard ||
            agent->buffer->acked_seq < agent->buffer->last_seq) {
            return false;
        }
    }
    return w->now > w->faults_end;
}

static void open_rows(struct world *w)
{
    struct err err = {0};
    if (w->agents == NULL ||
        !db_prepare(w->options->hub,
                    STR("SELECT e.seq, coalesce(e.from_seq, e.seq), e.body, e.type FROM stream s "
                        "JOIN event e ON e.stream_id = s.id "
                        "WHERE s.device = ? AND s.epoch = ? AND e.seq > ? ORDER BY e.seq"),
                    &w->rows, &err)) {
        world_fail(w, "%s", err.msg);
    }
}

static void open_world(struct world *w)
{
    w->seed = seeded_rng_new(w->options->seed);
    w->rng = seeded_rng_port(&w->seed);
    w->lines = buf_growing(1 << 20);
    w->payload = buf_growing(1 << 20);
    w->broker_is_up = true;
    bool is_fleet = w->options->devices > 0;
    w->agent_count = is_fleet ? w->options->devices : 1 + (int)rng_below(&w->rng, AGENTS_MAX);
    w->faults_end = is_fleet ? w->options->fleet_ns : SMALL_NS;
    w->steps_max = is_fleet ? INT64_MAX : STEPS_MAX;
    w->agents = calloc((size_t)w->agent_count, sizeof(*w->agents));
    open_rows(w);
    hub_open(w);
    /* In a third of the worlds the buffer is so small that it gives events up. */
    int64_t quota = rng_below(&w->rng, 3) == 0 && !is_fleet ? 600 : INT64_C(1) << 30;
    for (int a = 0; a < w->agent_count; a++) {
        struct sim_agent *agent = &w->agents[a];
        char vfs[32];
        (void)snprintf(agent->name, sizeof(agent->name), "s%llx-%d",
                       (unsigned long long)w->options->seed, a);
        (void)snprintf(vfs, sizeof(vfs), "sim%d", a);
        agent->buffer = w->options->real_store
                            ? buffer_real(&w->rng, quota, vfs, rng_u64(&w->rng), world_wall(w))
                            : buffer_model(&w->rng, quota);
        ledger_begin_epoch(agent);
        world_plan(w, world_between(w, 1, NS_PER_SEC), HAPPEN_RECORD, a, 0);
        agent_start(w, a);
        if (is_fleet) {
            world_plan(w, world_between(w, NS_PER_SEC, INCIDENT_GAP_NS), HAPPEN_INCIDENT, a, 0);
        }
    }
    plan_fault(w);
}

static void close_world(struct world *w)
{
    while (w->queued > 0) {
        world_free_item(world_next(w));
    }
    for (int a = 0; a < w->agent_count; a++) {
        struct sim_agent *agent = &w->agents[a];
        agent->buffer->ops->close(agent->buffer);
        if (agent->image != NULL) {
            agent->image->ops->close(agent->image);
        }
        ledger_release(agent);
    }
    db_finish(&w->rows);
    free(w->agents);
    free(w->queue);
    merge_close(w->merge);
    buf_release(&w->lines);
    buf_release(&w->payload);
    free(w);
}

void world_run(const struct world_options *options, struct world_result *ret)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        abort();
    }
    *ret = (struct world_result){0};
    w->options = options;
    w->result = ret;
    open_world(w);
    while (!world_has_failed(w) && !is_at_rest(w)) {
        if (w->queued == 0 || w->now > w->faults_end + REST_NS || ++ret->steps > w->steps_max) {
            world_fail(w, "the world does not come to rest: events wait and nobody sends them");
            break;
        }
        struct item *item = world_next(w);
        w->now = item->at;
        happen(w, item);
        world_free_item(item);
    }
    hub_commit(w);
    for (int a = 0; a < w->agent_count && !world_has_failed(w); a++) {
        ledger_is_whole(w, &w->agents[a]);
    }
    close_world(w);
}
