/* command_device.c - commands about the device itself: whether it is there, what it logs, and that it
 * leaves the fleet. */
#include "agent/daemon/agent_internal.h"

#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>

#define LEAVE_NS (1 * NS_PER_SEC) /* how often it is looked whether the hub has heard all */
#define LEAVING  STR("decommissioned")

/* --- small ones ------------------------------------------------------------------------------- */

static enum command_outcome ping(struct agent *agent, struct command_call *call,
                                 struct json_writer *result, struct err *err)
{
    (void)call;
    (void)err;
    jw_member_str(result, "version", STR(SELVEDGE_VERSION));
    jw_member_wall(result, "at", clock_wall(loop_clock(agent->loop)));
    jw_member_i64(result, "uptime_s", (loop_now(agent->loop).ns - agent->started.ns) / NS_PER_SEC);
    return COMMAND_DONE;
}

static enum command_outcome set(struct agent *agent, struct command_call *call,
                                struct json_writer *result, struct err *err)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    const struct command_args *given = call->given;
    (void)err;
    if (given->has_log_level) {
        log_set_level((enum log_level)given->log_level);
        jw_member_str(result, "log_level", str_from(levels[given->log_level]));
    }
    if (given->has_sync_interval && agent->link != NULL) {
        const struct desired_settings *wanted = &agent->desired.settings;
        link_use_pace(agent->link, given->sync_interval_ns,
                      wanted->has_reconnect_max ? wanted->reconnect_max_ns
                                                : agent->options.config->backoff_max_ns);
        jw_member_i64(result, "sync_interval_ms", given->sync_interval_ns / NS_PER_MS);
    }
    return COMMAND_DONE;
}

/* It has succeeded when it is ordered: how the renewal goes is seen by the certificate in use. */
static enum command_outcome rotate_certificate(struct agent *agent, struct command_call *call,
                                               struct json_writer *result, struct err *err)
{
    (void)call;
    if (agent->renewer == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no certificate to renew");
        return COMMAND_NOT_DONE;
    }
    renewer_order(agent->renewer);
    jw_member_bool(result, "ordered", true);
    return COMMAND_DONE;
}

/* --- leaving the fleet ------------------------------------------------------------------------ */

/* DESIGN: the answer is recorded first. What was said is remembered as a setting, so that a restart
 * goes on; the identity goes when the hub has acknowledged all that was recorded up to then. */
struct decommission {
    struct agent *agent;
    struct loop_timer timer;
};

static bool remove_identity(struct agent *agent, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 40];
    (void)snprintf(path, sizeof(path), "%s/identity", agent->state_dir);
    return files_remove_tree(path, err) &&
           store_set_setting(agent->store, LEAVING, STR("done"), err);
}

static void on_stopped(void *ctx)
{
    struct agent *agent = ctx;
    struct err err = {0};
    renewer_close(agent->renewer);
    agent->renewer = NULL;
    if (!remove_identity(agent, &err)) {
        LOG(ERROR, "agent.leave_failed", F_ERR(&err),
            F_T("action", "not connected any more; trying again at the next start"));
        return;
    }
    LOG(WARN, "agent.left_fleet", F_S("fleet", agent->identity.fleet),
        F_S("device", agent->identity.device),
        F_T("action", "identity removed; schedules go on, events stay here"));
}

static void look_whether_all_is_told(void *ctx)
{
    struct decommission *d = ctx;
    struct agent *agent = d->agent;
    if (agent->is_stopping || agent->link == NULL) {
        return;
    }
    bool is_told = store_pending(agent->store) == 0 &&
                   store_acked_seq(agent->store) >= store_last_seq(agent->store);
    if (is_told) {
        link_stop(agent->link, on_stopped, agent);
        return;
    }
    loop_timer_arm_in(agent->loop, &d->timer, LEAVE_NS);
}

void agent_decommission(struct agent *agent)
{
    if (agent->leaving != NULL) {
        return;
    }
    agent->leaving = calloc(1, sizeof(*agent->leaving));
    if (agent->leaving == NULL) {
        LOG(ERROR, "agent.leave_failed", F_T("error", "out of memory"),
            F_T("action", "trying again at the next start"));
        return;
    }
    agent->leaving->agent = agent;
    agent->leaving->timer =
        (struct loop_timer){.on_due = look_whether_all_is_told, .ctx = agent->leaving};
    loop_timer_arm_in(agent->loop, &agent->leaving->timer, LEAVE_NS);
}

void agent_resume_decommission(struct agent *agent)
{
    char text[32];
    struct buf said = buf_fixed(text, sizeof(text));
    struct err err = {0};
    bool found = false;
    if (agent->link == NULL) {
        return;
    }
    if (!store_get_setting(agent->store, LEAVING, &said, &found, &err)) {
        LOG(ERROR, "agent.leave_failed", F_ERR(&err));
        return;
    }
    if (found && str_eq(buf_str(&said), agent->identity.device)) {
        agent_decommission(agent);
    }
}

void agent_close_decommission(struct agent *agent)
{
    if (agent->leaving != NULL) {
        loop_timer_disarm(agent->loop, &agent->leaving->timer);
        free(agent->leaving);
        agent->leaving = NULL;
    }
}

static enum command_outcome decommission(struct agent *agent, struct command_call *call,
                                         struct json_writer *result, struct err *err)
{
    (void)call;
    if (!store_set_setting(agent->store, LEAVING, agent->identity.device, err)) {
        return COMMAND_NOT_DONE;
    }
    agent_decommission(agent);
    jw_member_str(result, "removed", STR("identity: key, certificate, trusted keys"));
    jw_member_str(result, "stays",
                  STR("definitions, database, captured output, and what the assets made; schedules "
                      "go on until the agent is stopped"));
    return COMMAND_DONE;
}

const struct command_verb command_device_verbs[] = {
    {.name = "ping", .run = ping, .is_idempotent = true},
    {.name = "set", .run = set, .is_idempotent = true},
    {.name = "rotate_certificate", .run = rotate_certificate, .is_idempotent = true},
    {.name = "decommission", .run = decommission, .is_idempotent = true},
    {0}};
