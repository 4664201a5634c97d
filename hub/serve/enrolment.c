#include "hub/serve/enrolment.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/wire/topics.h"

static void decide(const struct desk_host *host, struct str payload, struct arena *arena,
                   struct message_enrol_request *ret_request, struct message_enrol_reply *ret_reply)
{
    struct err err = {0};
    const struct enrol_authority authority =
        authority_for_devices(host->authority, host->config, host->rng);
    struct wall_time now = clock_wall(loop_clock(host->loop));
    if (!message_enrol_request_decode(payload, arena, ret_request, &err)) {
        ret_reply->reason = arena_copy(arena, str_from(err.msg));
    } else if (!registry_enrol(host->registry, &authority, ret_request, now, arena, ret_reply,
                               &err)) {
        LOG(ERROR, "enrolment.failed", F_ERR(&err));
        ret_reply->reason = STR("the hub could not decide; see its log, and try again");
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

void enrolment_answer(const struct enrolment *e, struct str client, struct str payload,
                      struct arena *arena)
{
    struct message_enrol_request request = {0};
    struct message_enrol_reply reply = {0};
    decide(e->host, payload, arena, &request, &reply);
    if (reply.pending) {
        LOG(DEBUG, "enrolment.pending", F_S("device", request.device));
    } else if (reply.accepted) {
        LOG(INFO, "device.enrolled", F_S("device", reply.device), F_S("token", request.token_id));
    } else {
        e->host->refuse(e->host->ctx,
                        str_is_empty(request.device) ? STR("unknown") : request.device, "enrolment",
                        reply.reason);
    }
    say(e, client, &reply);
}
