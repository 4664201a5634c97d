/* project.c - which rows an event changes: the tables of this device are a projection of its
 * events. */
#include "agent/store/store_internal.h"

struct str project_object(struct str json)
{
    return str_is_empty(json) ? STR("{}") : json;
}

static bool project_run(struct store *store, const struct record *record, int64_t seq,
                        struct err *err)
{
    switch ((int)record->type) {
    case EVENT_RUN_ENQUEUED:
        return project_run_enqueued(store, record, seq, err);
    case EVENT_RUN_DEQUEUED:
        return project_run_status(store, record, "not_started", seq, err);
    case EVENT_RUN_START:
        return project_run_start(store, record, seq, err);
    case EVENT_RUN_CANCELING:
        return project_run_status(store, record, "canceling", seq, err);
    case EVENT_RUN_SUCCESS:
        return project_run_end(store, record, "success", seq, err);
    case EVENT_RUN_FAILURE:
        return project_run_end(store, record, "failure", seq, err);
    default:
        return project_run_end(store, record, "canceled", seq, err);
    }
}

static bool project_step(struct store *store, const struct record *record, struct err *err)
{
    switch ((int)record->type) {
    case EVENT_ASSET_MATERIALIZATION_PLANNED:
        return project_step_planned(store, record, err);
    case EVENT_STEP_SUCCESS:
        return project_step_end(store, record, "success", err);
    case EVENT_STEP_FAILURE:
        return project_step_end(
            store, record, str_eq(record->error_code, STR("canceled")) ? "canceled" : "failure",
            err);
    case EVENT_STEP_SKIPPED:
        return project_step_end(store, record, "skipped", err);
    case EVENT_STEP_UP_FOR_RETRY:
        return project_step_end(store, record, "up_for_retry", err);
    default:
        return project_step_start(store, record, err);
    }
}

static bool project_type(struct store *store, const struct record *record, int64_t seq,
                         struct err *err)
{
    switch (record->type) {
    case EVENT_RUN_ENQUEUED:
    case EVENT_RUN_DEQUEUED:
    case EVENT_RUN_START:
    case EVENT_RUN_CANCELING:
    case EVENT_RUN_SUCCESS:
    case EVENT_RUN_FAILURE:
    case EVENT_RUN_CANCELED:
        return project_run(store, record, seq, err);
    case EVENT_ASSET_MATERIALIZATION_PLANNED:
    case EVENT_STEP_START:
    case EVENT_STEP_RESTARTED:
    case EVENT_STEP_SUCCESS:
    case EVENT_STEP_FAILURE:
    case EVENT_STEP_SKIPPED:
    case EVENT_STEP_UP_FOR_RETRY:
        return project_step(store, record, err);
    case EVENT_ASSET_MATERIALIZATION:
        return record->is_partial || project_materialization(store, record, seq, err);
    case EVENT_ASSET_OBSERVATION:
        return project_observation(store, record, seq, err);
    case EVENT_ASSET_FAILED_TO_MATERIALIZE:
        return project_asset_failed(store, record, err);
    case EVENT_ASSET_CHECK_EVALUATION:
        return project_check(store, record, err);
    case EVENT_LOGS_CAPTURED:
        return project_output(store, record, err);
    case EVENT_FRESHNESS_STATE_CHANGE:
        return project_freshness(store, record, err);
    case EVENT_TICK:
        return project_tick(store, record, err);
    case EVENT_INSTIGATOR:
        return project_instigator(store, record, err);
    case EVENT_BACKFILL:
        return project_backfill(store, record, err);
    case EVENT_DYNAMIC_PARTITIONS:
        return project_dynamic_partition(store, record, err);
    case EVENT_AUTOMATION_EVALUATION:
        return project_automation(store, record, err);
    case EVENT_BUNDLE:
        return project_bundle(store, record, err);
    case EVENT_COMMAND:
        return project_command(store, record, err);
    case EVENT_DESIRED:
        return project_desired(store, record, err);
    case EVENT_UNKNOWN:
    case EVENT_ASSET_CHECK_EVALUATION_PLANNED:
    case EVENT_ENGINE_EVENT:
    case EVENT_LOG:
    case EVENT_DEVICE:
    case EVENT_DEVICE_HEALTH:
    case EVENT_DEFINITIONS:
    case EVENT_BUFFER_GAP:
    case EVENT_CLOCK_STEP:
    case EVENT_TYPE_COUNT:
        break;
    }
    return true; /* nothing of this device's own changes */
}

bool project_record(struct store *store, const struct record *record, int64_t seq, struct err *err)
{
    return (record->messages_end == 0 || project_step_messages(store, record, err)) &&
           project_type(store, record, seq, err);
}
