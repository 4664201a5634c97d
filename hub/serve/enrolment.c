#include "hub/serve/enrolment.h"

#include "common/log/log.h"

enum { CERTIFICATE_DAYS = 397 };

void enrolment_decide(const struct desk_host *host, struct str payload, struct arena *arena,
                      struct message_enrol_request *ret_request,
                      struct message_enrol_reply *ret_reply)
{
    struct err err = {0};
    const struct enrol_authority authority = {.ca_cert = host->authority->ca_cert,
                                              .ca_key = host->authority->ca_key,
                                              .command_keys = host->authority->command_keys,
                                              .host = host->config->host,
                                              .port = host->config->port,
                                              .certificate_days = CERTIFICATE_DAYS,
                                              .rng = host->rng};
    struct wall_time now = clock_wall(loop_clock(host->loop));
    if (!message_enrol_request_decode(payload, arena, ret_request, &err)) {
        ret_reply->reason = arena_copy(arena, str_from(err.msg));
    } else if (!registry_enrol(host->registry, &authority, ret_request, now, arena, ret_reply,
                               &err)) {
        LOG(ERROR, "enrolment.failed", F_ERR(&err));
        ret_reply->reason = STR("the hub could not decide; see its log, and try again");
    }
}
