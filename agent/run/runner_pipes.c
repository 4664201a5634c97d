/* runner_pipes.c - the Dagster Pipes of the attempts that run a program: what it is told, its
 * messages while it runs and once it has ended, and what an agent that died had not recorded. */
#include "agent/run/runner_internal.h"

#include "agent/pipes/pipes_context.h"
#include "agent/pipes/pipes_session.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/confine.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONTEXT_BYTES_MAX = 1 << 20,
    CONTEXT_ARENA_BYTES = 1 << 20,
    TIME_BYTES = 64,
};

struct attempt_pipes {
    struct attempt *attempt;
    struct pipes_session *session;
    struct step_pipes told;
    bool has_report; /* a materialization came: it must survive a power cut */
    void (*then)(struct attempt *attempt);
};

static void folder_of(const struct runner *runner, const char *run, struct str step,
                      int64_t attempt, char path[LIMIT_PATH_BYTES + 1])
{
    (void)snprintf(path, LIMIT_PATH_BYTES + 1, "%s/runs/%s/" STR_FMT "/%" PRId64 ".pipes",
                   runner->options.state_dir, run, STR_ARG(step), attempt);
}

/* --- what the program is told ----------------------------------------------------------------- */

/* The window of a partition, or from the first to the last of a range. */
static bool add_window(const struct active_run *run, const struct partitions *partitions,
                       struct pipes_context *c, struct buf *start, struct buf *end, struct err *err)
{
    struct partition_window first;
    struct partition_window last;
    bool is_range = !str_is_empty(run->facts.partition_end);
    if (partitions->kind != PARTITION_TIME || str_is_empty(run->facts.partition)) {
        return true;
    }
    if (!partition_window(partitions, run->facts.partition, &first, err) ||
        !partition_window(partitions, is_range ? run->facts.partition_end : run->facts.partition,
                          &last, err)) {
        return false;
    }
    pipes_add_time(start, first.start, partitions->tz);
    pipes_add_time(end, last.end, partitions->tz);
    c->window_start = buf_str(start);
    c->window_end = buf_str(end);
    return true;
}

/* Of the last materialization that was not partial. */
static bool add_provenance(const struct active_run *run, const struct asset *asset,
                           struct arena *arena, struct pipes_asset *c, struct err *err)
{
    struct store *store = run->runner->options.store;
    struct stored_asset made = {0};
    const struct asset_input *inputs = NULL;
    size_t count = 0;
    bool found = false;
    if (!store_find_asset(store, asset->key, arena, &made, &found, err) ||
        !store_asset_inputs(store, asset->key, arena, &inputs, &count, err)) {
        return false;
    }
    AUTO(buf) json = buf_growing(STEP_INPUTS_BYTES);
    struct json_writer w = json_writer(&json);
    jw_begin_object(&w);
    for (size_t i = 0; i < count; i++) {
        jw_key(&w, inputs[i].key);
        jw_str(&w, inputs[i].data_version);
    }
    jw_end_object(&w);
    c->has_provenance = found && made.materialized_at.ns != 0;
    c->made_by_code_version = made.code_version;
    c->made_from = arena_copy(arena, buf_str(&json));
    c->is_user_version = made.is_version_given;
    return c->made_from.ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct pipes_asset *)a)->key, ((const struct pipes_asset *)b)->key);
}

static bool add_assets(const struct attempt *attempt, struct arena *arena, struct pipes_context *c,
                       struct err *err)
{
    const struct active_run *run = attempt->run;
    struct pipes_asset *assets = arena_array(arena, attempt->asset_count, sizeof(*assets));
    if (assets == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < attempt->asset_count; i++) {
        const struct asset *asset = run_plan_asset(&run->run, attempt->assets[i].place);
        assets[i] = (struct pipes_asset){.key = asset->key, .code_version = asset->code_version};
        if (!add_provenance(run, asset, arena, &assets[i], err)) {
            return false;
        }
    }
    qsort(assets, attempt->asset_count, sizeof(*assets), by_key);
    c->assets = assets;
    c->asset_count = attempt->asset_count;
    return true;
}

static bool write_context(const struct attempt *attempt, struct buf *out, struct err *err)
{
    const struct active_run *run = attempt->run;
    const struct asset *asset = run_asset(&run->run, attempt->step);
    AUTO(arena) arena = arena_new(CONTEXT_ARENA_BYTES);
    char start_memory[TIME_BYTES];
    char end_memory[TIME_BYTES];
    struct buf start = buf_fixed(start_memory, sizeof(start_memory));
    struct buf end = buf_fixed(end_memory, sizeof(end_memory));
    bool is_partitioned = asset->partitions.kind != PARTITION_NONE;
    struct pipes_context c = {
        .partition = is_partitioned ? run->facts.partition : STR_NONE,
        .partition_end = is_partitioned ? run->facts.partition_end : STR_NONE,
        .run = str_from(run->id),
        .job = str_from(run->job),
        .retry_number = run->run.steps[attempt->step].attempt - 1,
        .extras = asset->extras,
    };
    if (!add_assets(attempt, &arena, &c, err) ||
        !add_window(run, &asset->partitions, &c, &start, &end, err)) {
        return false;
    }
    pipes_context_write(&c, out);
    return !out->overflow ||
           err_set(err, ERR_FULL, "prepare Dagster Pipes: the context takes more than %d KiB",
                   CONTEXT_BYTES_MAX >> 10);
}

/* --- what it says ----------------------------------------------------------------------------- */

static bool offer(void *ctx, const struct record *record)
{
    const struct attempt_pipes *p = ctx;
    return runner_offer(p->attempt->run->runner, record);
}

static void add_output(void *ctx, bool is_stderr, struct str text)
{
    const struct attempt_pipes *p = ctx;
    if (p->attempt->process != NULL) {
        step_process_add_output(p->attempt->process, is_stderr, text);
    }
}

static bool on_message(void *ctx, const struct pipes_message *message)
{
    struct attempt_pipes *p = ctx;
    int64_t before = p->told.reports;
    if (!step_pipes_take(&p->told, message, runner_wall_now(p->attempt->run->runner))) {
        return false;
    }
    bool is_first = p->told.reports == 1 || p->attempt->asset_count > 1;
    if (p->told.reports > before && is_first) {
        pipes_session_sync(p->session);
    }
    return true;
}

static void on_drained(void *ctx)
{
    struct attempt_pipes *p = ctx;
    step_pipes_end(&p->told, runner_wall_now(p->attempt->run->runner));
    p->then(p->attempt);
}

/* --- an attempt ------------------------------------------------------------------------------- */

/* Another user's program does not reach our folders. */
static bool find_user(const struct asset *asset, struct arena *arena,
                      struct pipes_session_options *options, struct err *err)
{
    if (str_is_empty(asset->user) || geteuid() != 0) {
        return true; /* who is not root runs programs only as itself */
    }
    const char *name = arena_cstr(arena, asset->user);
    if (name == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare Dagster Pipes: out of memory");
    }
    options->shared_dir = "/tmp";
    return confine_find_user(name, &options->user, &options->group, err);
}

/* Key and definition of each that the attempt makes. NULL: out of memory. */
static const struct step_pipes_asset *assets_of(struct attempt *attempt)
{
    struct step_pipes_asset *assets =
        arena_array(&attempt->arena, attempt->asset_count, sizeof(*assets));
    for (size_t i = 0; assets != NULL && i < attempt->asset_count; i++) {
        assets[i].asset = run_plan_asset(&attempt->run->run, attempt->assets[i].place);
        assets[i].key = assets[i].asset->key;
    }
    return assets;
}

bool attempt_pipes_open(struct attempt *attempt, struct err *err)
{
    const struct active_run *run = attempt->run;
    const struct runner *runner = run->runner;
    const struct asset *asset = run_asset(&run->run, attempt->step);
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) context = buf_growing(CONTEXT_BYTES_MAX);
    struct attempt_pipes *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare Dagster Pipes: out of memory");
    }
    p->attempt = attempt;
    attempt->pipes = p;
    folder_of(runner, run->id, run_step_key(&run->run, attempt->step),
              run->run.steps[attempt->step].attempt, path);
    struct step_pipes_options told = {.base = step_record(run, attempt->step, EVENT_LOG),
                                      .assets = assets_of(attempt),
                                      .asset_count = attempt->asset_count,
                                      .record = offer,
                                      .output = add_output,
                                      .ctx = p};
    struct pipes_session_options session = {
        .loop = runner->options.loop,
        .dir = path,
        .spares = runner->options.host == NULL ? NULL : &runner->options.host->spares,
        .on_message = on_message,
        .on_drained = on_drained,
        .ctx = p};
    if (told.assets == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare Dagster Pipes: out of memory");
    }
    if (!step_pipes_init(&p->told, &told, err) || !write_context(attempt, &context, err) ||
        !find_user(asset, &attempt->arena, &session, err)) {
        return false;
    }
    session.context = buf_str(&context);
    return pipes_session_open(&p->session, &session, err);
}

const char *const *attempt_pipes_variables(const struct attempt_pipes *p)
{
    return p == NULL ? NULL : pipes_session_env(p->session);
}

void attempt_pipes_finish(struct attempt_pipes *p, void (*then)(struct attempt *attempt))
{
    p->then = then;
    pipes_session_drain(p->session);
}

const struct step_pipes *attempt_pipes_told(const struct attempt_pipes *p)
{
    return &p->told;
}

void attempt_pipes_close(struct attempt_pipes *p)
{
    if (p != NULL) {
        pipes_session_close(p->session);
        step_pipes_release(&p->told);
        free(p);
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static void remove_folder(const char *path)
{
    struct err err = {0};
    if (!pipes_session_remove_files(path, &err)) {
        LOG(WARN, "run.output_kept", F_T("path", path), F_ERR(&err));
    }
}

void pipes_forget_run(const struct active_run *run)
{
    for (uint32_t i = 0; run->is_loaded && run->run.steps != NULL && i < run->plan.count; i++) {
        const struct asset *asset = run_asset(&run->run, i);
        char path[LIMIT_PATH_BYTES + 1];
        for (int64_t n = run->run.steps[i].attempt; asset->work == ASSET_RUN && n > 0; n--) {
            folder_of(run->runner, run->id, run_step_key(&run->run, i), n, path);
            remove_folder(path);
        }
    }
}

/* --- after a crash ---------------------------------------------------------------------------- */

struct recovery {
    struct runner *runner;
    struct step_pipes told;
};

static bool note(void *ctx, const struct record *record)
{
    const struct recovery *r = ctx;
    runner_note(r->runner, record);
    return true;
}

static void on_recovered(void *ctx, const struct pipes_message *message)
{
    struct recovery *r = ctx;
    (void)step_pipes_take(&r->told, message, runner_wall_now(r->runner));
}

/* Its checks were not asked, so it is evidence only. */
static void record_partial(struct recovery *r, const struct stored_run *run,
                           const struct step_pipes_asset *asset)
{
    struct record made = r->told.options.base;
    made.type = EVENT_ASSET_MATERIALIZATION;
    made.asset = asset->key;
    made.at = asset->materialized_at;
    partition_note_stored(r->runner, run, &made);
    made.metadata = buf_str(&asset->metadata);
    made.data_version = buf_str(&asset->data_version);
    made.is_partial = true;
    runner_note(r->runner, &made);
}

/* Those that the step was still to make. False: they are not known. */
static bool assets_of_stored(struct runner *runner, const struct stored_run *run,
                             const struct stored_step *step, struct arena *arena,
                             struct step_pipes_options *options, struct err *err)
{
    struct stored_run_asset *stored = NULL;
    size_t count = 0;
    if (!store_run_assets(runner->options.store, run->id, arena, &stored, &count, err)) {
        return false;
    }
    struct step_pipes_asset *assets = arena_array(arena, count, sizeof(*assets));
    for (size_t i = 0; assets != NULL && i < count; i++) {
        if (str_eq(stored[i].step, step->step) && !stored[i].is_made) {
            assets[options->asset_count++] = (struct step_pipes_asset){.key = stored[i].asset};
        }
    }
    options->assets = assets;
    return assets != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
}

void pipes_recover_step(struct runner *runner, const struct stored_run *run,
                        const struct stored_step *step)
{
    struct err err = {0};
    char path[LIMIT_PATH_BYTES + 1];
    char id[UUID_TEXT_SIZE];
    AUTO(arena) arena = arena_new(RUN_ARENA_BYTES);
    struct recovery r = {.runner = runner};
    struct step_pipes_options options = {.base = {.run = run->id,
                                                  .step = step->step,
                                                  .asset = step->asset,
                                                  .attempt = step->attempt},
                                         .recorded = step->messages_read,
                                         .record = note,
                                         .ctx = &r};
    (void)snprintf(id, sizeof(id), STR_FMT, STR_ARG(run->id));
    folder_of(runner, id, step->step, step->attempt, path);
    bool ok = assets_of_stored(runner, run, step, &arena, &options, &err) &&
              step_pipes_init(&r.told, &options, &err) &&
              pipes_recover(path, on_recovered, &r, &err);
    if (!ok) {
        LOG(WARN, "pipes.not_recovered", F_S("run", run->id), F_S("step", step->step), F_ERR(&err));
    }
    for (size_t i = 0; ok && i < options.asset_count; i++) {
        if (r.told.assets[i].has_materialized) {
            record_partial(&r, run, &r.told.assets[i]);
        }
    }
    step_pipes_release(&r.told);
}

void pipes_forget_step(const struct runner *runner, const struct stored_run *run,
                       const struct stored_step *step)
{
    char path[LIMIT_PATH_BYTES + 1];
    char id[UUID_TEXT_SIZE];
    (void)snprintf(id, sizeof(id), STR_FMT, STR_ARG(run->id));
    for (int64_t n = step->attempt; n > 0; n--) {
        folder_of(runner, id, step->step, n, path);
        remove_folder(path);
    }
}
