/* world_agent.c - the agents: the real sync core, a buffer, and a link that breaks. */
#include "tests/sim/world_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the network ------------------------------------------------------------------------------ */

/* From the agent through the broker to the hub. What the broker took may still be lost: it forgets,
 * it drops, it says twice. */
static struct item *send_up(struct world *w, int a)
{
    if (world_chance(w, 5)) {
        w->result->lost_messages++;
        return NULL;
    }
    return world_plan(w, world_between(w, NS_PER_MS, 80 * NS_PER_MS), HAPPEN_UPWARD, a,
                      w->broker_life);
}

static void send_copy(struct world *w, int a, const struct item *original)
{
    if (original == NULL || !world_chance(w, 8)) {
        return;
    }
    struct item *again = world_plan(w, world_between(w, NS_PER_MS, 5 * NS_PER_SEC), HAPPEN_UPWARD,
                                    a, w->broker_life);
    again->is_birth = original->is_birth;
    again->birth = original->birth;
    again->payload = original->len > 0 ? malloc(original->len) : NULL;
    again->len = again->payload != NULL ? original->len : 0;
    if (again->len > 0) {
        memcpy(again->payload, original->payload, original->len);
    }
}

void agent_tell_hub_state(struct world *w, int a)
{
    struct item *state = world_plan(w, world_between(w, NS_PER_MS, 50 * NS_PER_MS),
                                    HAPPEN_HUB_STATE, a, w->agents[a].life);
    state->is_online = w->hub_is_linked;
}

bool agent_take_link(struct sim_agent *agent)
{
    bool was_linked = agent->is_linked;
    agent->is_linked = false;
    agent->life += was_linked;
    return was_linked;
}

void agent_break_link(struct world *w, int a)
{
    if (agent_take_link(&w->agents[a])) {
        agent_step(w, a, (struct sync_event){.type = SYNC_LINK_DOWN});
    }
}

/* --- agents ----------------------------------------------------------------------------------- */

static void forget(struct world *w, int a, int64_t seq)
{
    struct sim_agent *agent = &w->agents[a];
    const struct epoch_ledger *e = ledger_now(agent);
    if (seq > e->merged || !e->branch[e->branch_now].is_possible) {
        world_fail(w, "%s forgets up to %lld, the hub has committed %lld%s", agent->name,
                   (long long)seq, (long long)e->merged,
                   e->branch[e->branch_now].is_possible ? "" : " of another disk");
    }
    if (!agent->buffer->ops->acknowledge(agent->buffer, seq)) {
        world_fail(w, "%s: acknowledge %lld failed", agent->name, (long long)seq);
    }
}

/* What the device's clock says. */
static struct wall_time agent_wall(const struct world *w, int a)
{
    return (struct wall_time){world_wall(w).ns + w->agents[a].clock_ns};
}

static void say_birth(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    struct item *item = send_up(w, a);
    if (item == NULL) {
        return;
    }
    item->is_birth = true;
    item->birth = (struct message_birth){.first_seq = agent->buffer->acked_seq + 1,
                                         .last_seq = agent->buffer->last_seq,
                                         .at = agent_wall(w, a),
                                         .session = STR("s")};
    memcpy(item->birth.epoch, agent->buffer->epoch, sizeof(item->birth.epoch));
    send_copy(w, a, item);
}

static void harm(struct world *w, struct item *item)
{
    item->is_harmed = true;
    w->result->harmed++;
    if (rng_below(&w->rng, 2) == 0) {
        item->len = rng_below(&w->rng, item->len);
        return;
    }
    size_t at = rng_below(&w->rng, item->len);
    w->rng.fill(w->rng.ctx, item->payload + at, item->len - at);
    item->payload[0] = 'x'; /* noise could be a batch */
}

/* The seq that the batch reached, or 0 when it could not be handed over. */
static int64_t send_batch(struct world *w, int a, int64_t from)
{
    struct sim_agent *agent = &w->agents[a];
    struct batch_header header = {0};
    struct err err = {0};
    buf_reset(&w->lines);
    buf_reset(&w->payload);
    if (!agent->is_linked || world_chance(w, 3)) {
        return 0;
    }
    if (!agent->buffer->ops->read(agent->buffer, from, 1 + (int)rng_below(&w->rng, 40), &header,
                                  &w->lines) ||
        !batch_encode(&header, buf_str(&w->lines), &w->payload, &err)) {
        world_fail(w, "%s: no batch from %lld on: %s", agent->name, (long long)from, err.msg);
        return 0;
    }
    struct item *item = send_up(w, a);
    if (item != NULL) {
        item->payload = malloc(w->payload.len);
        item->len = w->payload.len;
        memcpy(item->payload, w->payload.ptr, item->len);
        send_copy(w, a, item);
        if (w->options->devices > 0 && world_chance(w, 2)) {
            harm(w, item);
        }
    }
    if (w->options->sabotage == SABOTAGE_FORGET_ON_PUBACK) {
        forget(w, a, header.last);
    }
    return header.last;
}

static void dial(struct world *w, int a)
{
    world_plan(w, world_between(w, NS_PER_MS, 200 * NS_PER_MS), HAPPEN_DIALED, a,
               w->agents[a].life);
}

/* Whether the action had a result at once, which the core has to be told. */
static bool carry_out(struct world *w, int a, const struct sync_action *action,
                      struct sync_event *ret_result)
{
    struct sim_agent *agent = &w->agents[a];
    switch (action->type) {
    case SYNC_CONNECT:
        dial(w, a);
        break;
    case SYNC_DISCONNECT:
        *ret_result = (struct sync_event){.type = SYNC_LINK_DOWN};
        return agent_take_link(agent);
    case SYNC_SAY_BIRTH:
        say_birth(w, a);
        break;
    case SYNC_SEND:
        *ret_result = (struct sync_event){.type = SYNC_SENT, .seq = send_batch(w, a, action->seq)};
        return true;
    case SYNC_FORGET:
        forget(w, a, action->seq);
        break;
    case SYNC_ARM:
        world_plan(w, action->at.ns > w->now ? action->at.ns - w->now : 0, HAPPEN_TIMER, a,
                   ++agent->timer_life);
        break;
    case SYNC_DISARM:
        agent->timer_life++;
        break;
    }
    return false;
}

/* As agent/daemon/link.c does it: the result of an action is fed next, and its timer is the later
 * one. */
static bool step_once(struct world *w, int a, struct sync_event *event)
{
    struct sim_agent *agent = &w->agents[a];
    struct sync_actions actions;
    event->now.ns = w->now + 1; /* 0 means never to the core */
    event->random = rng_u64(&w->rng);
    sync_step(&agent->sync, event, &actions);
    if (agent->sync.inflight_count > agent->sync.options.window ||
        agent->sync.sent_seq < agent->sync.acked_seq ||
        agent->sync.sent_seq > agent->sync.last_seq) {
        world_fail(w, "%s: the sync core's window is broken", agent->name);
    }
    bool has_result = false;
    for (size_t i = 0; i < actions.count && !world_has_failed(w); i++) {
        enum sync_action_type type = actions.item[i].type;
        bool is_timer = type == SYNC_ARM || type == SYNC_DISARM;
        if (!(is_timer && has_result)) {
            has_result = carry_out(w, a, &actions.item[i], event) || has_result;
        }
    }
    return has_result && !world_has_failed(w);
}

void agent_step(struct world *w, int a, struct sync_event event)
{
    while (step_once(w, a, &event)) {
    }
}

void agent_read_back(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    while (agent->recorded < agent->buffer->last_seq) {
        /* Read back one by one: what the buffer gives is what it reported as recorded. */
        struct batch_header header = {0};
        buf_reset(&w->lines);
        int64_t seq = agent->recorded + 1;
        if (!agent->buffer->ops->read(agent->buffer, seq, 1, &header, &w->lines)) {
            world_fail(w, "%s: event %lld was recorded and is not there", agent->name,
                       (long long)seq);
            return;
        }
        bool is_gap = header.first != seq || header.last != seq;
        ledger_add(agent, header.last,
                   is_gap ? 0 : event_check(str_trim_end(buf_str(&w->lines), '\n')));
        agent->recorded = header.last;
    }
}

void agent_on_flush(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    agent->flush_is_due = false;
    if (agent->is_off) {
        return;
    }
    if (!agent->buffer->ops->flush(agent->buffer, world_wall(w))) {
        world_fail(w, "%s: a flush failed", agent->name);
        return;
    }
    agent_read_back(w, a);
    agent_step(w, a, (struct sync_event){.type = SYNC_RECORDED, .seq = agent->buffer->last_seq});
}

void agent_on_record(struct world *w, int a, bool goes_on)
{
    struct sim_agent *agent = &w->agents[a];
    char reason[64];
    int64_t events = world_between(w, 1, 6);
    for (int64_t i = 0; i < events && !agent->is_off; i++) {
        (void)snprintf(reason, sizeof(reason), "%llx", (unsigned long long)rng_u64(&w->rng));
        struct record record = {.type = EVENT_ASSET_OBSERVATION,
                                .at = agent_wall(w, a),
                                .asset = STR("a/b"),
                                .reason = str_from(reason)};
        (void)agent->buffer->ops->record(agent->buffer, &record); /* no room: it never happened */
    }
    if (!agent->flush_is_due && !agent->is_off) {
        agent->flush_is_due = true;
        world_plan(w, world_between(w, NS_PER_MS, NS_PER_SEC), HAPPEN_FLUSH, a, 0);
    }
    if (goes_on && w->now < w->faults_end &&
        (agent->buffer->last_seq < RECORDED_MAX || w->options->devices > 0)) {
        int64_t most = w->options->devices > 0 ? RECORD_GAP_NS : 8 * NS_PER_SEC;
        world_plan(w, world_between(w, 50 * NS_PER_MS, most), HAPPEN_RECORD, a, 0);
    }
}

void agent_start(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    struct sync_options options = sync_defaults();
    options.window = 1 + (int)rng_below(&w->rng, SYNC_WINDOW_MAX);
    options.linger_events = 1 + (int64_t)rng_below(&w->rng, 64);
    sync_init(&agent->sync, &options, agent->buffer->last_seq, agent->buffer->acked_seq);
    agent->timer_life++;
    agent_step(w, a, (struct sync_event){.type = SYNC_START});
}

void agent_crash(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    if (agent->is_off) {
        return;
    }
    w->result->crashes++;
    agent->is_linked = false;
    agent->life++;
    int64_t before = agent->recorded;
    agent->buffer->ops->crash(agent->buffer, rng_u64(&w->rng), world_wall(w));
    if (agent->buffer->last_seq < before) {
        world_fail(w, "%s lost recorded events: %lld of %lld are left", agent->name,
                   (long long)agent->buffer->last_seq, (long long)before);
        return;
    }
    if (agent->buffer->acked_seq > ledger_now(agent)->merged) {
        world_fail(w, "%s believes in %lld, the hub has committed %lld", agent->name,
                   (long long)agent->buffer->acked_seq, (long long)ledger_now(agent)->merged);
    }
    agent_read_back(w, a);
    agent_start(w, a);
}

void agent_on_dialed(struct world *w, const struct item *item)
{
    struct sim_agent *agent = &w->agents[item->agent];
    if (item->life != agent->life) {
        return;
    }
    if (!w->broker_is_up || world_chance(w, 10)) {
        agent->life++;
        agent_step(w, item->agent, (struct sync_event){.type = SYNC_LINK_DOWN});
        return;
    }
    agent->is_linked = true;
    agent_step(w, item->agent, (struct sync_event){.type = SYNC_LINK_UP});
    if (w->hub_is_linked) {
        agent_tell_hub_state(w, item->agent);
    }
}

void agent_on_ack(struct world *w, const struct item *item)
{
    struct sim_agent *agent = &w->agents[item->agent];
    int64_t own = 0;
    if (item->life != agent->life || !agent->is_linked ||
        strcmp(item->ack.epoch, agent->buffer->epoch) != 0 ||
        agent_is_put_back(w, item->agent, &item->ack)) {
        return;
    }
    if (!sync_may_take(&agent->sync, item->ack.seq, item->ack.check != 0) &&
        agent->buffer->ops->check(agent->buffer, item->ack.seq, &own)) {
        return; /* as agent/daemon/link.c has it */
    }
    int64_t seq = item->ack.seq;
    if (w->options->sabotage == SABOTAGE_TRUST_SENT && agent->sync.sent_seq > seq) {
        seq = agent->sync.sent_seq;
    }
    agent_step(
        w, item->agent,
        (struct sync_event){.type = SYNC_ACKED, .seq = seq, .resend = item->ack.resend_from > 0});
}

void agent_on_hub_state(struct world *w, const struct item *item)
{
    const struct sim_agent *agent = &w->agents[item->agent];
    if (item->life == agent->life && agent->is_linked) {
        agent_step(w, item->agent,
                   (struct sync_event){.type = item->is_online ? SYNC_HUB_ONLINE : SYNC_HUB_OFFLINE,
                                       .instance = w->hub_instance,
                                       .spread_ns = (int64_t)(w->hub_instance % 4) * NS_PER_SEC,
                                       .is_news = rng_below(&w->rng, 2) == 0});
    }
}
