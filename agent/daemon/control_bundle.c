/* control_bundle.c - bundles by hand:
 *   {"verb":"bundle_deploy","bundle":"<hash>"}
 *   {"verb":"bundle_rollback","local":false}; true: to the local file, whatever was before
 *   ->  {"current":"<hash>"}, without it the local file */
#include "agent/daemon/agent_internal.h"

static void write_current(const struct agent *agent, struct json_writer *w)
{
    jw_member_opt(w, "current", str_from(agent->bundle_place.current));
}

static bool answer_deploy(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    bool ok = bundles_deploy(agent->bundles, control_text(request, "bundle"), err);
    write_current(agent, w);
    return ok;
}

static bool answer_rollback(struct agent *agent, const struct json *request, struct json_writer *w,
                            struct err *err)
{
    bool ok = bundles_roll_back(agent->bundles, control_flag(request, "local"),
                                STR("somebody on the device said so"), err);
    write_current(agent, w);
    return ok;
}

const struct control_verb control_bundle_verbs[] = {
    {"bundle_deploy", answer_deploy}, {"bundle_rollback", answer_rollback}, {0}};
