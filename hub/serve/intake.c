/* intake.c - DESIGN: messages of one loop turn are merged in one transaction; at its end it is
 * committed, and only then are acknowledgements published. libmosquitto has acknowledged the message
 * to the broker long before: what is lost between (a crash here, a broker that forgets) the agents
 * send again. All but the log is written through the registry, never while a merge is open. */
#include "hub/serve/serve_internal.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/wire/messages.h"
#include "hub/serve/enrolment.h"

enum { MESSAGE_ARENA_BYTES = 256 << 10 };
#define STORE_RETRY_NS (2 * NS_PER_SEC)

/* --- merging ---------------------------------------------------------------------------- */

static void store_failed(struct serve *s, const struct err *err)
{
    merge_abort(s->merge);
    s->is_merging = false;
    if (!s->is_store_failing) {
        LOG(ERROR, "merge.store_failed", F_ERR(err),
            F_T("action",
                "acknowledging nothing; the devices keep their events and send them again"));
    }
    s->is_store_failing = true;
    loop_timer_arm_in(s->loop, &s->store_timer, STORE_RETRY_NS);
}

static bool begin(struct serve *s)
{
    struct err err = {0};
    if (s->is_merging) {
        return true;
    }
    if (!merge_begin(s->merge, &err)) {
        store_failed(s, &err);
        return false;
    }
    s->is_merging = true;
    loop_defer(s->loop, &s->commit_task);
    return true;
}

void serve_commit(void *ctx)
{
    struct serve *s = ctx;
    struct err err = {0};
    if (!s->is_merging) {
        return;
    }
    if (!merge_commit(s->merge, &err)) {
        store_failed(s, &err);
        return;
    }
    s->is_merging = false;
    if (s->is_store_failing) {
        LOG(INFO, "merge.store_recovered", F_T("action", "acknowledging again"));
        s->is_store_failing = false;
    }
    const struct merge_ack *acks = NULL;
    size_t count = merge_acks(s->merge, &acks);
    for (size_t i = 0; i < count; i++) {
        serve_say_ack(s, &acks[i]);
    }
    if (count > 0) {
        desks_merged(s->desks);
    }
}

void serve_retry_store(void *ctx)
{
    struct serve *s = ctx;
    s->is_store_failing = false; /* the agents' next batch is the next try */
}

/* --- turning away ----------------------------------------------------------------------- */

bool serve_passes(struct serve *s, struct gate *gate)
{
    if (gate_pass(gate, loop_now(s->loop))) {
        return true;
    }
    if (s->held_timer.heap_index == 0) {
        loop_timer_arm_in(s->loop, &s->held_timer, NS_PER_SEC);
    }
    return false;
}

void serve_say_held(void *ctx)
{
    struct serve *s = ctx;
    LOG(WARN, "hub.flooded", F_I("refusals", gate_take_held(&s->refusals)),
        F_I("enrolments", gate_take_held(&s->enrolments)),
        F_T("action", "not written down one by one; enrolments may be asked for again"));
}

void serve_refuse(void *ctx, struct str peer, const char *what, struct str why)
{
    struct serve *s = ctx;
    struct err err = {0};
    if (!serve_passes(s, &s->refusals)) {
        return;
    }
    serve_commit(s); /* the registry writes only between merges */
    LOG(WARN, "hub.refused", F_S("peer", peer), F_T("what", what), F_S("why", why));
    if (!registry_refused(s->registry, peer, str_from(what), why, serve_wall(s), &err)) {
        LOG(DEBUG, "registry.write_failed", F_ERR(&err));
    }
}

/* --- what devices say ------------------------------------------------------------------- */

void serve_take_events(void *ctx, struct str device, struct str payload)
{
    struct serve *s = ctx;
    struct err err = {0};
    struct merge_result result;
    if (s->is_store_failing || !begin(s)) {
        return;
    }
    if (!merge_add(s->merge, device, payload, serve_wall(s), &result, &err)) {
        store_failed(s, &err);
        return;
    }
    if (result.why.msg[0] != '\0') {
        serve_refuse(s, device, "events", str_from(result.why.msg));
    }
    if (s->is_merging && merge_is_full(s->merge)) {
        serve_commit(s);
    }
    if (result.epoch[0] != '\0') {
        desks_heard(s->desks, device, result.epoch);
    }
}

static void greet(struct serve *s, struct str device, const struct message_birth *birth)
{
    struct err err = {0};
    bool is_behind = false;
    if (s->is_store_failing || !begin(s)) {
        return;
    }
    if (!merge_birth(s->merge, device, birth, serve_wall(s), &is_behind, &err)) {
        store_failed(s, &err);
        return;
    }
    LOG(INFO, "device.online", F_S("device", device), F_I("last_seq", birth->last_seq),
        F_S("version", birth->version));
    if (is_behind) {
        serve_refuse(
            s, device, "birth",
            STR("its database was put back to an earlier state; it is told so, and begins a new "
                "epoch"));
    }
}

static void on_birth(struct serve *s, struct str device, struct str payload, struct arena *arena)
{
    struct err err = {0};
    struct message_birth birth;
    if (!message_birth_decode(payload, arena, &birth, &err)) {
        serve_refuse(s, device, "birth", str_from(err.msg));
        return;
    }
    serve_commit(s);
    if (!registry_born(s->registry, device, &birth, serve_wall(s), &err)) {
        LOG(ERROR, "registry.write_failed", F_ERR(&err));
    }
    greet(s, device, &birth);
    desks_born(s->desks, device, &birth);
}

static void on_death(struct serve *s, struct str device, struct str payload, struct arena *arena)
{
    struct err err = {0};
    struct message_death death;
    if (!message_death_decode(payload, arena, &death, &err)) {
        serve_refuse(s, device, "death", str_from(err.msg));
        return;
    }
    serve_commit(s);
    LOG(INFO, "device.offline", F_S("device", device), F_S("reason", death.reason));
    if (!registry_died(s->registry, device, &death, serve_wall(s), &err)) {
        LOG(ERROR, "registry.write_failed", F_ERR(&err));
    }
    desks_died(s->desks, device);
}

/* --- enrolment -------------------------------------------------------------------------- */

static bool enrolment_publish(void *ctx, struct str topic, struct str payload, struct err *err)
{
    struct serve *s = ctx;
    int message_id = 0;
    return mqtt_publish(s->session, topic, payload, 0, 0, &message_id, err);
}

static void on_enrolment(struct serve *s, struct str client, struct str payload,
                         struct arena *arena)
{
    const struct enrolment e = {.host = &s->desk_host, .publish = enrolment_publish, .ctx = s};
    if (serve_passes(s, &s->enrolments)) { /* whoever asked waits in vain else, and asks again */
        serve_commit(s);
        enrolment_answer(&e, client, payload, arena);
    }
}

void serve_take_message(void *ctx, const struct mqtt_message *message)
{
    struct serve *s = ctx;
    AUTO(arena) arena = arena_new(MESSAGE_ARENA_BYTES);
    struct str device = STR_NONE;
    struct str client = STR_NONE;
    enum channel channel = CHANNEL_COUNT;
    if (topic_parse_enrol_request(message->topic, s->config->fleet, &client)) {
        on_enrolment(s, client, message->payload, &arena);
        return;
    }
    if (!topic_parse_device(message->topic, s->config->fleet, &device, &channel)) {
        return;
    }
    if (fence_is_out(s->fence, device)) {
        serve_refuse(s, device, "message",
                     STR("the device is revoked: nothing of it is listened to"));
    } else if (channel == CHANNEL_EVENTS) {
        serve_take_events(s, device, message->payload);
    } else if (channel == CHANNEL_BIRTH) {
        on_birth(s, device, message->payload, &arena);
    } else if (channel == CHANNEL_DEATH) {
        on_death(s, device, message->payload, &arena);
    } else {
        desks_take(s->desks, device, channel, message->payload, &arena);
    }
}
