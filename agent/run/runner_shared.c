/* runner_shared.c - the end of a step that makes several assets: each is made or not by itself. As
 * Dagster does it where downstream need not wait for the whole step (require_upstream_step_success:
 * false): docs/reference/steps.md. */
#include "agent/run/runner_internal.h"

bool attempt_is_shared(const struct attempt *attempt)
{
    return run_asset(&attempt->run->run, attempt->step)->step != NULL;
}

static const struct asset *asset_at(const struct attempt *attempt, size_t index)
{
    return run_plan_asset(&attempt->run->run, attempt->assets[index].place);
}

/* A program that ends well has made what it was asked for, whether it reported that or not: so does
 * Dagster with implicit materializations, and so do steps that make one asset. */
bool shared_is_made(const struct attempt *attempt, const struct step_result *result, size_t index)
{
    const struct step_pipes_asset *told = attempt_told(attempt, index);
    const struct step_asset *said = step_result_asset(result, asset_at(attempt, index)->key);
    if (attempt->pipes == NULL) {
        return said != NULL && said->is_made;
    }
    return told != NULL && step_pipes_missing_check(told) == NULL &&
           (told->has_materialized || attempt->has_ended_well);
}

/* A check that should have been asked and was not, because the run is stopped. */
static bool is_unchecked(const struct attempt *attempt, size_t index)
{
    return attempt->checks != NULL && attempt->were_checks_canceled &&
           index + 1 >= attempt->checked && check_process_count(asset_at(attempt, index)) > 0;
}

/* What an earlier attempt made and a blocking check held back. */
static bool has_fallen(const struct attempt *attempt)
{
    const struct run *run = &attempt->run->run;
    const struct plan_step *step = &run->plan->steps[attempt->step];
    for (uint32_t i = step->first; i < step->first + step->asset_count; i++) {
        if (run->made[i] == RUN_ASSET_FALLEN) {
            return true;
        }
    }
    return false;
}

static void blame_check(struct attempt *attempt, struct step_result *result)
{
    result->error_code = STR("check_failed");
    result->error_message = STR("a blocking check did not pass in an earlier attempt");
    result->error_hint = STR("what depends on the asset does not run");
    for (size_t i = 0; i < attempt->asset_count; i++) {
        const struct check *blocking = attempt->assets[i].blocking;
        if (blocking != NULL) {
            result->error_message = arena_printf(
                &attempt->arena, "blocking check " STR_FMT " of " STR_FMT " did not pass",
                STR_ARG(blocking->name), STR_ARG(asset_at(attempt, i)->key));
            return;
        }
    }
}

enum step_outcome shared_judge(struct attempt *attempt, struct step_result *result)
{
    size_t made = 0;
    bool is_held = has_fallen(attempt);
    for (size_t i = 0; i < attempt->asset_count; i++) {
        struct attempt_asset *asset = &attempt->assets[i];
        asset->is_made = shared_is_made(attempt, result, i);
        if (!asset->is_made) {
            continue;
        }
        asset->blocking = attempt_blocking_failure(attempt, result, i);
        bool may_go_on = asset->blocking == NULL && !is_unchecked(attempt, i);
        run_asset_made(&attempt->run->run, asset->place, may_go_on);
        is_held = is_held || !may_go_on;
        made++;
    }
    if (made < attempt->asset_count && result->ok) {
        result->ok = false;
        result->error_code = STR("failed");
        result->error_message = arena_printf(
            &attempt->arena, "the step ended well, and said nothing of %zu of its %zu assets",
            attempt->asset_count - made, attempt->asset_count);
    }
    if (result->ok && is_held) {
        blame_check(attempt, result);
        return STEP_DID_NOT_PASS;
    }
    return result->ok ? STEP_DID_WELL : STEP_DID_FAIL;
}

/* What it is made from and the step has just made has a new version. `recorded` has for each asset of
 * the definitions which of the attempt's it is, plus 1. */
static void renew_inputs(struct attempt *attempt, size_t index, const uint32_t *recorded)
{
    const struct active_run *run = attempt->run;
    struct step_versions *versions = &attempt->assets[index].versions;
    uint32_t asset = run->plan.assets[attempt->assets[index].place].asset;
    for (size_t i = 0; i < versions->input_count; i++) {
        uint32_t which = recorded[run->defs->graph.nodes[asset].deps[i]];
        if (which > 0) {
            versions->inputs[i].data_version = attempt->assets[which - 1].data_version;
        }
    }
}

/* In the plan's order: what an asset is made from comes before it. */
void shared_record_made(struct attempt *attempt, const struct step_result *result)
{
    const struct active_run *run = attempt->run;
    uint32_t *recorded = arena_array(&attempt->arena, run->defs->asset_count, sizeof(*recorded));
    for (size_t i = 0; i < attempt->asset_count; i++) {
        const struct step_pipes_asset *told = attempt_told(attempt, i);
        bool is_evidence = told != NULL && told->has_materialized;
        if (!attempt->assets[i].is_made && !is_evidence) {
            continue;
        }
        if (recorded != NULL) {
            renew_inputs(attempt, i, recorded);
            recorded[run->plan.assets[attempt->assets[i].place].asset] = (uint32_t)i + 1;
        }
        attempt_record_materialization(attempt, result, i, !attempt->assets[i].is_made);
    }
}

/* Why this one was not made: what was said of it, else what the step failed of. */
static void explain(const struct step_result *result, struct record *failed)
{
    const struct step_asset *said = step_result_asset(result, failed->asset);
    failed->error_code = result->error_code;
    failed->error_message = result->error_message;
    failed->error_hint = result->error_hint;
    failed->exit = str_from(result->exit);
    if (said != NULL && !str_is_empty(said->error_message)) {
        failed->error_code = said->error_code;
        failed->error_message = said->error_message;
        failed->error_hint = said->error_hint;
    }
}

void shared_record_failures(struct attempt *attempt, const struct step_result *result)
{
    for (size_t i = 0; i < attempt->asset_count; i++) {
        if (attempt->assets[i].is_made) {
            continue;
        }
        struct record failed =
            asset_record(attempt->run, attempt->assets[i].place, EVENT_ASSET_FAILED_TO_MATERIALIZE);
        partition_note(attempt, &failed);
        explain(result, &failed);
        runner_note(attempt->run->runner, &failed);
    }
}
