#include "tests/sim/world.h"

#include "common/base/limits.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGENTS_MAX = 3,
    QUEUE_MAX = 4096,
    LEDGER_MAX = 2048,
    LINE_MAX_BYTES = 400,
    STEPS_MAX = 200000,
    ACKS_PER_COMMIT = 64,
};
#define FAULTS_END_NS (120 * NS_PER_SEC) /* then the world behaves, and must come to rest */
#define WORLD_END_NS  (7200 * NS_PER_SEC)
#define START_WALL_NS (INT64_C(1795000000) * NS_PER_SEC)

enum happening {
    HAPPEN_RECORD,    /* agent: something happens on the device */
    HAPPEN_FLUSH,     /* agent: the group commit */
    HAPPEN_TIMER,     /* agent: the sync core's timer */
    HAPPEN_DIALED,    /* agent: an attempt to connect has come to its end */
    HAPPEN_UPWARD,    /* a message reaches the hub */
    HAPPEN_ACK,       /* a message reaches the agent */
    HAPPEN_HUB_STATE, /* the hub's retained state reaches the agent */
    HAPPEN_COMMIT,    /* hub */
    HAPPEN_HUB_UP,
    HAPPEN_BROKER_UP,
    HAPPEN_HUB_LINKED, /* the hub is connected to the broker again */
    HAPPEN_FAULT,      /* something breaks */
};
struct item {
    int64_t at;
    uint64_t order; /* equal times happen in the order of their making */
    enum happening kind;
    int agent;
    uint64_t life; /* of the link, hub or timer it belongs to: what is older is void */
    bool is_birth;
    bool is_online;
    struct message_ack ack;
    char *payload; /* owned */
    size_t len;
    struct message_birth birth;
};

struct sim_agent {
    char name[32];
    struct sync sync;
    struct buffer *buffer;
    bool is_linked;
    uint64_t life; /* of the link */
    uint64_t timer_life;
    bool flush_is_due;
    int64_t hub_committed;                   /* what the hub has committed of it, for ever */
    char ledger[LEDGER_MAX][LINE_MAX_BYTES]; /* by seq: what a flush reported as recorded */
    int64_t recorded;
    uint64_t session;
};
struct world {
    const struct world_options *options;
    struct world_result *result;
    struct seeded_rng seed;
    struct rng rng;
    int64_t now;
    struct item *queue[QUEUE_MAX]; /* a heap */
    size_t queued;
    uint64_t order;
    struct sim_agent agents[AGENTS_MAX];
    int agent_count;
    struct merge *merge;
    bool is_merging;
    bool hub_is_up;
    bool hub_is_linked;
    uint64_t hub_life;
    uint64_t hub_instance;
    bool broker_is_up;
    uint64_t broker_life;
    struct buf lines;
    struct buf payload;
};

/* --- helpers
 * ---------------------------------------------------------------------------------------------------------------
 */

PRINTF_LIKE(2, 3) static void fail(struct world *w, const char *fmt, ...)
{
    if (w->result->failure[0] != '\0') {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(w->result->failure, sizeof(w->result->failure), fmt, args);
    va_end(args);
}

static bool has_failed(const struct world *w)
{
    return w->result->failure[0] != '\0';
}

static bool chance(struct world *w, uint64_t percent)
{
    return w->now < FAULTS_END_NS && rng_below(&w->rng, 100) < percent;
}

static int64_t between(struct world *w, int64_t from, int64_t to)
{
    return from + (int64_t)rng_below(&w->rng, (uint64_t)(to - from));
}

static struct wall_time wall(const struct world *w)
{
    return (struct wall_time){START_WALL_NS + w->now};
}

static bool is_before(const struct item *a, const struct item *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static struct item *plan(struct world *w, int64_t delay, enum happening kind, int agent,
                         uint64_t life)
{
    struct item *item = calloc(1, sizeof(*item));
    if (item == NULL || w->queued == QUEUE_MAX) {
        abort();
    }
    *item = (struct item){
        .at = w->now + delay, .order = ++w->order, .kind = kind, .agent = agent, .life = life};
    size_t i = w->queued++;
    while (i > 0 && is_before(item, w->queue[(i - 1) / 2])) {
        w->queue[i] = w->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->queue[i] = item;
    return item;
}

static struct item *next_item(struct world *w)
{
    struct item *first = w->queue[0];
    struct item *last = w->queue[--w->queued];
    size_t i = 0;
    for (size_t child = 1; child < w->queued; child = 2 * i + 1) {
        child += child + 1 < w->queued && is_before(w->queue[child + 1], w->queue[child]);
        if (!is_before(w->queue[child], last)) {
            break;
        }
        w->queue[i] = w->queue[child];
        i = child;
    }
    w->queue[i] = last;
    return first;
}

static void free_item(struct item *item)
{
    free(item->payload);
    free(item);
}

/* --- the network
 * -----------------------------------------------------------------------------------------------------------
 */

static void step_agent(struct world *w, int a, struct sync_event event);

/* From the agent through the broker to the hub. What the broker took may still be lost: it forgets,
 * it drops, it says twice. */
static struct item *send_up(struct world *w, int a)
{
    if (chance(w, 5)) {
        w->result->lost_messages++;
        return NULL;
    }
    return plan(w, between(w, NS_PER_MS, 80 * NS_PER_MS), HAPPEN_UPWARD, a, w->broker_life);
}

static void send_copy(struct world *w, int a, const struct item *original)
{
    if (original == NULL || !chance(w, 8)) {
        return;
    }
    struct item *again =
        plan(w, between(w, NS_PER_MS, 5 * NS_PER_SEC), HAPPEN_UPWARD, a, w->broker_life);
    again->is_birth = original->is_birth;
    again->birth = original->birth;
    again->payload = original->len > 0 ? malloc(original->len) : NULL;
    again->len = again->payload != NULL ? original->len : 0;
    if (again->len > 0) {
        memcpy(again->payload, original->payload, original->len);
    }
}

static void send_ack(struct world *w, int a, const struct message_ack *ack)
{
    if (!w->broker_is_up || !w->agents[a].is_linked || chance(w, 5)) {
        w->result->lost_messages++;
        return;
    }
    plan(w, between(w, NS_PER_MS, 80 * NS_PER_MS), HAPPEN_ACK, a, w->agents[a].life)->ack = *ack;
}

static void tell_hub_state(struct world *w, int a)
{
    struct item *state =
        plan(w, between(w, NS_PER_MS, 50 * NS_PER_MS), HAPPEN_HUB_STATE, a, w->agents[a].life);
    state->is_online = w->hub_is_linked;
}

static void tell_all(struct world *w)
{
    for (int a = 0; a < w->agent_count; a++) {
        if (w->agents[a].is_linked) {
            tell_hub_state(w, a);
        }
    }
}

static void break_link(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    if (agent->is_linked) {
        agent->is_linked = false;
        agent->life++;
        step_agent(w, a, (struct sync_event){.type = SYNC_LINK_DOWN});
    }
}

/* --- agents
 * ------------------------------------------------------------------------------------------------------------------
 */

static void forget(struct world *w, int a, int64_t seq)
{
    struct sim_agent *agent = &w->agents[a];
    if (seq > agent->hub_committed) {
        fail(w, "%s forgets up to %lld, the hub has committed %lld", agent->name, (long long)seq,
             (long long)agent->hub_committed);
    }
    if (!agent->buffer->ops->acknowledge(agent->buffer, seq)) {
        fail(w, "%s: acknowledge %lld failed", agent->name, (long long)seq);
    }
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
                                         .at = wall(w),
                                         .session = STR("s")};
    memcpy(item->birth.epoch, agent->buffer->epoch, sizeof(item->birth.epoch));
    send_copy(w, a, item);
}

/* The seq that the batch reached, or 0 when it could not be handed over. */
static int64_t send_batch(struct world *w, int a, int64_t from)
{
    struct sim_agent *agent = &w->agents[a];
    struct batch_header header = {0};
    struct err err = {0};
    buf_reset(&w->lines);
    buf_reset(&w->payload);
    if (!agent->is_linked || chance(w, 3)) {
        return 0;
    }
    if (!agent->buffer->ops->read(agent->buffer, from, 1 + (int)rng_below(&w->rng, 40), &header,
                                  &w->lines) ||
        !batch_encode(&header, buf_str(&w->lines), &w->payload, &err)) {
        fail(w, "%s: no batch from %lld on: %s", agent->name, (long long)from, err.msg);
        return 0;
    }
    struct item *item = send_up(w, a);
    if (item != NULL) {
        item->payload = malloc(w->payload.len);
        item->len = w->payload.len;
        memcpy(item->payload, w->payload.ptr, item->len);
        send_copy(w, a, item);
    }
    if (w->options->sabotage == SABOTAGE_FORGET_ON_PUBACK) {
        forget(w, a, header.last);
    }
    return header.last;
}

static void dial(struct world *w, int a)
{
    plan(w, between(w, NS_PER_MS, 200 * NS_PER_MS), HAPPEN_DIALED, a, w->agents[a].life);
}

static void carry_out(struct world *w, int a, const struct sync_action *action)
{
    struct sim_agent *agent = &w->agents[a];
    switch (action->type) {
    case SYNC_CONNECT:
        dial(w, a);
        break;
    case SYNC_DISCONNECT:
        break_link(w, a);
        break;
    case SYNC_SAY_BIRTH:
        say_birth(w, a);
        break;
    case SYNC_SEND:
        step_agent(w, a,
                   (struct sync_event){.type = SYNC_SENT, .seq = send_batch(w, a, action->seq)});
        break;
    case SYNC_FORGET:
        forget(w, a, action->seq);
        break;
    case SYNC_ARM:
        plan(w, action->at.ns > w->now ? action->at.ns - w->now : 0, HAPPEN_TIMER, a,
             ++agent->timer_life);
        break;
    case SYNC_DISARM:
        agent->timer_life++;
        break;
    }
}

/* As agent/daemon/link.c does it: the answer to a send is a step inside, and its timer is the later
 * one. */
static void step_agent(struct world *w, int a, struct sync_event event)
{
    struct sim_agent *agent = &w->agents[a];
    struct sync_actions actions;
    event.now.ns = w->now + 1; /* 0 means never to the core */
    event.random = rng_u64(&w->rng);
    sync_step(&agent->sync, &event, &actions);
    if (agent->sync.inflight_count > agent->sync.options.window ||
        agent->sync.sent_seq < agent->sync.acked_seq ||
        agent->sync.sent_seq > agent->sync.last_seq) {
        fail(w, "%s: the sync core's window is broken", agent->name);
    }
    bool has_nested = false;
    for (size_t i = 0; i < actions.count && !has_failed(w); i++) {
        enum sync_action_type type = actions.item[i].type;
        if (!((type == SYNC_ARM || type == SYNC_DISARM) && has_nested)) {
            carry_out(w, a, &actions.item[i]);
        }
        has_nested = has_nested || type == SYNC_SEND;
    }
}

static void keep_ledger(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    while (agent->recorded < agent->buffer->last_seq) {
        /* Read back one by one: what the buffer gives is what it reported as recorded. A gap leaves
         * its lines empty. */
        struct batch_header header = {0};
        buf_reset(&w->lines);
        int64_t seq = agent->recorded + 1;
        if (!agent->buffer->ops->read(agent->buffer, seq, 1, &header, &w->lines)) {
            fail(w, "%s: event %lld was recorded and is not there", agent->name, (long long)seq);
            return;
        }
        if (header.first == seq && header.last == seq) {
            (void)snprintf(agent->ledger[seq % LEDGER_MAX], LINE_MAX_BYTES, STR_FMT,
                           STR_ARG(str_trim(buf_str(&w->lines))));
        }
        agent->recorded = header.last;
    }
}

static void on_flush(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    agent->flush_is_due = false;
    if (!agent->buffer->ops->flush(agent->buffer, wall(w))) {
        fail(w, "%s: a flush failed", agent->name);
        return;
    }
    keep_ledger(w, a);
    step_agent(w, a, (struct sync_event){.type = SYNC_RECORDED, .seq = agent->buffer->last_seq});
}

static void on_record(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    char reason[64];
    int64_t events = between(w, 1, 6);
    for (int64_t i = 0; i < events; i++) {
        (void)snprintf(reason, sizeof(reason), "%llx", (unsigned long long)rng_u64(&w->rng));
        struct record record = {.type = EVENT_ASSET_OBSERVATION,
                                .at = wall(w),
                                .asset = STR("a/b"),
                                .reason = str_from(reason)};
        (void)agent->buffer->ops->record(agent->buffer, &record); /* no room: it never happened */
    }
    if (!agent->flush_is_due) {
        agent->flush_is_due = true;
        plan(w, between(w, NS_PER_MS, NS_PER_SEC), HAPPEN_FLUSH, a, 0);
    }
    if (w->now < FAULTS_END_NS && agent->buffer->last_seq < LEDGER_MAX - 200) {
        plan(w, between(w, 50 * NS_PER_MS, 8 * NS_PER_SEC), HAPPEN_RECORD, a, 0);
    }
}

static void start_agent(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    struct sync_options options = sync_defaults();
    options.window = 1 + (int)rng_below(&w->rng, SYNC_WINDOW_MAX);
    options.linger_events = 1 + (int64_t)rng_below(&w->rng, 64);
    sync_init(&agent->sync, &options, agent->buffer->last_seq, agent->buffer->acked_seq);
    agent->timer_life++;
    step_agent(w, a, (struct sync_event){.type = SYNC_START});
}

static void crash_agent(struct world *w, int a)
{
    struct sim_agent *agent = &w->agents[a];
    w->result->crashes++;
    agent->is_linked = false;
    agent->life++;
    int64_t before = agent->recorded;
    agent->buffer->ops->crash(agent->buffer, rng_u64(&w->rng), wall(w));
    if (agent->buffer->last_seq < before) {
        fail(w, "%s lost recorded events: %lld of %lld are left", agent->name,
             (long long)agent->buffer->last_seq, (long long)before);
        return;
    }
    if (agent->buffer->acked_seq > agent->hub_committed) {
        fail(w, "%s believes in %lld, the hub has committed %lld", agent->name,
             (long long)agent->buffer->acked_seq, (long long)agent->hub_committed);
    }
    keep_ledger(w, a);
    start_agent(w, a);
}

/* --- the hub
 * -------------------------------------------------------------------------------------------------------------------
 */

static int agent_of(const struct world *w, struct str device)
{
    for (int a = 0; a < w->agent_count; a++) {
        if (str_eq(device, str_from(w->agents[a].name))) {
            return a;
        }
    }
    return -1;
}

static void commit(struct world *w)
{
    struct err err = {0};
    const struct merge_ack *acks = NULL;
    if (!w->is_merging) {
        return;
    }
    w->is_merging = false;
    if (!merge_commit(w->merge, &err)) {
        fail(w, "the hub cannot commit: %s", err.msg);
        return;
    }
    size_t count = merge_acks(w->merge, &acks);
    for (size_t i = 0; i < count; i++) {
        int a = agent_of(w, acks[i].device);
        struct message_ack ack = acks[i].ack;
        ack.reason = STR_NONE;
        if (a < 0 || ack.refused) {
            fail(w, "the hub refused a batch of " STR_FMT, STR_ARG(acks[i].device));
            return;
        }
        if (ack.seq < w->agents[a].hub_committed) {
            fail(w, "the hub goes back from %lld to %lld", (long long)w->agents[a].hub_committed,
                 (long long)ack.seq);
        }
        w->agents[a].hub_committed = ack.seq;
        send_ack(w, a, &ack);
    }
}

static bool begin(struct world *w)
{
    struct err err = {0};
    if (!w->is_merging) {
        if (!merge_begin(w->merge, &err)) {
            fail(w, "the hub cannot begin: %s", err.msg);
            return false;
        }
        w->is_merging = true;
        plan(w, between(w, 1, 50 * NS_PER_MS), HAPPEN_COMMIT, 0, w->hub_life);
    }
    return true;
}

static void take_batch(struct world *w, const struct item *item)
{
    struct sim_agent *agent = &w->agents[item->agent];
    struct merge_result merged;
    struct err err = {0};
    struct batch_header header;
    if (!merge_add(w->merge, str_from(agent->name), (struct str){item->payload, item->len}, wall(w),
                   &merged, &err)) {
        fail(w, "the hub cannot merge: %s", err.msg);
        return;
    }
    if (merged.outcome == MERGE_REFUSED || merged.outcome == MERGE_UNREADABLE) {
        fail(w, "%s: a good batch is not taken: %s", agent->name, merged.why.msg);
    }
    buf_reset(&w->lines);
    if (w->options->sabotage == SABOTAGE_ACK_BEFORE_COMMIT && merged.outcome == MERGE_MERGED &&
        batch_decode((struct str){item->payload, item->len}, &header, &w->lines, &err)) {
        struct message_ack ack = {.seq = header.last};
        send_ack(w, item->agent, &ack);
    }
}

static void on_upward(struct world *w, const struct item *item)
{
    struct err err = {0};
    bool is_behind = false;
    if (!w->hub_is_linked || item->life != w->broker_life || !begin(w)) {
        w->result->lost_messages++;
        return;
    }
    if (!item->is_birth) {
        take_batch(w, item);
    } else if (!merge_birth(w->merge, str_from(w->agents[item->agent].name), &item->birth, wall(w),
                            &is_behind, &err)) {
        fail(w, "the hub cannot greet: %s", err.msg);
    }
}

static void open_hub(struct world *w)
{
    struct err err = {0};
    if (!merge_open(w->options->hub, &w->merge, &err)) {
        fail(w, "the hub does not start: %s", err.msg);
        return;
    }
    w->hub_is_up = true;
    w->hub_instance = rng_u64(&w->rng);
    plan(w, between(w, NS_PER_MS, NS_PER_SEC), HAPPEN_HUB_LINKED, 0, w->hub_life);
}

static void crash_hub(struct world *w)
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
    plan(w, between(w, 10 * NS_PER_MS, 10 * NS_PER_SEC), HAPPEN_HUB_UP, 0, w->hub_life);
}

static void crash_broker(struct world *w)
{
    if (!w->broker_is_up) {
        return;
    }
    w->result->crashes++;
    w->broker_is_up = false;
    w->broker_life++; /* every queue is lost */
    w->hub_is_linked = false;
    for (int a = 0; a < w->agent_count; a++) {
        break_link(w, a);
    }
    plan(w, between(w, 10 * NS_PER_MS, 10 * NS_PER_SEC), HAPPEN_BROKER_UP, 0, 0);
}

/* --- what happens
 * ----------------------------------------------------------------------------------------------------------------
 */

static void on_fault(struct world *w)
{
    int a = (int)rng_below(&w->rng, (uint64_t)w->agent_count);
    switch (rng_below(&w->rng, 6)) {
    case 0:
        crash_broker(w);
        break;
    case 1:
        crash_hub(w);
        break;
    case 2:
    case 3:
        crash_agent(w, a);
        break;
    default:
        break_link(w, a);
        break;
    }
    if (w->now < FAULTS_END_NS) {
        plan(w, between(w, 100 * NS_PER_MS, 15 * NS_PER_SEC), HAPPEN_FAULT, 0, 0);
    }
}

static void on_dialed(struct world *w, const struct item *item)
{
    struct sim_agent *agent = &w->agents[item->agent];
    if (item->life != agent->life) {
        return;
    }
    if (!w->broker_is_up || chance(w, 10)) {
        agent->life++;
        step_agent(w, item->agent, (struct sync_event){.type = SYNC_LINK_DOWN});
        return;
    }
    agent->is_linked = true;
    step_agent(w, item->agent, (struct sync_event){.type = SYNC_LINK_UP});
    if (w->hub_is_linked) {
        tell_hub_state(w, item->agent);
    }
}

static void on_ack(struct world *w, const struct item *item)
{
    struct sim_agent *agent = &w->agents[item->agent];
    if (item->life != agent->life || !agent->is_linked) {
        return;
    }
    int64_t seq = item->ack.seq;
    if (w->options->sabotage == SABOTAGE_TRUST_SENT && agent->sync.sent_seq > seq) {
        seq = agent->sync.sent_seq;
    }
    step_agent(
        w, item->agent,
        (struct sync_event){.type = SYNC_ACKED, .seq = seq, .resend = item->ack.resend_from > 0});
}

static void on_hub_state(struct world *w, const struct item *item)
{
    const struct sim_agent *agent = &w->agents[item->agent];
    if (item->life == agent->life && agent->is_linked) {
        step_agent(w, item->agent,
                   (struct sync_event){.type = item->is_online ? SYNC_HUB_ONLINE : SYNC_HUB_OFFLINE,
                                       .instance = w->hub_instance});
    }
}

static void on_hub_linked(struct world *w, const struct item *item)
{
    if (item->life != w->hub_life || !w->hub_is_up || w->hub_is_linked) {
        return;
    }
    if (!w->broker_is_up) {
        plan(w, NS_PER_SEC, HAPPEN_HUB_LINKED, 0, w->hub_life);
        return;
    }
    w->hub_is_linked = true;
    tell_all(w);
}

static void happen(struct world *w, const struct item *item)
{
    switch (item->kind) {
    case HAPPEN_RECORD:
        on_record(w, item->agent);
        break;
    case HAPPEN_FLUSH:
        on_flush(w, item->agent);
        break;
    case HAPPEN_TIMER:
        if (item->life == w->agents[item->agent].timer_life) {
            step_agent(w, item->agent, (struct sync_event){.type = SYNC_TIMER});
        }
        break;
    case HAPPEN_DIALED:
        on_dialed(w, item);
        break;
    case HAPPEN_UPWARD:
        on_upward(w, item);
        break;
    case HAPPEN_ACK:
        on_ack(w, item);
        break;
    case HAPPEN_HUB_STATE:
        on_hub_state(w, item);
        break;
    case HAPPEN_COMMIT:
        if (item->life == w->hub_life) {
            commit(w);
        }
        break;
    case HAPPEN_HUB_UP:
        if (item->life == w->hub_life) {
            open_hub(w);
        }
        break;
    case HAPPEN_BROKER_UP:
        w->broker_is_up = true;
        plan(w, between(w, NS_PER_MS, NS_PER_SEC), HAPPEN_HUB_LINKED, 0, w->hub_life);
        break;
    case HAPPEN_HUB_LINKED:
        on_hub_linked(w, item);
        break;
    case HAPPEN_FAULT:
        on_fault(w);
        break;
    }
}

/* --- the end
 * ------------------------------------------------------------------------------------------------------------------------
 */

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
        fail(w, "%s", err.msg);
        return;
    }
    db_bind_at_str(&q, 1, str_from(agent->name));
    while (db_next(&q, &row, &err) && row) {
        int64_t seq = db_col_i64(&q, 0);
        bool is_gap = str_eq(db_col_str(&q, 3), STR("buffer_gap"));
        if (db_col_i64(&q, 1) != expected) {
            fail(w, "%s: the log goes on at %lld, not at %lld", agent->name,
                 (long long)db_col_i64(&q, 1), (long long)expected);
            break;
        }
        if (!is_gap &&
            !str_eq(str_trim(db_col_str(&q, 2)), str_from(agent->ledger[seq % LEDGER_MAX]))) {
            fail(w, "%s: event %lld is not what was recorded", agent->name, (long long)seq);
            break;
        }
        w->result->gaps += is_gap;
        expected = seq + 1;
    }
    db_finish(&q);
    if (!has_failed(w) && expected != agent->buffer->last_seq + 1) {
        fail(w, "%s: the log ends at %lld, %lld were recorded", agent->name,
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
    open_hub(w);
    /* In a third of the worlds the buffer is so small that it gives events up. */
    int64_t quota = rng_below(&w->rng, 3) == 0 ? 600 : INT64_C(1) << 30;
    for (int a = 0; a < w->agent_count; a++) {
        struct sim_agent *agent = &w->agents[a];
        char vfs[32];
        (void)snprintf(agent->name, sizeof(agent->name), "s%llx-%d",
                       (unsigned long long)w->options->seed, a);
        (void)snprintf(vfs, sizeof(vfs), "sim%d", a);
        agent->buffer = w->options->real_store
                            ? buffer_real(&w->rng, quota, vfs, rng_u64(&w->rng), wall(w))
                            : buffer_model(&w->rng, quota);
        plan(w, between(w, 1, NS_PER_SEC), HAPPEN_RECORD, a, 0);
        start_agent(w, a);
    }
    plan(w, between(w, NS_PER_SEC, 10 * NS_PER_SEC), HAPPEN_FAULT, 0, 0);
}

static void close_world(struct world *w)
{
    while (w->queued > 0) {
        free_item(next_item(w));
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
    while (!has_failed(w) && !is_at_rest(w)) {
        if (w->queued == 0 || w->now > WORLD_END_NS || ++ret->steps > STEPS_MAX) {
            fail(w, "the world does not come to rest: events wait and nobody sends them");
            break;
        }
        struct item *item = next_item(w);
        w->now = item->at;
        happen(w, item);
        free_item(item);
    }
    commit(w);
    for (int a = 0; a < w->agent_count && !has_failed(w); a++) {
        compare(w, a);
    }
    close_world(w);
}
