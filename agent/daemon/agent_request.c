/* agent_request.c - what a person or the hub asks the agent as a whole for. */
#include "agent/daemon/agent_internal.h"

#include "common/log/log.h"
#include <stdio.h>

enum { PROBLEMS_ARENA_BYTES = 1 << 20, KEYS_BYTES_MAX = 256 << 10, KEYS_ARENA_BYTES = 16 << 20 };

/* Assets by their keys. */
static bool find_keys(const struct agent *agent, struct str keys, struct arena *arena,
                      struct run_request *request, struct err *err)
{
    struct json *list = NULL;
    if (!json_parse(keys, KEYS_BYTES_MAX, arena, &list, err)) {
        return err_wrap(err, "keys");
    }
    uint32_t *assets = arena_array(arena, list->count, sizeof(*assets));
    if (assets == NULL || list->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "keys: a list of assets");
    }
    for (const struct json *key = list->child; key != NULL; key = key->next) {
        if (key->type != JSON_STRING ||
            !definitions_find_asset(agent->defs, key->as.string, &assets[request->asset_count++],
                                    err)) {
            return key->type == JSON_STRING ? false
                                            : err_set(err, ERR_INVALID, "keys: a list of assets");
        }
    }
    request->assets = assets;
    return true;
}

bool agent_materialize(struct agent *agent, const struct agent_request *wanted,
                       char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    bool is_by_hand = str_is_empty(wanted->command);
    struct run_request request = {.job = wanted->job,
                                  .cause = is_by_hand ? STR("manual") : STR("command"),
                                  .cause_name = wanted->command,
                                  .selection = wanted->selection,
                                  .on_overlap = OVERLAP_QUEUE,
                                  .tags = wanted->tags,
                                  .priority = wanted->priority,
                                  .partition = wanted->partition,
                                  .partition_end = wanted->partition_end};
    if (agent->is_stopping) {
        return err_set(err, ERR_BUSY, "the agent is stopping");
    }
    AUTO(arena) arena = arena_new(KEYS_ARENA_BYTES);
    if (!str_is_empty(wanted->keys) && !find_keys(agent, wanted->keys, &arena, &request, err)) {
        return false;
    }
    if (!str_is_empty(wanted->job)) {
        const struct job *found = NULL;
        if (!definitions_find_job(agent->defs, wanted->job, &found, err)) {
            return false;
        }
        request.assets = found->assets;
        request.asset_count = found->asset_count;
        request.selection = found->select;
        if (found->on_overlap == OVERLAP_REPLACE) {
            request.on_overlap = OVERLAP_REPLACE;
        }
    }
    return runner_enqueue(agent->runner, &request, ret_run, err);
}

/* --- reading the definitions again ------------------------------------------------------------ */

/* Whoever keeps a part of the definitions gets the new ones; runs that are going keep theirs. */
bool agent_use_definitions(struct agent *agent, struct definitions *defs, const struct record *told,
                           struct err *err)
{
    struct wall_time now = clock_wall(loop_clock(agent->loop));
    if (!announce_definitions(agent->store, defs, agent->options.env, now, err)) {
        return false;
    }
    struct asset_watch assets = {0};
    struct schedule_set *schedules = NULL;
    bool is_ready =
        agent->scheduler == NULL || (agent_open_asset_watch(agent, defs, &assets, err) &&
                                     scheduler_read(agent->scheduler, defs, &schedules, err) &&
                                     sensors_prepare(agent->sensors, defs, err));
    if (!is_ready || (told != NULL && !runner_record(agent->runner, told, err))) {
        schedule_set_free(schedules);
        asset_watch_close(&assets);
        return false;
    }
    runner_use_definitions(agent->runner, defs);
    if (agent->backfills != NULL) {
        backfills_use_definitions(agent->backfills, defs);
    }
    if (agent->scheduler != NULL) {
        scheduler_use(agent->scheduler, schedules);
        sensors_use_definitions(agent->sensors, defs);
        asset_watch_close(&agent->assets);
        agent->assets = assets;
        asset_watch_start(&agent->assets);
    }
    if (told != NULL) {
        (void)runner_flush(agent->runner); /* what could not be written yet stays in order */
    }
    if (agent->link != NULL) {
        link_use_definitions(agent->link, str_from(defs->hash));
        link_recorded(agent->link, store_last_seq(agent->store));
    }
    definitions_close(agent->defs);
    agent->defs = defs;
    return true;
}

/* The file's, with what the hub wants on top. */
static bool load(struct agent *agent, const char *path, struct problems *problems,
                 struct buf *ret_changes, struct definitions **ret, struct desired_told *ret_told,
                 struct err *err)
{
    struct definitions_files files = definitions_system_files();
    struct definitions *base = NULL;
    if (!definitions_load(path, &files, problems, &base, err)) {
        return false;
    }
    if (!definitions_write_changes(definitions_base(agent->defs), base, ret_changes)) {
        buf_add(ret_changes, STR("nothing"));
    }
    bool ok = agent_lay_desired(agent, base, ret, ret_told, err);
    definitions_close(base);
    return ok;
}

bool agent_switch_definitions(struct agent *agent, const char *path, const struct record *why,
                              struct problems *problems, struct buf *ret_changes, struct err *err)
{
    struct definitions *defs = NULL;
    struct desired_told told;
    if (!load(agent, path, problems, ret_changes, &defs, &told, err) ||
        !agent_use_definitions(agent, defs, why, err)) {
        definitions_close(defs);
        return false;
    }
    bool was_refused = agent->refused.code != ERR_NONE;
    agent->refused = (struct err){0};
    if (was_refused) {
        agent_tell_health(agent);
    }
    LOG(INFO, "definitions.reloaded", F_S("project", defs->project),
        F_I("assets", (int64_t)defs->asset_count), F_T("hash", defs->hash),
        F_S("changed", buf_str(ret_changes)));
    agent_tell_desired(agent, &told);
    agent_retry_desired(agent);
    return true;
}

bool agent_reload(struct agent *agent, struct buf *ret_changes, struct err *err)
{
    AUTO(arena) arena = arena_new(PROBLEMS_ARENA_BYTES);
    struct problems problems = {.arena = &arena};
    char path[LIMIT_PATH_BYTES + 1];
    bool ok = bundles_definitions_path(agent, str_from(agent->bundle_place.current), path, err) &&
              agent_switch_definitions(agent, path, NULL, &problems, ret_changes, err);
    if (!ok) {
        LOG(ERROR, "definitions.refused", F_I("problems", (int64_t)problems.total), F_ERR(err),
            F_T("action", "keeping those that are in use"));
        agent->refused = *err;
        agent->refused_at = clock_wall(loop_clock(agent->loop));
        agent_tell_health(agent);
        (void)err_wrap(err, "the definitions in use stay");
        return problems.total > 1
                   ? err_hint(err, "all %zu problems: selvedge-agent check", problems.total)
                   : false;
    }
    return true;
}
