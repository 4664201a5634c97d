/* deployments_steps.c - what changes a deployment: people's orders, and what waves.h decides. */
#include "hub/deploy/deployments_internal.h"

enum { STEP_ARENA_BYTES = 128 << 20 };

static bool take_back(struct deployments *d, const struct deployment *deployment, struct err *err)
{
    struct db_query targets = db_query(d->db, HUB_DEPLOY_TAKE_BACK_TARGETS);
    db_bind_str(&targets, ":deployment", deployment->id);
    db_bind_str(&targets, ":bundle", deployment->bundle);
    struct db_query devices = db_query(d->db, HUB_DEPLOY_TAKE_BACK_DEVICES);
    db_bind_str(&devices, ":deployment", deployment->id);
    return db_run(&targets, err) && db_run(&devices, err);
}

bool deployments_end(struct deployments *d, const struct deployment *deployment, const char *status,
                     struct str reason, struct wall_time now, struct err *err)
{
    struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_STATUS);
    db_bind_str(&q, ":deployment", deployment->id);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_opt(&q, ":reason", reason);
    db_bind_i64(&q, ":ended", deployments_ms(now));
    return db_run(&q, err);
}

static bool abort_it(struct deployments *d, const struct deployment *deployment, struct str reason,
                     struct wall_time now, struct err *err)
{
    return deployments_end(d, deployment, "aborted", reason, now, err) &&
           (deployment->keeps_on_abort || take_back(d, deployment, err));
}

/* --- people's orders ---------------------------------------------------------------------------- */

static bool carry_out(struct deployments *d, const struct deployment *deployment,
                      enum deployment_order order, struct wall_time now, struct err *err)
{
    static const struct wall_time never = {0};
    switch (order) {
    case DEPLOYMENT_PAUSE:
        return deployments_end(d, deployment, "paused", STR_NONE, never, err);
    case DEPLOYMENT_RESUME:
        return deployments_end(d, deployment, "running", STR_NONE, never, err);
    case DEPLOYMENT_ABORT:
        return abort_it(d, deployment, STR("an operator said so"), now, err);
    }
    return false;
}

bool deployments_order(struct deployments *d, struct str id, enum deployment_order order,
                       struct wall_time now, struct err *err)
{
    AUTO(arena) arena = arena_new(STEP_ARENA_BYTES);
    AUTO(db_tx) tx = {0};
    struct deployment deployment;
    if (!db_tx_begin(d->db, &tx, err) || !deployments_find(d, id, &arena, &deployment, err)) {
        return false;
    }
    if (deployment.ended.ns != 0) {
        (void)err_set(err, ERR_INVALID, "deployment " STR_FMT " is over: " STR_FMT, STR_ARG(id),
                      STR_ARG(deployment.status));
        return err_hint(err, "begin another one: selvedge-hub deploy DIR --to ...");
    }
    return carry_out(d, &deployment, order, now, err) && db_tx_commit(&tx, err);
}

/* --- waves -------------------------------------------------------------------------------------- */

static bool begin_wave(struct deployments *d, const struct deployment *deployment, int64_t wave,
                       struct wall_time now, struct err *err)
{
    struct db_query ask = db_query(d->db, HUB_DEPLOY_WAVE_ASK);
    db_bind_str(&ask, ":deployment", deployment->id);
    db_bind_str(&ask, ":bundle", deployment->bundle);
    db_bind_i64(&ask, ":wave", wave);
    db_bind_i64(&ask, ":now", deployments_ms(now));
    struct db_query target = db_query(d->db, HUB_DEPLOY_WAVE_TARGET);
    db_bind_str(&target, ":deployment", deployment->id);
    db_bind_str(&target, ":bundle", deployment->bundle);
    db_bind_i64(&target, ":wave", wave);
    struct db_query begun = db_query(d->db, HUB_DEPLOY_WAVE_BEGUN);
    db_bind_str(&begun, ":deployment", deployment->id);
    db_bind_i64(&begun, ":wave", wave);
    return db_run(&ask, err) && db_run(&target, err) && db_run(&begun, err);
}

static bool keep_settled(struct deployments *d, const struct deployment *deployment,
                         struct wall_time settled, struct err *err)
{
    if (deployments_ms(settled) == deployments_ms(deployment->settled)) {
        return true;
    }
    struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_SETTLED);
    db_bind_str(&q, ":deployment", deployment->id);
    db_bind_i64(&q, ":settled", deployments_ms(settled));
    return db_run(&q, err);
}

static bool apply(struct deployments *d, const struct deployment *deployment,
                  const struct wave_decision *decision, struct wall_time now, struct err *err)
{
    switch (decision->step) {
    case WAVES_WAIT:
        return keep_settled(d, deployment, decision->settled, err);
    case WAVES_BEGIN:
        return begin_wave(d, deployment, decision->wave, now, err);
    case WAVES_ABORT:
        return abort_it(d, deployment, str_from(decision->reason), now, err);
    case WAVES_DONE:
        return deployments_end(d, deployment, "done", STR_NONE, now, err);
    }
    return false;
}

static bool decide(struct deployments *d, const struct deployment *deployment, struct arena *arena,
                   struct wall_time now, struct wave_decision *ret, struct err *err)
{
    struct deployment_device *devices = NULL;
    struct wave_plan plan;
    size_t count = 0;
    if (!deployments_devices(d, deployment->id, arena, &devices, &count, err) ||
        !deployment_plan(deployment, &plan, err)) {
        return false;
    }
    struct wave_device *rows = arena_array(arena, count == 0 ? 1 : count, sizeof(*rows));
    if (rows == NULL) {
        return err_set(err, ERR_NO_MEMORY, "deploy: out of memory");
    }
    *ret = waves_decide(&plan, rows, deployment_wave_devices(devices, count, rows), now);
    return true;
}

static void look_again(struct deployments_outcome *outcome, struct wall_time at)
{
    if (at.ns != 0 && (outcome->next.ns == 0 || at.ns < outcome->next.ns)) {
        outcome->next = at;
    }
}

bool deployments_go_on(struct deployments *d, struct wall_time now,
                       void (*on_step)(void *ctx, const struct deployment *deployment,
                                       const struct wave_decision *decision),
                       void *ctx, struct deployments_outcome *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(STEP_ARENA_BYTES);
    struct deployment *all = NULL;
    size_t count = 0;
    *ret = (struct deployments_outcome){0};
    if (!deployments_list(d, &arena, &all, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct wave_decision decision;
        AUTO(db_tx) tx = {0};
        if (!str_eq(all[i].status, STR("running"))) {
            continue;
        }
        if (!db_tx_begin(d->db, &tx, err) || !decide(d, &all[i], &arena, now, &decision, err) ||
            !apply(d, &all[i], &decision, now, err) || !db_tx_commit(&tx, err)) {
            return false;
        }
        look_again(ret, decision.at);
        if (decision.step != WAVES_WAIT) {
            on_step(ctx, &all[i], &decision);
            ret->has_changed_targets = true;
            look_again(ret, now); /* what follows from it */
        }
    }
    return true;
}
