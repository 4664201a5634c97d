#include "hub/serve/enrolment.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/wire/topics.h"

static void decide(const struct desk_host *host, struct str payload, struct arena *arena,
                   struct message_enrol_request *ret_request, struct enrol_outcome *ret)
{
    struct err err = {0};
    const struct enrol_authority authority =
        authority_for_devices(host->authority, host->config, host->rng);
    struct wall_time now = clock_wall(loop_clock(host->loop));
    if (!message_enrol_request_decode(payload, arena, ret_request, &err)) {
        ret->reply.reason = arena_copy(arena, str_from(err.msg));
    } else if (!registry_enrol(host->registry, &authority, ret_request, now, arena, ret, &err)) {
        LOG(ERROR, "enrolment.failed", F_ERR(&err));
        ret->reply.reason = STR("the hub could not decide; see its log, and try again");
    }
}

static void say(const struct enrolment *e, struct str client,
                const struct message_enrol_reply *reply)
{
    struct err err = {0};
    char text[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(text, sizeof(text));
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    topic_enrol_reply(&topic, e->host->config->fleet, client);
    message_enrol_reply_encode(reply, &payload);
    if (!e->publish(e->ctx, buf_str(&topic), buf_str(&payload), &err)) {
        LOG(WARN, "enrolment.not_answered", F_ERR(&err), F_T("action", "the device may ask again"));
    }
}

static void say_guess(const struct message_enrol_request *request,
                      const struct enrol_outcome *outcome)
{
    if (outcome->closed_ns > 0) {
        LOG(WARN, "token.guessed", F_S("token", request->token_id), F_I("wrong", outcome->wrong),
            F_I("closed_s", outcome->closed_ns / NS_PER_SEC),
            F_T("action", "wrong secrets are not looked at so long; the right one is let in"));
    }
}

void enrolment_answer(const struct enrolment *e, struct str client, struct str payload,
                      struct arena *arena)
{
    struct message_enrol_request request = {0};
    struct enrol_outcome outcome = {0};
    decide(e->host, payload, arena, &request, &outcome);
    const struct message_enrol_reply reply = outcome.reply;
    say_guess(&request, &outcome);
    if (reply.pending) {
        LOG(DEBUG, "enrolment.pending", F_S("device", request.device));
    } else if (reply.accepted) {
        LOG(INFO, "device.enrolled", F_S("device", reply.device), F_S("token", request.token_id));
    } else if (!outcome.is_held) {
        e->host->refuse(e->host->ctx,
                        str_is_empty(request.device) ? STR("unknown") : request.device, "enrolment",
                        reply.reason);
    }
    say(e, client, &reply);
}
