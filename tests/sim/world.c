#include "tests/sim/world_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* --- what happens ----------------------------------------------------------------------------- */

static void on_fault(struct world *w)
{
    int a = (int)rng_below(&w->rng, (uint64_t)w->agent_count);
    switch (rng_below(&w->rng, 6)) {
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
    if (w->now < FAULTS_END_NS) {
        world_plan(w, world_between(w, 100 * NS_PER_MS, 15 * NS_PER_SEC), HAPPEN_FAULT, 0, 0);
    }
}

static void happen(struct world *w, const struct item *item)
{
    switch (item->kind) {
    case HAPPEN_RECORD:
        agent_on_record(w, item->agent);
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
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool is_at_rest(const struct world *w)
{
    for (int a = 0; a < w->agent_count; a++) {
        const struct sim_agent *agent = &w->agents[a];
        if (agent->flush_is_due || agent->buffer->acked_seq < agent->buffer->last_seq) {
            return false;
        }
    }
    return w->now > FAULTS_END_NS;
}

/* The hub's log against the ledger: every event once, the same text; only what a gap record stands
 * for may be missing. */
static void compare(struct world *w, int a)
{
    const struct sim_agent *agent = &w->agents[a];
    struct db_query q = {0};
    struct err err = {0};
    int64_t expected = 1;
    bool row = false;
    if (!db_prepare(w->options->hub,
                    STR("SELECT e.seq, coalesce(e.from_seq, e.seq), e.body, e.type FROM event e "
                        "JOIN stream s ON s.id = e.stream_id"
                        " WHERE s.device = ? ORDER BY e.seq"),
                    &q, &err)) {
        world_fail(w, "%s", err.msg);
        return;
    }
    db_bind_at_str(&q, 1, str_from(agent->name));
    while (db_next(&q, &row, &err) && row) {
        int64_t seq = db_col_i64(&q, 0);
        bool is_gap = str_eq(db_col_str(&q, 3), STR("buffer_gap"));
        if (db_col_i64(&q, 1) != expected) {
            world_fail(w, "%s: the log goes on at %lld, not at %lld", agent->name,
                       (long long)db_col_i64(&q, 1), (long long)expected);
            break;
        }
        if (!is_gap &&
            !str_eq(str_trim(db_col_str(&q, 2)), str_from(agent->ledger[seq % LEDGER_MAX]))) {
            world_fail(w, "%s: event %lld is not what was recorded", agent->name, (long long)seq);
            break;
        }
        w->result->gaps += is_gap;
        expected = seq + 1;
    }
    db_finish(&q);
    if (!world_has_failed(w) && expected != agent->buffer->last_seq + 1) {
        world_fail(w, "%s: the log ends at %lld, %lld were recorded", agent->name,
                   (long long)expected - 1, (long long)agent->buffer->last_seq);
    }
    w->result->events += agent->buffer->last_seq;
}

static void open_world(struct world *w)
{
    w->seed = seeded_rng_new(w->options->seed);
    w->rng = seeded_rng_port(&w->seed);
    w->lines = buf_growing(1 << 20);
    w->payload = buf_growing(1 << 20);
    w->broker_is_up = true;
    w->agent_count = 1 + (int)rng_below(&w->rng, AGENTS_MAX);
    hub_open(w);
    /* In a third of the worlds the buffer is so small that it gives events up. */
    int64_t quota = rng_below(&w->rng, 3) == 0 ? 600 : INT64_C(1) << 30;
    for (int a = 0; a < w->agent_count; a++) {
        struct sim_agent *agent = &w->agents[a];
        char vfs[32];
        (void)snprintf(agent->name, sizeof(agent->name), "s%llx-%d",
                       (unsigned long long)w->options->seed, a);
        (void)snprintf(vfs, sizeof(vfs), "sim%d", a);
        agent->buffer = w->options->real_store
                            ? buffer_real(&w->rng, quota, vfs, rng_u64(&w->rng), world_wall(w))
                            : buffer_model(&w->rng, quota);
        world_plan(w, world_between(w, 1, NS_PER_SEC), HAPPEN_RECORD, a, 0);
        agent_start(w, a);
    }
    world_plan(w, world_between(w, NS_PER_SEC, 10 * NS_PER_SEC), HAPPEN_FAULT, 0, 0);
}

static void close_world(struct world *w)
{
    while (w->queued > 0) {
        world_free_item(world_next(w));
    }
    for (int a = 0; a < w->agent_count; a++) {
        w->agents[a].buffer->ops->close(w->agents[a].buffer);
    }
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
        if (w->queued == 0 || w->now > WORLD_END_NS || ++ret->steps > STEPS_MAX) {
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
        compare(w, a);
    }
    close_world(w);
}
