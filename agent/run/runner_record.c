/* runner_record.c - what the runner says to the store, and when that is durable. */
#include "agent/run/runner_internal.h"

#include "common/log/log.h"
#include <stdlib.h>

#define GROUP_NS (1 * NS_PER_SEC)     /* records that nobody waits for are written together */
enum { OFFER_BYTES_MAX = 256 << 10 }; /* a quarter of what the store holds in memory */
#define RETRY_NS (5 * NS_PER_SEC)     /* after a flush that failed */

struct wall_time runner_wall_now(const struct runner *runner)
{
    return clock_wall(loop_clock(runner->options.loop));
}

/* Without memory nobody is told of it now; what looks later finds it in the database. */
static void remember_made(struct runner *runner, const struct record *record)
{
    struct made **at = &runner->made;
    if (record->type != EVENT_ASSET_MATERIALIZATION || runner->options.on_materialized == NULL) {
        return;
    }
    struct made *made = malloc(sizeof(*made) + record->asset.len + record->run.len + 1);
    if (made == NULL) {
        return;
    }
    struct buf text = buf_fixed((char *)(made + 1), record->asset.len + record->run.len + 1);
    buf_add(&text, record->asset);
    buf_add(&text, record->run);
    struct str both = buf_str(&text);
    *made = (struct made){.asset = str_slice(both, 0, record->asset.len),
                          .run = str_slice(both, record->asset.len, both.len)};
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = made;
}

static void tell_made(struct runner *runner)
{
    while (runner->made != NULL) {
        struct made *made = runner->made;
        runner->made = made->next;
        runner->options.on_materialized(runner->options.ctx, made->asset, made->run);
        free(made);
    }
}

void runner_forget_made(struct runner *runner)
{
    while (runner->made != NULL) {
        struct made *made = runner->made;
        runner->made = made->next;
        free(made);
    }
}

bool runner_flush(struct runner *runner)
{
    struct err err = {0};
    if (store_pending(runner->options.store) == 0) {
        tell_made(runner); /* somebody else made it durable */
        return true;
    }
    if (!store_flush(runner->options.store, runner_wall_now(runner), &err)) {
        if (!runner->is_stuck) {
            LOG(ERROR, "store.write_failed", F_ERR(&err),
                F_T("action",
                    "keeping what happened in memory, starting nothing new, trying again"));
        }
        runner->is_stuck = true;
        loop_timer_arm_in(runner->options.loop, &runner->flush_timer, RETRY_NS);
        return false;
    }
    if (runner->is_stuck) {
        LOG(INFO, "store.write_recovered", F_I("lost", runner->lost),
            F_T("action", "starting work again"));
        runner->is_stuck = false;
        runner->lost = 0;
        loop_defer(runner->options.loop, &runner->pump_task); /* whoever it was that flushed */
    }
    loop_timer_disarm(runner->options.loop, &runner->flush_timer);
    runner->options.on_recorded(runner->options.ctx, store_last_seq(runner->options.store));
    tell_made(runner);
    return true;
}

void runner_on_flush_due(void *ctx)
{
    struct runner *runner = ctx;
    if (runner_flush(runner)) {
        loop_defer(runner->options.loop, &runner->pump_task);
    }
}

bool runner_offer(struct runner *runner, const struct record *record)
{
    struct err err = {0};
    bool has_room = store_pending_bytes(runner->options.store) < OFFER_BYTES_MAX;
    if (runner->is_stuck || (!has_room && !runner_flush(runner))) {
        return false;
    }
    if (runner_record(runner, record, &err)) {
        return true;
    }
    if (err.code == ERR_FULL || err.code == ERR_NO_MEMORY) {
        return false;
    }
    LOG(ERROR, "store.record_lost", F_T("type", event_type_name(record->type)),
        F_S("run", record->run), F_ERR(&err));
    return true;
}

bool runner_try_note(struct runner *runner, const struct record *record, struct err *err)
{
    bool ok = store_record(runner->options.store, record, err);
    if (!ok && err->code == ERR_FULL && !runner->is_stuck && runner_flush(runner)) {
        ok = store_record(runner->options.store, record, err);
    }
    if (ok) {
        remember_made(runner, record);
    }
    return ok;
}

void runner_note(struct runner *runner, const struct record *record)
{
    struct err err = {0};
    if (!runner_try_note(runner, record, &err) && (err.code != ERR_FULL || runner->lost++ == 0)) {
        LOG(ERROR, "store.record_lost", F_T("type", event_type_name(record->type)),
            F_S("run", record->run), F_ERR(&err));
    }
}

bool runner_record(struct runner *runner, const struct record *record, struct err *err)
{
    if (!store_record(runner->options.store, record, err)) {
        return false;
    }
    remember_made(runner, record);
    runner_flush_soon(runner);
    return true;
}

void runner_flush_soon(struct runner *runner)
{
    if (runner->flush_timer.heap_index == 0) {
        loop_timer_arm_in(runner->options.loop, &runner->flush_timer, GROUP_NS);
    }
}

struct record run_record(const struct active_run *run, enum event_type type)
{
    return (struct record){.type = type,
                           .at = runner_wall_now(run->runner),
                           .run = str_from(run->id),
                           .job = str_from(run->job)};
}

struct record step_record(const struct active_run *run, uint32_t step, enum event_type type)
{
    const struct asset *asset = run_asset(&run->run, step);
    return (struct record){.type = type,
                           .at = runner_wall_now(run->runner),
                           .run = str_from(run->id),
                           .step = asset_step_key(asset),
                           .asset = asset->step == NULL ? asset->key : STR_NONE,
                           .attempt = run->run.steps[step].attempt};
}

struct record asset_record(const struct active_run *run, uint32_t place, enum event_type type)
{
    struct record record = step_record(run, run->plan.assets[place].step, type);
    record.asset = run_plan_asset(&run->run, place)->key;
    return record;
}
