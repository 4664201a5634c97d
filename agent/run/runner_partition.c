/* runner_partition.c - which partitions a run makes: settled when it is queued, told to its steps,
 * recorded when they end. */
#include "agent/run/runner_internal.h"

#include "agent/store/partitions.h"
#include "common/log/log.h"

static bool has_partitions(const struct active_run *run, uint32_t step)
{
    return run_asset(&run->run, step)->partitions.kind != PARTITION_NONE;
}

/* The first step whose asset has partitions; plan.count when none has. ERR_INVALID when another's
 * are different: a run makes one slice of everything. */
static bool find_partitioned(const struct active_run *run, uint32_t *ret_step, struct err *err)
{
    uint32_t first = (uint32_t)run->plan.count;
    for (uint32_t i = 0; i < run->plan.count; i++) {
        const struct asset *asset = run_asset(&run->run, i);
        if (!has_partitions(run, i)) {
            continue;
        }
        if (first == run->plan.count) {
            first = i;
        } else if (!partition_same(&asset->partitions, &run_asset(&run->run, first)->partitions)) {
            (void)err_set(err, ERR_INVALID, STR_FMT " and " STR_FMT " are partitioned differently",
                          STR_ARG(run_asset(&run->run, first)->key), STR_ARG(asset->key));
            return err_hint(err,
                            "a run makes one partition of all its assets: make two of them, or "
                            "a backfill");
        }
    }
    *ret_step = first;
    return true;
}

static bool read_dynamic(const struct runner *runner, const struct partitions *of,
                         struct arena *arena, struct partition_keys *ret, struct err *err)
{
    *ret = (struct partition_keys){0};
    return of->kind != PARTITION_DYNAMIC ||
           store_dynamic_keys(runner->options.store, of->set, arena, ret, err);
}

/* --- when it is queued ------------------------------------------------------------------------ */

/* A person says which; whatever else starts a run means the newest window that is over. */
static bool choose(struct active_run *run, const struct asset *asset,
                   const struct partition_view *view, struct run_request *request, struct err *err)
{
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf newest = buf_fixed(memory, sizeof(memory));
    size_t count = partition_count(view);
    bool is_there = count > 0 && partition_key_at(view, count - 1, &newest);
    bool is_by_hand = str_eq(request->cause, STR("manual"));
    if (is_there && !is_by_hand && asset->partitions.kind == PARTITION_TIME) {
        request->partition = arena_copy(&run->arena, buf_str(&newest));
        return request->partition.ptr != NULL ||
               err_set(err, ERR_NO_MEMORY, "queue a run: out of memory");
    }
    (void)err_set(err, ERR_INVALID, "the run names none of its partitions");
    return is_there ? err_hint(err,
                               "--partition " STR_FMT " is the newest; several: "
                               "selvedge-agent backfill",
                               STR_ARG(buf_str(&newest)))
                    : err_hint(err, "there is none yet");
}

static bool check_bounds(const struct partition_view *view, const struct run_request *request,
                         struct err *err)
{
    size_t first = 0;
    size_t last = 0;
    if (!partition_find(view, request->partition, &first, err)) {
        return false;
    }
    if (str_is_empty(request->partition_end)) {
        return true;
    }
    if (!partition_find(view, request->partition_end, &last, err)) {
        return false;
    }
    return first <= last || err_set(err, ERR_INVALID, STR_FMT " comes before " STR_FMT,
                                    STR_ARG(request->partition_end), STR_ARG(request->partition));
}

/* The tags that Dagster gives such a run. */
static bool add_tags(struct active_run *run, struct run_request *request, struct err *err)
{
    static struct str of_one[] = {STR_INIT("dagster/partition")};
    static struct str of_range[] = {STR_INIT("dagster/asset_partition_range_start"),
                                    STR_INIT("dagster/asset_partition_range_end")};
    struct str values[] = {request->partition, request->partition_end};
    bool is_range = !str_is_empty(request->partition_end);
    struct str_map tags = {
        .keys = is_range ? of_range : of_one, .values = values, .count = is_range ? 2 : 1};
    struct str_map joined = {0};
    if (!tags_join(&request->tags, &tags, &run->arena, &joined, err)) {
        return false;
    }
    request->tags = joined;
    return true;
}

bool partition_settle(struct active_run *run, struct run_request *request, struct err *err)
{
    uint32_t step = 0;
    struct partition_keys dynamic = {0};
    if (!find_partitioned(run, &step, err)) {
        return false;
    }
    if (step == run->plan.count) {
        return str_is_empty(request->partition) ||
               err_set(err, ERR_INVALID,
                       "partition " STR_FMT ": nothing that the run makes has "
                       "partitions",
                       STR_ARG(request->partition));
    }
    const struct asset *asset = run_asset(&run->run, step);
    struct partition_view view = {
        .of = &asset->partitions, .dynamic = &dynamic, .now = runner_wall_now(run->runner)};
    if (request->partition_at.ns != 0 && str_is_empty(request->partition)) {
        view.now = request->partition_at;
    }
    if (str_eq(request->partition, request->partition_end)) {
        request->partition_end = STR_NONE;
    }
    bool ok = read_dynamic(run->runner, view.of, &run->arena, &dynamic, err) &&
              (str_is_empty(request->partition) ? choose(run, asset, &view, request, err)
                                                : check_bounds(&view, request, err)) &&
              add_tags(run, request, err);
    return ok || err_wrap(err, STR_FMT, STR_ARG(asset->key));
}

/* --- its steps -------------------------------------------------------------------------------- */

bool partition_prepare(struct attempt *attempt, struct err *err)
{
    const struct active_run *run = attempt->run;
    struct partition_keys dynamic = {0};
    const struct partitions *of = &run_asset(&run->run, attempt->step)->partitions;
    struct partition_bounds bounds = {run->facts.partition, run->facts.partition_end};
    if (of->kind == PARTITION_NONE) {
        return true;
    }
    if (str_is_empty(bounds.first)) {
        return err_set(err, ERR_INVALID, "the asset has partitions, and the run names none");
    }
    attempt->has_partition =
        read_dynamic(run->runner, of, &attempt->arena, &dynamic, err) &&
        step_partition_make(of, bounds, &dynamic, &attempt->arena, &attempt->partition, err);
    return attempt->has_partition;
}

/* Which of them: for a range all keys, for the device's own table. */
void partition_note(struct attempt *attempt, struct record *record)
{
    struct err err = {0};
    const struct active_run *run = attempt->run;
    if (!has_partitions(run, attempt->step)) {
        return;
    }
    record->partition = run->facts.partition;
    record->partition_end = run->facts.partition_end;
    bool is_range = attempt->has_partition && attempt->partition.keys.count > 1;
    if (is_range &&
        !step_partition_json(&attempt->partition, &attempt->arena, &record->keys, &err)) {
        LOG(WARN, "run.partitions_not_listed", F_T("run", run->id), F_ERR(&err));
    }
}

void partition_note_stored(const struct runner *runner, const struct stored_run *run,
                           struct record *record)
{
    struct err none = {0};
    uint32_t asset = 0;
    if (definitions_find_asset(runner->defs, record->asset, &asset, &none) &&
        runner->defs->assets[asset].partitions.kind != PARTITION_NONE) {
        record->partition = run->partition;
        record->partition_end = run->partition_end;
    }
}
