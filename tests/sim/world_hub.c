/* world_hub.c - the hub with the real merge, and the broker that forgets. */
#include "tests/sim/world_internal.h"

#include <string.h>

/* --- the hub ---------------------------------------------------------------------------------- */

static void send_ack(struct world *w, int a, const struct message_ack *ack)
{
    if (!w->broker_is_up || !w->agents[a].is_linked || world_chance(w, 5)) {
        w->result->lost_messages++;
        return;
    }
    world_plan(w, world_between(w, NS_PER_MS, 80 * NS_PER_MS), HAPPEN_ACK, a, w->agents[a].life)
        ->ack = *ack;
}

static void tell_all(struct world *w)
{
    for (int a = 0; a < w->agent_count; a++) {
        if (w->agents[a].is_linked) {
            agent_tell_hub_state(w, a);
        }
    }
}

static int agent_of(const struct world *w, struct str device)
{
    struct str head = STR_NONE;
    struct str number = STR_NONE;
    int64_t a = 0;
    bool ok = str_cut_last(device, '-', &head, &number) &&
              str_to_i64(number, 0, w->agent_count - 1, &a) &&
              str_eq(device, str_from(w->agents[a].name));
    return ok ? (int)a : -1;
}

void hub_commit(struct world *w)
{
    struct err err = {0};
    const struct merge_ack *acks = NULL;
    if (!w->is_merging) {
        return;
    }
    w->is_merging = false;
    if (!merge_commit(w->merge, &err)) {
        world_fail(w, "the hub cannot commit: %s", err.msg);
        return;
    }
    size_t count = merge_acks(w->merge, &acks);
    for (size_t i = 0; i < count; i++) {
        int a = agent_of(w, acks[i].device);
        struct message_ack ack = acks[i].ack;
        ack.reason = STR_NONE;
        if (a < 0 || ack.refused) {
            world_fail(w, "the hub refused a batch of " STR_FMT, STR_ARG(acks[i].device));
            return;
        }
        ledger_merged(w, &w->agents[a], ack.epoch, ack.seq);
        send_ack(w, a, &ack);
    }
}

static bool begin(struct world *w)
{
    struct err err = {0};
    if (!w->is_merging) {
        if (!merge_begin(w->merge, &err)) {
            world_fail(w, "the hub cannot begin: %s", err.msg);
            return false;
        }
        w->is_merging = true;
        world_plan(w, world_between(w, 1, 50 * NS_PER_MS), HAPPEN_COMMIT, 0, w->hub_life);
    }
    return true;
}

/* Promise P11. */
static void on_harmed(struct world *w, const struct item *item, const struct merge_result *merged)
{
    const struct sim_agent *agent = &w->agents[item->agent];
    if (merged->outcome != MERGE_UNREADABLE || merged->events != 0 || merged->why.msg[0] == '\0') {
        world_fail(w, "%s: a harmed batch is taken, or nothing is said of it", agent->name);
    }
    if (w->options->sabotage == SABOTAGE_ACK_HARMED) {
        struct message_ack ack = {.seq = agent->sync.sent_seq};
        memcpy(ack.epoch, agent->buffer->epoch, sizeof(ack.epoch));
        send_ack(w, item->agent, &ack);
    }
}

static void take_batch(struct world *w, const struct item *item)
{
    struct sim_agent *agent = &w->agents[item->agent];
    struct merge_result merged;
    struct err err = {0};
    struct batch_header header;
    if (!merge_add(w->merge, str_from(agent->name), (struct str){item->payload, item->len},
                   world_wall(w), &merged, &err)) {
        world_fail(w, "the hub cannot merge: %s", err.msg);
        return;
    }
    if (item->is_harmed) {
        on_harmed(w, item, &merged);
        return;
    }
    if (merged.outcome == MERGE_REFUSED || merged.outcome == MERGE_UNREADABLE) {
        world_fail(w, "%s: a good batch is not taken: %s", agent->name, merged.why.msg);
    }
    buf_reset(&w->lines);
    if (w->options->sabotage == SABOTAGE_ACK_BEFORE_COMMIT && merged.outcome == MERGE_MERGED &&
        batch_decode((struct str){item->payload, item->len}, &header, &w->lines, &err)) {
        struct message_ack ack = {.seq = header.last};
        memcpy(ack.epoch, header.epoch, sizeof(ack.epoch));
        send_ack(w, item->agent, &ack);
    }
}

void hub_on_upward(struct world *w, const struct item *item)
{
    struct err err = {0};
    bool is_behind = false;
    if (!w->hub_is_linked || item->life != w->broker_life || !begin(w)) {
        w->result->lost_messages++;
        return;
    }
    if (!item->is_birth) {
        take_batch(w, item);
    } else if (!merge_birth(w->merge, str_from(w->agents[item->agent].name), &item->birth,
                            world_wall(w), &is_behind, &err)) {
        world_fail(w, "the hub cannot greet: %s", err.msg);
    }
}

void hub_open(struct world *w)
{
    struct err err = {0};
    if (!merge_open(w->options->hub, &w->merge, &err)) {
        world_fail(w, "the hub does not start: %s", err.msg);
        return;
    }
    w->hub_is_up = true;
    w->hub_instance = rng_u64(&w->rng);
    world_plan(w, world_between(w, NS_PER_MS, NS_PER_SEC), HAPPEN_HUB_LINKED, 0, w->hub_life);
}

void hub_crash(struct world *w)
{
    if (!w->hub_is_up) {
        return;
    }
    w->result->crashes++;
    merge_close(w->merge); /* what was not committed is gone */
    w->merge = NULL;
    w->is_merging = false;
    w->hub_is_up = false;
    w->hub_is_linked = false;
    w->hub_life++;
    tell_all(w); /* its will */
    world_plan(w, world_between(w, 10 * NS_PER_MS, 10 * NS_PER_SEC), HAPPEN_HUB_UP, 0, w->hub_life);
}

void broker_crash(struct world *w)
{
    if (!w->broker_is_up) {
        return;
    }
    w->result->crashes++;
    w->broker_is_up = false;
    w->broker_life++; /* every queue is lost */
    w->hub_is_linked = false;
    for (int a = 0; a < w->agent_count; a++) {
        agent_break_link(w, a);
    }
    world_plan(w, world_between(w, 10 * NS_PER_MS, 10 * NS_PER_SEC), HAPPEN_BROKER_UP, 0, 0);
}

void hub_on_linked(struct world *w, const struct item *item)
{
    if (item->life != w->hub_life || !w->hub_is_up || w->hub_is_linked) {
        return;
    }
    if (!w->broker_is_up) {
        world_plan(w, NS_PER_SEC, HAPPEN_HUB_LINKED, 0, w->hub_life);
        return;
    }
    w->hub_is_linked = true;
    tell_all(w);
}
