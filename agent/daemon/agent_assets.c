/* agent_assets.c - what is said of assets from outside, and whether automation is on. */
#include "agent/daemon/agent_internal.h"

#include "agent/store/partitions.h"
#include "agent/store/versions.h"
#include "common/base/limits.h"
#include "common/log/log.h"

enum { DYNAMIC_ARENA_BYTES = 16 << 20, TEXT_BYTES_MAX = 4096 };

bool agent_open_asset_watch(struct agent *agent, const struct definitions *defs,
                            struct asset_watch *ret, struct err *err)
{
    bool requires_sync = agent->options.config->clock == CLOCK_REQUIRE_SYNC;
    const struct asset_watch_options options = {
        .loop = agent->loop,
        .store = agent->store,
        .runner = agent->runner,
        .defs = defs,
        .clock = {.built = scheduler_built(), .requires_sync = requires_sync},
        .is_synced = clock_is_synced};
    return asset_watch_open(ret, &options, err);
}

static bool check_partition(struct agent *agent, const struct asset *asset, struct str partition,
                            struct err *err)
{
    AUTO(arena) arena = arena_new(DYNAMIC_ARENA_BYTES);
    struct partition_keys keys = {0};
    struct partition_view view = {
        .of = &asset->partitions, .dynamic = &keys, .now = clock_wall(loop_clock(agent->loop))};
    size_t index = 0;
    if (str_is_empty(partition)) {
        return true;
    }
    if (asset->partitions.kind == PARTITION_NONE) {
        return err_set(err, ERR_INVALID, STR_FMT " has no partitions", STR_ARG(asset->key));
    }
    return (asset->partitions.kind != PARTITION_DYNAMIC ||
            store_dynamic_keys(agent->store, asset->partitions.set, &arena, &keys, err)) &&
           partition_find(&view, partition, &index, err);
}

static bool check_texts(const struct agent_report *report, struct err *err)
{
    bool is_check = report->type == EVENT_ASSET_CHECK_EVALUATION;
    if (report->data_version.len > TEXT_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "the data version is longer than %d bytes",
                       TEXT_BYTES_MAX);
    }
    if (is_check && (str_is_empty(report->check) || report->check.len > LIMIT_NAME_BYTES)) {
        return err_set(err, ERR_INVALID, "a check needs a name of at most %d bytes",
                       LIMIT_NAME_BYTES);
    }
    if (is_check && !str_is_empty(report->severity) && !str_eq(report->severity, STR("warn")) &&
        !str_eq(report->severity, STR("error"))) {
        return err_set(err, ERR_INVALID, "severity is warn or error, not \"" STR_FMT "\"",
                       STR_ARG(report->severity));
    }
    return true;
}

static struct record record_of(const struct agent_report *report, struct wall_time now)
{
    struct record r = {.type = report->type,
                       .at = now,
                       .asset = report->asset,
                       .partition = report->partition,
                       .metadata = report->metadata};
    if (report->type == EVENT_ASSET_CHECK_EVALUATION) {
        r.check = report->check;
        r.severity = str_is_empty(report->severity) ? STR("error") : report->severity;
        r.passed = report->passed;
    } else {
        r.data_version = report->data_version;
        r.is_version_given =
            report->type == EVENT_ASSET_MATERIALIZATION && !str_is_empty(report->data_version);
    }
    return r;
}

static bool flush(struct agent *agent, struct err *err)
{
    return runner_flush(agent->runner) ||
           err_set(err, ERR_FULL, "it could not be written yet; the log says why");
}

bool agent_report(struct agent *agent, const struct agent_report *report, struct err *err)
{
    uint32_t asset = 0;
    if (!definitions_find_asset(agent->defs, report->asset, &asset, err) ||
        !check_partition(agent, &agent->defs->assets[asset], report->partition, err) ||
        !check_texts(report, err)) {
        return false;
    }
    const struct record record = record_of(report, clock_wall(loop_clock(agent->loop)));
    if (!runner_record(agent->runner, &record, err) || !flush(agent, err)) {
        return false;
    }
    asset_watch_changed(&agent->assets);
    LOG(INFO, "asset.reported", F_S("asset", report->asset),
        F_T("type", event_type_name(report->type)));
    return true;
}

bool agent_pause_automation(struct agent *agent, bool is_paused, struct str command,
                            bool *ret_changed, struct err *err)
{
    bool was_paused = false;
    const struct record record =
        automation_pause_record(is_paused, command, clock_wall(loop_clock(agent->loop)));
    if (agent->defs->is_automation_held) {
        (void)err_set(err, ERR_DENIED, "automation: the hub pauses it");
        return err_hint(err, "it goes on when the hub says so: selvedge-hub desired show DEVICE");
    }
    if (!store_automation_is_paused(agent->store, &was_paused, err)) {
        return false;
    }
    *ret_changed = was_paused != is_paused;
    if (!*ret_changed) {
        return true;
    }
    bool ok = agent->assets.automator != NULL
                  ? automator_pause(agent->assets.automator, is_paused, command, err)
                  : runner_record(agent->runner, &record, err);
    return ok && flush(agent, err);
}
