/* down_command.c - channel `cmd`: commands of the hub, taken in and carried out in the agent's loop. */
#include "agent/daemon/agent_internal.h"

#include "common/log/log.h"
#include <stdlib.h>

#define AGAIN_NS (2 * NS_PER_SEC) /* what could not be written, or waits for its turn */

static const struct command_verb *const tables[] = {
    command_run_verbs,    command_pause_verbs, command_describe_verbs, command_log_verbs,
    command_device_verbs, command_trust_verbs, command_bundle_verbs,   NULL};

struct device_commands {
    struct commands *commands;
    struct loop_task task;    /* the next step */
    struct loop_timer again;  /* the next try */
    struct loop_timer refuse; /* refusals that were not told yet */
};

static struct wall_time wall_now(const struct agent *agent)
{
    return clock_wall(loop_clock(agent->loop));
}

static bool flush(struct agent *agent)
{
    return runner_flush(agent->runner);
}

static void look_again_later(struct agent *agent)
{
    if (commands_has_waiting(agent->commands->commands)) {
        loop_timer_arm_in(agent->loop, &agent->commands->again, AGAIN_NS);
    }
}

/* One command in a turn of the loop. */
static void step(void *ctx)
{
    struct agent *agent = ctx;
    if (agent->is_stopping) {
        return;
    }
    if (commands_step(agent->commands->commands, wall_now(agent))) {
        loop_defer(agent->loop, &agent->commands->task);
    }
    look_again_later(agent);
}

static void tell_refusals(void *ctx)
{
    struct agent *agent = ctx;
    struct mono_time due =
        commands_tell_refusals(agent->commands->commands, wall_now(agent), loop_now(agent->loop));
    if (due.ns != 0) {
        loop_timer_arm(agent->loop, &agent->commands->refuse, due);
    }
}

bool agent_open_commands(struct agent *agent, struct err *err)
{
    const struct commands_options options = {
        .store = agent->store, .agent = agent, .tables = tables, .flush = flush};
    struct device_commands *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "commands: out of memory");
    }
    d->task = (struct loop_task){.run = step, .ctx = agent};
    d->again = (struct loop_timer){.on_due = step, .ctx = agent};
    d->refuse = (struct loop_timer){.on_due = tell_refusals, .ctx = agent};
    agent->commands = d;
    return commands_open(&d->commands, &options, err);
}

void agent_close_commands(struct agent *agent)
{
    struct device_commands *d = agent->commands;
    if (d == NULL) {
        return;
    }
    agent_close_pieces(agent);
    agent_close_decommission(agent);
    loop_defer_cancel(agent->loop, &d->task);
    loop_timer_disarm(agent->loop, &d->again);
    loop_timer_disarm(agent->loop, &d->refuse);
    commands_close(d->commands);
    free(d);
    agent->commands = NULL;
}

void agent_start_commands(struct agent *agent)
{
    if (agent->commands != NULL) {
        loop_defer(agent->loop, &agent->commands->task);
        agent_resume_decommission(agent);
    }
}

void agent_on_command(struct agent *agent, struct str payload)
{
    struct device_commands *d = agent->commands;
    const struct admission_question question = {.payload = payload,
                                                .keys = agent->identity.command_keys,
                                                .fleet = agent->identity.fleet,
                                                .device = agent->identity.device,
                                                .now = wall_now(agent)};
    if (agent->is_stopping) {
        LOG(INFO, "command.not_kept", F_T("error", "the agent is stopping"));
        return;
    }
    if (commands_receive(d->commands, &question, loop_now(agent->loop))) {
        loop_defer(agent->loop, &d->task);
    }
    runner_flush_soon(agent->runner); /* a refusal */
    tell_refusals(agent);
}

void agent_command_clock_stepped(struct agent *agent)
{
    if (agent->commands != NULL) {
        loop_defer(agent->loop, &agent->commands->task);
    }
}

void agent_command_run_ended(struct agent *agent, struct str run)
{
    if (agent->commands != NULL) {
        commands_run_ended(agent->commands->commands, run, wall_now(agent));
        look_again_later(agent);
    }
}

void agent_command_ended(struct agent *agent, struct str id, struct str result,
                         const struct err *why)
{
    commands_end(agent->commands->commands, id, result, why, wall_now(agent));
    loop_defer(agent->loop, &agent->commands->task); /* another may have waited for its end */
    look_again_later(agent);
}

void agent_write_commands(const struct agent *agent, struct json_writer *w)
{
    if (agent->commands == NULL) {
        return;
    }
    const struct refusals *refusals = commands_refusals(agent->commands->commands);
    if (refusals_total(refusals) == 0) {
        return;
    }
    jw_key(w, STR("commands_refused"));
    jw_begin_object(w);
    for (int i = 0; i < COMMAND_CODE_COUNT; i++) {
        if (refusals->totals[i] > 0) {
            jw_member_i64(w, command_code_name((enum command_code)i), refusals->totals[i]);
        }
    }
    jw_end_object(w);
}
