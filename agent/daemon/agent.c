#include "agent/daemon/agent.h"

#include "agent/daemon/announce.h"
#include "agent/daemon/control.h"
#include "agent/daemon/link.h"
#include "agent/daemon/scheduler.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { IDENTITY_ARENA_BYTES = 256 << 10, SQLITE_HEAP_BYTES = 16 << 20 };
#define STOP_NS                                                                                    \
    (30 * NS_PER_SEC) /* then the loop ends whatever still goes on: start-up closes it */

struct agent {
    struct agent_options options;
    struct loop *loop;
    const struct rng *rng;
    struct fd lock;
    char state_dir[LIMIT_PATH_BYTES + 1];     /* as given: short, for the sockets in it */
    char state_dir_abs[LIMIT_PATH_BYTES + 1]; /* for steps, which work in other folders */
    char worker[LIMIT_PATH_BYTES + 1];
    char helper[LIMIT_PATH_BYTES + 1]; /* selvedge-exec */
    struct store *store;
    struct definitions *defs;
    struct step_host *host;
    struct runner *runner;
    struct scheduler *scheduler;
    struct control *control;
    struct arena identity_arena;
    struct device_identity identity;
    struct link *link; /* NULL: not enrolled, or not a daemon */
    struct device_facts facts;
    struct mono_time started;
    struct loop_timer stop_timer;
    bool is_stopping;
};

/* --- parts
 * -------------------------------------------------------------------------------------------------------------------
 */

static void on_recorded(void *ctx, int64_t last_seq)
{
    struct agent *agent = ctx;
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

static void on_run_ended(void *ctx, struct str run, enum run_state state)
{
    struct agent *agent = ctx;
    if (agent->options.on_run_ended != NULL) {
        agent->options.on_run_ended(agent->options.ctx, run, state);
    }
    if (agent->is_stopping && runner_active_runs(agent->runner) == 0) {
        say_goodbye(agent);
    }
}

static bool open_store(struct agent *agent, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 40];
    (void)snprintf(path, sizeof(path), "%s/lock", agent->state_dir);
    if (!files_make_dirs(agent->state_dir, 0700, err) || !files_lock(path, &agent->lock, err)) {
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

/* A program of ours: beside this one, or where packages put those that people do not call. */
static bool find_ours(const char *name, char ret_path[LIMIT_PATH_BYTES + 1], struct err *err)
{
    char self[LIMIT_PATH_BYTES + 1];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0) {
        return err_set(err, ERR_NOT_FOUND, "find %s: /proc/self/exe cannot be read", name);
    }
    struct str dir = STR_NONE;
    struct str own = STR_NONE;
    (void)str_cut_last((struct str){self, (size_t)len}, '/', &dir, &own);
    (void)snprintf(ret_path, LIMIT_PATH_BYTES + 1, STR_FMT "/../lib/selvedge/%s", STR_ARG(dir),
                   name);
    if (!files_exist(ret_path)) {
        (void)snprintf(ret_path, LIMIT_PATH_BYTES + 1, STR_FMT "/%s", STR_ARG(dir), name);
    }
    return true;
}

static bool find_programs(struct agent *agent, struct err *err)
{
    struct str configured = agent->options.config->worker;
    if (!find_ours("selvedge-el", agent->worker, err) ||
        !find_ours("selvedge-exec", agent->helper, err)) {
        return false;
    }
    if (!str_is_empty(configured)) {
        (void)snprintf(agent->worker, sizeof(agent->worker), STR_FMT, STR_ARG(configured));
    }
    return true;
}

static int steps_max(const struct agent_config *config)
{
    if (config->steps_max > 0) {
        return (int)config->steps_max;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : (int)processors;
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
                                     .runs_kept = agent->options.config->runs_kept,
                                     .on_recorded = on_recorded,
                                     .on_run_ended = on_run_ended,
                                     .ctx = agent};
    return runner_open(&agent->runner, &options, err) &&
           runner_close_interrupted(agent->runner, err);
}

static bool open_engine(struct agent *agent, struct err *err)
{
    char definitions[LIMIT_PATH_BYTES + 1];
    struct definitions_files files = definitions_system_files();
    struct wall_time now = clock_wall(loop_clock(agent->loop));
    (void)snprintf(definitions, sizeof(definitions), STR_FMT,
                   STR_ARG(agent->options.config->definitions));
    return open_store(agent, err) && find_programs(agent, err) && open_host(agent, err) &&
           definitions_load(definitions, &files, agent->options.problems, &agent->defs, err) &&
           open_runner(agent, err) &&
           (!agent->options.is_daemon || announce_device(agent->store, &agent->facts, now, err)) &&
           announce_definitions(agent->store, agent->defs, now, err);
}

/* --- the daemon's own parts
 * --------------------------------------------------------------------------------------------------
 */

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
        .definitions_hash = str_from(agent->defs->hash)};
    options.sync.linger_ns = config->sync_linger_ns;
    options.sync.backoff_max_ns = config->backoff_max_ns;
    if (options.sync.backoff_min_ns > options.sync.backoff_max_ns) {
        options.sync.backoff_min_ns = options.sync.backoff_max_ns;
    }
    return link_open(&agent->link, &options, err);
}

static struct str text_of(const struct json *request, const char *key)
{
    const struct json *node = json_get(request, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR("");
}

static void write_link(struct agent *agent, struct json_writer *w)
{
    struct link_status status;
    if (agent->link == NULL) {
        jw_member_str(w, "link", STR("not enrolled"));
        return;
    }
    link_get_status(agent->link, &status);
    jw_member_str(w, "link", str_from(status.state));
    jw_member_str(w, "fleet", agent->identity.fleet);
    jw_member_str(w, "device", agent->identity.device);
    jw_member_bool(w, "hub_online", status.hub_online);
    jw_member_i64(w, "batches_in_flight", status.inflight);
    jw_member_i64(w, "batches_sent", status.batches_sent);
    jw_member_i64(w, "events_sent", status.events_sent);
    jw_member_i64(w, "connects", status.connects);
    jw_member_i64(w, "connects_resumed", status.resumed);
    jw_member_i64(w, "resends", status.resends);
    jw_member_opt(w, "last_error", str_from(status.last_error));
}

static bool write_status(struct agent *agent, struct buf *reply, struct err *err)
{
    struct store_position position;
    if (!store_position(agent->store, &position, err)) {
        return false;
    }
    int64_t sqlite_now = 0;
    int64_t sqlite_peak = 0;
    store_memory(&sqlite_now, &sqlite_peak);
    struct json_writer w = json_writer(reply);
    jw_begin_object(&w);
    jw_member_str(&w, "state", agent->is_stopping ? STR("stopping") : STR("running"));
    jw_member_str(&w, "version", STR(SELVEDGE_VERSION));
    jw_member_i64(&w, "pid", getpid());
    jw_member_i64(&w, "uptime_s", (loop_now(agent->loop).ns - agent->started.ns) / NS_PER_SEC);
    jw_member_str(&w, "project", agent->defs->project);
    jw_member_i64(&w, "assets", (int64_t)agent->defs->asset_count);
    jw_member_i64(&w, "schedules", (int64_t)agent->defs->schedule_count);
    jw_member_i64(&w, "active_runs", (int64_t)runner_active_runs(agent->runner));
    jw_member_i64(&w, "active_steps", (int64_t)runner_active_steps(agent->runner));
    jw_member_str(&w, "epoch", str_from(position.epoch));
    jw_member_i64(&w, "last_seq", position.last_seq);
    jw_member_i64(&w, "acked_seq", position.acked_seq);
    jw_member_i64(&w, "waiting_events", position.waiting_events);
    jw_member_i64(&w, "waiting_bytes", position.waiting_bytes);
    jw_member_i64(&w, "history_bytes", position.history_bytes);
    jw_member_i64(&w, "dropped_events", position.dropped);
    jw_member_i64(&w, "sqlite_peak_bytes", sqlite_peak);
    write_link(agent, &w);
    jw_end_object(&w);
    return true;
}

static bool on_control(void *ctx, const struct json *request, struct buf *reply, struct err *err)
{
    struct agent *agent = ctx;
    struct str verb = text_of(request, "verb");
    if (str_eq(verb, STR("status"))) {
        return write_status(agent, reply, err);
    }
    if (str_eq(verb, STR("materialize"))) {
        char run[UUID_TEXT_SIZE];
        if (!agent_materialize(agent, text_of(request, "selection"), text_of(request, "job"), run,
                               err)) {
            return false;
        }
        struct json_writer w = json_writer(reply);
        jw_begin_object(&w);
        jw_member_str(&w, "run", str_from(run));
        jw_end_object(&w);
        return true;
    }
    return err_set(err, ERR_INVALID, "unknown verb \"" STR_FMT "\"", STR_ARG(verb));
}

static void on_clock_step(void *ctx)
{
    struct agent *agent = ctx;
    LOG(INFO, "clock.stepped", F_T("action", "working out the next ticks anew"));
    scheduler_clock_stepped(agent->scheduler);
}

static bool open_daemon(struct agent *agent, struct err *err)
{
    return open_link(agent, err) &&
           scheduler_open(&agent->scheduler, agent->loop, agent->store, agent->runner, agent->defs,
                          err) &&
           control_open(&agent->control, agent->loop, agent->state_dir, on_control, agent, err) &&
           loop_on_clock_step(agent->loop, on_clock_step, agent, err);
}

/* --- life
 * ---------------------------------------------------------------------------------------------------------------------
 */

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
    agent->stop_timer = (struct loop_timer){.on_due = stop_loop, .ctx = agent};
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
    control_close(agent->control);
    scheduler_close(agent->scheduler);
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

bool agent_materialize(struct agent *agent, struct str selection, struct str job,
                       char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    if (agent->is_stopping) {
        return err_set(err, ERR_BUSY, "the agent is stopping");
    }
    struct run_request request = {.job = job, .cause = STR("manual"), .selection = selection};
    if (!str_is_empty(job)) {
        const struct job *found = NULL;
        if (!definitions_find_job(agent->defs, job, &found, err)) {
            return false;
        }
        request.assets = found->assets;
        request.asset_count = found->asset_count;
        request.selection = found->select;
    }
    return runner_enqueue(agent->runner, &request, ret_run, err);
}

void agent_start(struct agent *agent)
{
    if (agent->link != NULL) {
        link_start(agent->link);
    }
    if (agent->scheduler != NULL) {
        scheduler_start(agent->scheduler);
    }
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
    if (runner_active_runs(agent->runner) == 0) {
        say_goodbye(agent);
    } else {
        runner_cancel_all(agent->runner);
    }
}
