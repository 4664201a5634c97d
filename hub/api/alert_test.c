/* alert_test.c - /alerts/test: a message that is no alert, by all ways that are set up. */
#include "hub/api/api_internal.h"

#include "hub/fleet/poke.h"

bool api_alert_test(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct alert_sender sender = alert_sender_of(api->config);
    struct json_writer w = json_writer(&rs->body);
    if (!alert_rows_test(&api->alerts, &sender, rq->now, err)) {
        return false;
    }
    poke_send(api->config);
    api_audit(api, rq, "alert.test", STR_NONE, "ok", STR_NONE);
    jw_begin_object(&w);
    jw_key(&w, STR("ways"));
    jw_begin_array(&w);
    if ((sender.ways >> ALERT_BY_COMMAND & 1U) != 0) {
        jw_str(&w, STR("command"));
    }
    if ((sender.ways >> ALERT_BY_WEBHOOK & 1U) != 0) {
        jw_str(&w, STR("webhook"));
    }
    jw_str(&w, STR("MQTT"));
    jw_end_array(&w);
    jw_end_object(&w);
    return true;
}
