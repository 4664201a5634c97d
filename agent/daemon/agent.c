#include "agent/daemon/agent_internal.h"

#include "agent/daemon/announce.h"
#include "agent/daemon/own_program.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SMALL_MEMORY_BYTES (INT64_C(512) << 20)
enum { IDENTITY_ARENA_BYTES = 256 << 10, SQLITE_HEAP_BYTES = 16 << 20 };
#define STOP_NS                                                                                    \
    (30 * NS_PER_SEC) /* then the loop ends whatever still goes on: start-up closes it */

/* --- parts ------------------------------------------------------------------------------------ */

void agent_tell_health(struct agent *agent)
{
    struct err err = {0};
    const struct err *refused = agent->refused.code == ERR_NONE ? NULL : &agent->refused;
    if (!health_tell(&agent->health, agent->store, loop_now(agent->loop),
                     clock_wall(loop_clock(agent->loop)), refused, &err)) {
        LOG(WARN, "health.not_told", F_ERR(&err), F_T("action", "telling it later"));
    } else if (agent->link != NULL) {
        link_recorded(agent->link, store_last_seq(agent->store));
    }
}

static void on_recorded(void *ctx, int64_t last_seq)
{
    struct agent *agent = ctx;
    if (agent->options.is_daemon && health_is_due(&agent->health, loop_now(agent->loop))) {
        agent_tell_health(agent);
        last_seq = store_last_seq(agent->store);
    }
    if (agent->link != NULL) {
        link_recorded(agent->link, last_seq);
    }
}

static void stop_loop(void *ctx)
{
    struct agent *agent = ctx;
    struct err err = {0};
    if (!store_flush(agent->store, clock_wall(loop_clock(agent->loop)), &err)) {
        LOG(ERROR, "store.write_failed", F_ERR(&err),
            F_T("action", "stopping; what was not written is lost"));
    }
    loop_stop(agent->loop);
}

static void say_goodbye(struct agent *agent)
{
    if (agent->link != NULL) {
        link_stop(agent->link, stop_loop, agent);
    } else {
        stop_loop(agent);
    }
}

static void on_materialized(void *ctx, struct str asset, struct str run)
{
    struct agent *agent = ctx;
    (void)run;
    asset_watch_made(&agent->assets, asset);
    if (agent->sensors != NULL) {
        sensors_materialized(agent->sensors, asset);
    }
}

static void on_run_ended(void *ctx, const struct run_end *end)
{
    struct agent *agent = ctx;
    asset_watch_changed(&agent->assets);
    bundles_run_ended(agent->bundles, end);
    if (agent->options.on_run_ended != NULL) {
        agent->options.on_run_ended(agent->options.ctx, end);
    }
    if (agent->backfills != NULL) {
        backfills_run_ended(agent->backfills, end);
    }
    if (agent->sensors != NULL) {
        sensors_run_ended(agent->sensors);
    }
    agent_command_run_ended(agent, end->run);
    if (agent->is_stopping && runner_active_runs(agent->runner) == 0) {
        say_goodbye(agent);
    }
}

static void say_lock_wait(const struct err *why)
{
    LOG(INFO, "agent.lock_wait", F_ERR(why));
}

static bool take_lock(struct agent *agent, const char *path, struct err *err)
{
    if (files_lock_wait(path, say_lock_wait, &agent->lock, err)) {
        return true;
    }
    if (err->code == ERR_BUSY) {
        err_hint(err, "an agent works here already: ask it (without --standalone), or give another "
                      "--state-dir");
    }
    return false;
}

static bool open_store(struct agent *agent, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 40];
    (void)snprintf(path, sizeof(path), "%s/lock", agent->state_dir);
    if (!files_make_dirs(agent->state_dir, 0700, err) || !take_lock(agent, path, err)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/agent.db", agent->state_dir);
    struct store_options options = {.path = path,
                                    .quota_bytes = agent->options.config->buffer_quota,
                                    .history_bytes = agent->options.config->buffer_history,
                                    .rng = agent->rng};
    struct err damage = {0};
    if (!store_open(&agent->store, &options, clock_wall(loop_clock(agent->loop)), &damage, err)) {
        return false;
    }
    if (damage.code != ERR_NONE) {
        LOG(ERROR, "store.damaged", F_ERR(&damage),
            F_T("action", "moved aside, began a new database"));
    }
    return true;
}

static bool find_programs(struct agent *agent, struct err *err)
{
    return own_program_worker(agent->options.config, agent->worker, err) &&
           own_program_find("selvedge-exec", agent->helper, err);
}

static int steps_max(const struct agent_config *config)
{
    if (config->steps_max > 0) {
        return (int)config->steps_max;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : (int)processors;
}

static bool board_is_small(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 && (int64_t)pages * page < SMALL_MEMORY_BYTES;
}

/* A board with one processor or little memory does one thing at a time. */
static int runs_max(const struct agent_config *config)
{
    if (config->runs_max > 0) {
        return (int)config->runs_max;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 || board_is_small() ? 1 : (int)processors;
}

static struct retention retention_of(const struct agent_config *config)
{
    bool is_small = board_is_small();
    struct retention retention = {.runs = config->runs_kept,
                                  .runs_age_ns = config->runs_age_ns,
                                  .output_bytes = config->output_quota,
                                  .ticks_age_ns = config->ticks_age_ns,
                                  .events_age_ns = config->history_age_ns};
    if (retention.runs == 0) {
        retention.runs = is_small ? 200 : 1000;
    }
    if (retention.output_bytes == 0) {
        retention.output_bytes = INT64_C(1) << (is_small ? 24 : 28);
    }
    return retention;
}

static bool make_absolute(struct agent *agent, struct err *err)
{
    char cwd[LIMIT_PATH_BYTES + 1];
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        return err_errno(err, errno, "find the working folder");
    }
    return files_join(cwd, str_from(agent->state_dir), agent->state_dir_abs,
                      sizeof(agent->state_dir_abs), err);
}

static bool open_host(struct agent *agent, struct err *err)
{
    struct step_host_options options = {.loop = agent->loop,
                                        .rng = agent->rng,
                                        .store = agent->store,
                                        .helper = agent->helper,
                                        .cgroup = agent->options.config->cgroup};
    return step_host_open(&agent->host, &options, err);
}

static bool open_runner(struct agent *agent, struct err *err)
{
    if (!make_absolute(agent, err)) {
        return false;
    }
    struct runner_options options = {.loop = agent->loop,
                                     .rng = agent->rng,
                                     .store = agent->store,
                                     .defs = agent->defs,
                                     .state_dir = agent->state_dir_abs,
                                     .worker = agent->worker,
                                     .env = agent->options.env,
                                     .host = agent->host,
                                     .steps_max = steps_max(agent->options.config),
                                     .runs_max = runs_max(agent->options.config),
                                     .retention = retention_of(agent->options.config),
                                     .takes_over = agent->options.is_daemon,
                                     .on_recorded = on_recorded,
                                     .on_materialized = on_materialized,
                                     .on_run_ended = on_run_ended,
                                     .may_enter = agent_may_enter,
                                     .ctx = agent};
    return runner_open(&agent->runner, &options, err);
}

static bool open_engine(struct agent *agent, struct err *err)
{
    struct wall_time now = clock_wall(loop_clock(agent->loop));
    return open_store(agent, err) && find_programs(agent, err) && open_host(agent, err) &&
           bundles_open_definitions(agent, err) && agent_open_desired(agent, err) &&
           open_runner(agent, err) &&
           (!agent->options.is_daemon || announce_device(agent->store, &agent->facts, now, err)) &&
           announce_definitions(agent->store, agent->defs, agent->options.env, now, err);
}

/* --- the daemon's own parts ------------------------------------------------------------------- */

static bool open_link(struct agent *agent, struct err *err)
{
    if (!device_identity_load(agent->state_dir, &agent->identity_arena, &agent->identity, err)) {
        if (err->code == ERR_NOT_FOUND) {
            LOG(WARN, "agent.not_enrolled", F_ERR(err),
                F_T("action", "working alone, keeping events here"));
            return true;
        }
        return false;
    }
    const struct agent_config *config = agent->options.config;
    struct link_options options = {
        .loop = agent->loop,
        .rng = agent->rng,
        .store = agent->store,
        .identity = &agent->identity,
        .host = str_is_empty(config->hub_host) ? agent->identity.host : config->hub_host,
        .port = config->hub_port != 0 ? (int)config->hub_port : (int)agent->identity.port,
        .sync = sync_defaults(),
        .keepalive_s = (int)config->keepalive_s,
        .state_dir = agent->state_dir,
        .board = str_from(agent->facts.board),
        .boot_id = str_from(agent->facts.boot_id),
        .definitions_hash = str_from(agent->defs->hash),
        .on_down = agent_on_down,
        .on_up = agent_on_up,
        .on_offline = agent_on_offline,
        .ctx = agent};
    options.sync.linger_ns = config->sync_linger_ns;
    options.sync.backoff_max_ns = config->backoff_max_ns;
    if (options.sync.backoff_min_ns > options.sync.backoff_max_ns) {
        options.sync.backoff_min_ns = options.sync.backoff_max_ns;
    }
    if (!link_open(&agent->link, &options, err)) {
        return false;
    }
    const struct renewer_options renewal = {.loop = agent->loop,
                                            .rng = agent->rng,
                                            .state_dir = agent->state_dir,
                                            .identity = &agent->identity,
                                            .link = agent->link,
                                            .host = options.host,
                                            .port = options.port};
    return renewer_open(&agent->renewer, &renewal, err);
}

static void on_clock_step(void *ctx)
{
    struct agent *agent = ctx;
    LOG(INFO, "clock.stepped", F_T("action", "working out the next ticks anew"));
    scheduler_clock_stepped(agent->scheduler);
    renewer_clock_stepped(agent->renewer);
    asset_watch_clock_stepped(&agent->assets);
    agent_command_clock_stepped(agent);
}

static bool open_backfills(struct agent *agent, struct err *err)
{
    /* Enough that a place in the queue is never empty, and a cancel has little to take back. */
    struct backfills_options options = {.loop = agent->loop,
                                        .rng = agent->rng,
                                        .store = agent->store,
                                        .runner = agent->runner,
                                        .defs = agent->defs,
                                        .runs_max = 2 * (int64_t)runs_max(agent->options.config)};
    return backfills_open(&agent->backfills, &options, err);
}

bool agent_open_sensors(struct agent *agent, struct err *err)
{
    if (agent->sensors != NULL) {
        return true;
    }
    struct sensors_options options = {.loop = agent->loop,
                                      .rng = agent->rng,
                                      .store = agent->store,
                                      .runner = agent->runner,
                                      .defs = agent->defs,
                                      .env = agent->options.env,
                                      .state_dir = agent->state_dir,
                                      .state_dir_abs = agent->state_dir_abs,
                                      .store_id = str_from(agent->host->store_id)};
    return sensors_open(&agent->sensors, &options, err);
}

bool agent_open_scheduler(struct agent *agent, struct err *err)
{
    if (agent->scheduler != NULL) {
        return true;
    }
    struct str device = agent->identity.device;
    struct scheduler_options options = {
        .loop = agent->loop,
        .store = agent->store,
        .runner = agent->runner,
        .defs = agent->defs,
        .device = str_is_empty(device) ? str_from(agent->facts.host) : device,
        .built = scheduler_built(),
        .requires_sync = agent->options.config->clock == CLOCK_REQUIRE_SYNC,
        .is_synced = clock_is_synced};
    return scheduler_open(&agent->scheduler, &options, err);
}

static bool open_daemon(struct agent *agent, struct err *err)
{
    return open_link(agent, err) && agent_open_scheduler(agent, err) &&
           agent_open_asset_watch(agent, agent->defs, &agent->assets, err) &&
           open_backfills(agent, err) && agent_open_sensors(agent, err) &&
           bundles_open(&agent->bundles, agent, err) && agent_open_commands(agent, err) &&
           control_open(&agent->control, agent->loop, agent->state_dir, agent_on_control, agent,
                        err) &&
           loop_on_clock_step(agent->loop, on_clock_step, agent, err);
}

/* --- life ------------------------------------------------------------------------------------- */

bool agent_open(struct agent **ret, struct loop *loop, const struct rng *rng,
                const struct agent_options *options, struct err *err)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    if (agent == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the agent: out of memory");
    }
    agent->options = *options;
    agent->loop = loop;
    agent->rng = rng;
    agent->lock.n = -1;
    agent->started = loop_now(loop);
    agent->identity_arena = arena_new(IDENTITY_ARENA_BYTES);
    agent->lease_timer = (struct loop_timer){.on_due = agent_on_lease_due, .ctx = agent};
    agent->stop_timer = (struct loop_timer){.on_due = stop_loop, .ctx = agent};
    agent->health = (struct health){.state_dir = agent->state_dir,
                                    .sys_dir = "/sys",
                                    .buffer_quota = options->config->buffer_quota};
    store_limit_memory(SQLITE_HEAP_BYTES);
    device_facts_read(&agent->facts);
    (void)snprintf(agent->state_dir, sizeof(agent->state_dir), STR_FMT,
                   STR_ARG(options->config->state_dir));
    if (!open_engine(agent, err) || (options->is_daemon && !open_daemon(agent, err))) {
        agent_close(agent);
        return false;
    }
    *ret = agent;
    return true;
}

void agent_close(struct agent *agent)
{
    if (agent == NULL) {
        return;
    }
    loop_timer_disarm(agent->loop, &agent->stop_timer);
    loop_timer_disarm(agent->loop, &agent->lease_timer);
    control_close(agent->control);
    bundles_close(agent->bundles);
    agent_close_commands(agent);
    sensors_close(agent->sensors);
    asset_watch_close(&agent->assets);
    scheduler_close(agent->scheduler);
    backfills_close(agent->backfills);
    renewer_close(agent->renewer);
    link_close(agent->link);
    runner_close(agent->runner);
    step_host_close(agent->host);
    definitions_close(agent->defs);
    store_close(agent->store);
    device_identity_wipe(&agent->identity);
    arena_release(&agent->identity_arena);
    fd_release(&agent->lock);
    free(agent);
}

void agent_start(struct agent *agent)
{
    renewer_start(agent->renewer);
    if (agent->options.is_daemon) {
        agent_tell_health(agent);
    }
    agent_tell_desired(agent, &agent->desired_told);
    if (agent->link != NULL) {
        link_use_desired(agent->link, agent->desired.applied);
        link_start(agent->link);
    }
    if (agent->scheduler != NULL) {
        scheduler_start(agent->scheduler);
    }
    asset_watch_start(&agent->assets);
    if (agent->backfills != NULL) {
        backfills_start(agent->backfills);
    }
    if (agent->sensors != NULL) {
        sensors_start(agent->sensors);
    }
    bundles_start(agent->bundles);
    agent_start_commands(agent);
}

void agent_shut_down(struct agent *agent)
{
    if (agent->is_stopping) {
        return;
    }
    agent->is_stopping = true;
    loop_timer_arm_in(agent->loop, &agent->stop_timer, STOP_NS);
    if (agent->scheduler != NULL) {
        scheduler_stop(agent->scheduler);
    }
    asset_watch_stop(&agent->assets);
    if (agent->backfills != NULL) {
        backfills_stop(agent->backfills);
    }
    if (agent->sensors != NULL) {
        sensors_stop(agent->sensors);
    }
    if (runner_active_runs(agent->runner) == 0) {
        say_goodbye(agent);
    } else {
        runner_shut_down(agent->runner,
                         agent->options.is_daemon ? RUN_STOP_INTERRUPTED : RUN_STOP_CANCELED);
    }
}
