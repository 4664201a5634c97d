/* control_assets.c - the socket's verbs on assets: what is reported from outside, and automation.
 *   {"verb":"report","type":"asset_materialization","asset":"erp/prices","data_version":"3",
 *    "metadata":{"rows":{"type":"int","raw_value":5}}}
 *   {"verb":"automation_pause"}, {"verb":"automation_resume"}  ->  {"paused":true,"changed":true} */
#include "agent/daemon/agent_internal.h"

enum { METADATA_BYTES_MAX = LIMIT_EVENT_BYTES };

static bool answer_report(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    static const enum event_type types[] = {EVENT_ASSET_MATERIALIZATION, EVENT_ASSET_OBSERVATION,
                                            EVENT_ASSET_CHECK_EVALUATION};
    AUTO(buf) metadata = buf_growing(METADATA_BYTES_MAX);
    const struct json *given = json_get(request, "metadata");
    struct agent_report report = {.type = event_type_from(control_text(request, "type")),
                                  .asset = control_text(request, "asset"),
                                  .partition = control_text(request, "partition"),
                                  .data_version = control_text(request, "data_version"),
                                  .check = control_text(request, "check"),
                                  .severity = control_text(request, "severity"),
                                  .passed = control_flag(request, "passed")};
    bool is_known = false;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        is_known = is_known || report.type == types[i];
    }
    if (!is_known) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" cannot be reported",
                       STR_ARG(control_text(request, "type")));
    }
    if (given != NULL && given->type == JSON_OBJECT) {
        json_write(&metadata, given);
        report.metadata = buf_str(&metadata);
    }
    if (metadata.overflow) {
        return err_set(err, ERR_INVALID, "the metadata is longer than %d bytes",
                       METADATA_BYTES_MAX);
    }
    if (!agent_report(agent, &report, err)) {
        return false;
    }
    jw_member_str(w, "asset", report.asset);
    return true;
}

static bool pause(struct agent *agent, bool is_paused, struct json_writer *w, struct err *err)
{
    bool changed = false;
    if (!agent_pause_automation(agent, is_paused, STR_NONE, &changed, err)) {
        return false;
    }
    jw_member_bool(w, "paused", is_paused);
    jw_member_bool(w, "changed", changed);
    return true;
}

static bool answer_pause(struct agent *agent, const struct json *request, struct json_writer *w,
                         struct err *err)
{
    (void)request;
    return pause(agent, true, w, err);
}

static bool answer_resume(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    (void)request;
    return pause(agent, false, w, err);
}

const struct control_verb control_asset_verbs[] = {{"report", answer_report},
                                                   {"automation_pause", answer_pause},
                                                   {"automation_resume", answer_resume},
                                                   {0}};
