#include "agent/run/step_process.h"

#include "agent/run/capture.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TEXT_ARENA_BYTES = 64 << 10,
    VANISHING_SWEEPS_MAX = 5, /* some 30 ms */
};
#define LINGER_NS (1 * NS_PER_SEC) /* for output of grandchildren after the child has ended */
/* For what was killed to be gone: asked again after this, then after twice that. */
#define SWEEP_AGAIN_MIN_NS (1 * NS_PER_MS)
#define SWEEP_AGAIN_MAX_NS (16 * NS_PER_MS)
#define SWEEP_NS           (2 * NS_PER_SEC) /* then the step ends although something is left */

/*  RUNNING --> STOPPING --> KILLING      TERM, the grace, KILL
 *     |           |            |
 *     +-----------+------------+-- the child has ended --> LINGERING --> SWEEPING --> ENDED
 *                                                          its output    what it left
 */
enum phase { STEP_RUNNING, STEP_STOPPING, STEP_KILLING, STEP_LINGERING, STEP_SWEEPING, STEP_ENDED };
#define TO(phase) (1U << (phase))
static const unsigned allowed[] = {
    [STEP_RUNNING] = TO(STEP_STOPPING) | TO(STEP_LINGERING),
    [STEP_STOPPING] = TO(STEP_KILLING) | TO(STEP_LINGERING),
    [STEP_KILLING] = TO(STEP_LINGERING),
    [STEP_LINGERING] = TO(STEP_SWEEPING),
    [STEP_SWEEPING] = TO(STEP_ENDED),
    [STEP_ENDED] = 0,
};

struct step_process {
    const struct step_host *host;
    struct loop *loop;
    enum phase phase;
    struct loop_child child;
    struct loop_timer timer; /* of the phase: time-out, grace, linger, next sweep */
    struct capture out;
    struct capture err;
    struct worker_messages messages;
    struct arena arena;
    struct step_group group;
    struct str token;
    struct confine confine;
    int64_t grace_ns;
    bool group_is_empty; /* of the process group: its number may be another's by now */
    int wait_status;
    int64_t memory_kills; /* what the control group says of itself, before it goes */
    int64_t memory_peak;  /* 0 = it does not say */
    bool was_full;
    struct mono_time started;
    struct mono_time sweep_until;
    int sweeps;
    struct step_result result;
    void (*on_end)(void *ctx, const struct step_result *result);
    void *ctx;
};

static void enter(struct step_process *p, enum phase next)
{
    assert(allowed[p->phase] & TO(next));
    p->phase = next;
    loop_timer_disarm(p->loop, &p->timer);
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void blame(struct step_result *result, const char *code, struct str message)
{
    result->ok = false;
    result->error_code = str_from(code);
    result->error_message = message;
}

/* "64 MiB", "100 bytes". What cannot be made for lack of memory is left out: the code says enough. */
static struct str size_text(struct step_process *p, int64_t bytes)
{
    enum { MIB = 1 << 20 };
    bool is_round = bytes % MIB == 0;
    return arena_printf(&p->arena, "%" PRId64 " %s", is_round ? bytes / MIB : bytes,
                        is_round ? "MiB" : "bytes");
}

/* ", having had 1.5 GiB"; empty when nobody knows how much. */
static struct str peak_text(struct step_process *p)
{
    int64_t told = p->messages.progress.memory_bytes;
    int64_t peak = p->memory_peak > told ? p->memory_peak : told;
    return peak == 0 ? STR("")
                     : arena_printf(&p->arena, ", having had %" PRId64 " MiB",
                                    (peak + (1 << 20) - 1) / (1 << 20));
}

static void blame_memory(struct step_process *p)
{
    struct step_result *result = &p->result;
    int64_t limit = p->confine.memory_bytes;
    if (limit == 0) {
        blame(result, "out_of_memory",
              arena_printf(&p->arena,
                           "the kernel killed the step because the host was out of memory" STR_FMT,
                           STR_ARG(peak_text(p))));
        result->error_hint = STR("run fewer steps at the same time, or give the step a limit");
        return;
    }
    blame(result, "out_of_memory",
          arena_printf(&p->arena,
                       "the kernel killed the step at its memory limit of " STR_FMT STR_FMT,
                       STR_ARG(size_text(p, limit)), STR_ARG(peak_text(p))));
    result->error_hint = STR("raise `memory` of the asset's `limits`, or read less at a time");
}

/* Signals by which the kernel ends a process at a limit. */
static bool blame_limit(struct step_process *p)
{
    int signo = WIFSIGNALED(p->wait_status) ? WTERMSIG(p->wait_status) : 0;
    if (signo == SIGXCPU && p->confine.cpu_ns > 0) {
        char memory[96];
        struct buf limit = buf_fixed(memory, sizeof(memory));
        buf_add_exact_duration(&limit, p->confine.cpu_ns);
        blame(&p->result, "limit",
              arena_printf(&p->arena, "the step used more than its " STR_FMT " of processor time",
                           STR_ARG(buf_str(&limit))));
        return true;
    }
    if (signo == SIGXFSZ && p->confine.file_bytes > 0) {
        blame(&p->result, "limit",
              arena_printf(&p->arena, "the step wrote a file larger than its limit of " STR_FMT,
                           STR_ARG(size_text(p, p->confine.file_bytes))));
        return true;
    }
    return false;
}

static void blame_exit(struct step_process *p)
{
    struct step_result *result = &p->result;
    struct str last = capture_last_line(&p->err);
    blame(result, "failed", str_is_empty(last) ? str_from(result->exit) : last);
    if (WIFSIGNALED(p->wait_status) && WTERMSIG(p->wait_status) == SIGKILL) {
        /* Not by us, or it would have been canceled; no control group tells who it was. */
        result->error_hint =
            arena_printf(&p->arena,
                         "if nobody killed it, the kernel did for want of memory" STR_FMT
                         ": see journalctl -k; give the asset a memory limit",
                         STR_ARG(peak_text(p)));
    }
    if (p->was_full) {
        result->error_hint = arena_printf(
            &p->arena, "it had as many processes and threads as its limit allows: %" PRId64,
            p->confine.processes);
    }
}

static struct step_output output_of(const struct capture *c)
{
    return (struct step_output){.bytes = c->bytes, .dropped = c->bytes - c->kept};
}

static void judge(struct step_process *p)
{
    struct step_result *result = &p->result;
    const struct worker_messages *said = &p->messages;
    result->out = output_of(&p->out);
    result->err = output_of(&p->err);
    result->first_line = capture_first_line(&p->out);
    result->metadata = said->metadata;
    result->assets = said->assets;
    result->asset_count = said->asset_count;
    result->checks = said->checks;
    result->check_count = said->check_count;
    result->asset_at = &said->asset_at;
    result->check_at = &said->check_at;
    result->exit_code = WIFEXITED(p->wait_status) ? WEXITSTATUS(p->wait_status) : -1;
    bool is_clean = result->exit_code == 0;
    if (!is_clean) {
        spawn_describe_status(p->wait_status, result->exit, sizeof(result->exit));
    }
    if (result->timed_out) {
        blame(result, "timeout", STR("the step took longer than its time-out and was ended"));
    } else if (result->canceled) {
        blame(result, "canceled", STR("the step was canceled"));
    } else if (!is_clean && p->memory_kills > 0) {
        blame_memory(p);
    } else if (!str_is_empty(said->error_message)) {
        blame(result, "failed", said->error_message);
        result->error_code = said->error_code;
        result->error_hint = said->error_hint;
    } else if (!is_clean && !blame_limit(p)) {
        blame_exit(p);
    } else {
        result->ok = is_clean;
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

static void finish(struct step_process *p)
{
    enter(p, STEP_ENDED);
    judge(p);
    p->on_end(p->ctx, &p->result);
}

/* What a look at something that the step started finds. */
enum remains {
    REMAINS_NOTHING,
    REMAINS_VANISHING, /* all are dead, and the kernel has not put them away yet: look again */
    REMAINS_SOMEBODY,  /* who was told to end just now */
};

/* Each look finds fewer of them, but for those that were started meanwhile. */
static void count_left(struct step_process *p, int64_t found)
{
    if (found > p->result.left_processes) {
        p->result.left_processes = found;
    }
}

static bool can_count(const struct step_process *p)
{
    return p->group.path[0] != '\0' || (p->host != NULL && !str_is_empty(p->token));
}

/* Its number is the group's as long as anyone is in it: it is not asked again once it was empty. */
static bool has_process_group(struct step_process *p, int signal)
{
    p->group_is_empty = p->group_is_empty || !spawn_signal_group(p->child.pid, signal);
    return !p->group_is_empty;
}

/* In it may also be who is dead and not put away yet: whoever can be counted was counted. */
static enum remains kill_process_group(struct step_process *p)
{
    if (!has_process_group(p, SIGKILL)) {
        return REMAINS_NOTHING;
    }
    count_left(p, !can_count(p));
    return REMAINS_SOMEBODY;
}

static enum remains kill_control_group(struct step_process *p)
{
    if (step_group_remove(&p->group)) {
        return REMAINS_NOTHING;
    }
    /* Whoever is in a group that was made in it is not counted, but shows in time. */
    int64_t count = step_group_count(&p->group);
    bool has_somebody = count > 0 || p->sweeps > VANISHING_SWEEPS_MAX;
    count_left(p, count > 0 ? count : has_somebody);
    step_group_kill(&p->group);
    return has_somebody ? REMAINS_SOMEBODY : REMAINS_VANISHING;
}

/* Ends what is left elsewhere: in the control group; where there is none, by the token, which is
 * looked for only when something hints at it. */
static enum remains kill_the_rest(struct step_process *p, bool is_suspicious)
{
    if (p->group.path[0] != '\0') {
        return kill_control_group(p);
    }
    int64_t found = 0;
    if (p->host == NULL || str_is_empty(p->token) ||
        (!is_suspicious && !step_host_has_orphans(p->host))) {
        return REMAINS_NOTHING;
    }
    if (!orphans_kill_step(p->host->proc_dir, p->token, &found)) {
        return REMAINS_VANISHING; /* nobody knows: look again */
    }
    count_left(p, found);
    return found > 0 ? REMAINS_SOMEBODY : REMAINS_NOTHING;
}

/* One look at what the step left. A retry may follow at once: nothing of this attempt should be
 * there any more by then. */
static void sweep(struct step_process *p, bool is_suspicious)
{
    enum remains rest = kill_the_rest(p, is_suspicious || has_process_group(p, 0));
    enum remains group = kill_process_group(p);
    bool is_clean = group == REMAINS_NOTHING && rest == REMAINS_NOTHING;
    if (is_clean || loop_now(p->loop).ns >= p->sweep_until.ns) {
        finish(p);
        return;
    }
    int64_t wait = p->sweeps < 4 ? SWEEP_AGAIN_MIN_NS << p->sweeps : SWEEP_AGAIN_MAX_NS;
    p->sweeps++;
    loop_timer_arm_in(p->loop, &p->timer, wait);
}

static void begin_sweep(struct step_process *p)
{
    /* Somebody held the pipes open until the linger was over, or we had to use force. */
    bool is_suspicious = capture_is_open(&p->out) || capture_is_open(&p->err) ||
                         worker_messages_is_open(&p->messages) || p->result.timed_out ||
                         p->result.canceled;
    enter(p, STEP_SWEEPING);
    p->sweep_until.ns = loop_now(p->loop).ns + SWEEP_NS;
    p->memory_kills = step_group_memory_kills(&p->group);
    p->memory_peak = step_group_memory_peak(&p->group);
    p->was_full = step_group_was_full(&p->group);
    sweep(p, is_suspicious);
}

/* A stream has ended. The step has when the child has, and nobody can write any more; what a
 * grandchild holds open is waited for only a moment. */
static void check_end(void *ctx)
{
    struct step_process *p = ctx;
    if (p->phase == STEP_LINGERING && !capture_is_open(&p->out) && !capture_is_open(&p->err) &&
        !worker_messages_is_open(&p->messages)) {
        begin_sweep(p);
    }
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct step_process *p = ctx;
    enter(p, STEP_LINGERING);
    p->wait_status = wait_status;
    p->result.duration_ns = loop_now(p->loop).ns - p->started.ns;
    p->group_is_empty = !spawn_signal_group(p->child.pid, 0);
    loop_timer_arm_in(p->loop, &p->timer, LINGER_NS);
    check_end(p);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void stop(struct step_process *p)
{
    enter(p, STEP_STOPPING);
    (void)spawn_signal_group(p->child.pid, SIGTERM);
    loop_timer_arm_in(p->loop, &p->timer, p->grace_ns);
}

static void on_timer(void *ctx)
{
    struct step_process *p = ctx;
    switch (p->phase) {
    case STEP_RUNNING:
        p->result.timed_out = true;
        stop(p);
        break;
    case STEP_STOPPING:
        enter(p, STEP_KILLING);
        (void)spawn_signal_group(p->child.pid, SIGKILL);
        step_group_kill(&p->group);
        break;
    case STEP_LINGERING:
        begin_sweep(p);
        break;
    case STEP_SWEEPING:
        sweep(p, true);
        break;
    case STEP_KILLING:
    case STEP_ENDED:
        assert(false); /* these have no timer */
    }
}

void step_process_cancel(struct step_process *p)
{
    if (p->phase == STEP_RUNNING) {
        p->result.canceled = true;
        stop(p);
    }
}

struct worker_progress step_process_progress(const struct step_process *p, int64_t *ret_elapsed_ns)
{
    *ret_elapsed_ns = loop_now(p->loop).ns - p->started.ns;
    return p->messages.progress;
}

void step_process_add_output(struct step_process *p, bool is_stderr, struct str text)
{
    capture_add(is_stderr ? &p->err : &p->out, text);
    if (p->phase == STEP_ENDED) {
        p->result.out = output_of(&p->out);
        p->result.err = output_of(&p->err);
    }
}

/* --- the start -------------------------------------------------------------------------------- */

static bool open_capture(struct capture *c, struct step_process *p,
                         const struct step_process_options *options, const char *suffix,
                         struct fd *ret_child_end, struct err *err)
{
    char path[2 * LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s.%s", options->output_dir, options->output_name,
                   suffix);
    return capture_open(c, p->loop, path, ret_child_end, err);
}

/* A host that cannot make one just now does without: limits of each process hold then. */
static void make_group(struct step_process *p, struct str run, struct confine *confine)
{
    struct err err = {0};
    if (p->host == NULL || p->host->groups == NULL) {
        return;
    }
    if (!step_group_make(p->host->groups, run, confine->memory_bytes, confine->processes, &p->group,
                         &err)) {
        LOG(WARN, "step.group_failed", F_S("run", run), F_ERR(&err),
            F_T("action", "starting the step without; limits hold for each process"));
        return;
    }
    confine->cgroup = p->group.path;
    if (step_groups_bound_memory(p->host->groups)) {
        confine->memory_bytes = 0;
    }
    if (step_groups_bound_processes(p->host->groups)) {
        confine->processes = 0;
    }
}

static bool spawn(struct step_process *p, const struct step_process_options *options,
                  struct spawn_options *wired, struct err *err)
{
    pid_t pid = 0;
    int pidfd = -1;
    wired->argv = options->argv;
    wired->envp = options->envp;
    wired->cwd = options->cwd;
    wired->confine = options->confine;
    wired->helper = p->host == NULL ? NULL : p->host->helper;
    make_group(p, options->run, &wired->confine);
    p->started = loop_now(p->loop);
    if (!spawn_process(wired, &pid, &pidfd, err)) {
        return false;
    }
    p->child = (struct loop_child){.on_exit = on_exit_status, .ctx = p};
    return loop_child_watch(p->loop, &p->child, pid, pidfd, err);
}

static bool start_child(struct step_process *p, const struct step_process_options *options,
                        struct err *err)
{
    AUTO(fd) input = {-1};
    AUTO(fd) out = {-1};
    AUTO(fd) errors = {-1};
    AUTO(fd) messages = {-1};
    if (!str_is_empty(options->input) &&
        !spawn_memory_file("selvedge-step", options->input, &input.n, err)) {
        return false;
    }
    if (!open_capture(&p->out, p, options, "out", &out, err) ||
        !open_capture(&p->err, p, options, "err", &errors, err) ||
        !worker_messages_open(&p->messages, p->loop, &messages, err)) {
        return false;
    }
    struct spawn_options wired = {
        .stdin_fd = input.n, .stdout_fd = out.n, .stderr_fd = errors.n, .message_fd = messages.n};
    return spawn(p, options, &wired, err);
}

bool step_process_start(struct step_process **ret, struct loop *loop,
                        const struct step_process_options *options, struct err *err)
{
    struct step_process *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start %s: out of memory", options->argv[0]);
    }
    p->host = options->host;
    p->loop = loop;
    p->arena = arena_new(TEXT_ARENA_BYTES);
    capture_init(&p->out, check_end, p);
    capture_init(&p->err, check_end, p);
    worker_messages_init(&p->messages, check_end, p);
    p->confine = options->confine;
    p->grace_ns = options->grace_ns > 0 ? options->grace_ns : STEP_GRACE_NS;
    p->on_end = options->on_end;
    p->ctx = options->ctx;
    p->timer = (struct loop_timer){.on_due = on_timer, .ctx = p};
    p->token = arena_copy(&p->arena, options->token);
    if (p->token.ptr == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "start %s: out of memory", options->argv[0]);
        step_process_close(p);
        return false;
    }
    if (!start_child(p, options, err)) {
        step_process_close(p);
        return false;
    }
    if (options->timeout_ns > 0) {
        loop_timer_arm_in(loop, &p->timer, options->timeout_ns);
    }
    *ret = p;
    return true;
}

void step_process_close(struct step_process *p)
{
    if (p == NULL) {
        return;
    }
    loop_timer_disarm(p->loop, &p->timer);
    if (p->child.pid > 0 && p->phase < STEP_LINGERING) {
        (void)spawn_signal_group(p->child.pid, SIGKILL);
        loop_child_remove(p->loop, &p->child);
    }
    step_group_kill(&p->group);
    (void)step_group_remove(&p->group); /* else the next start of the agent does */
    capture_close(&p->out);
    capture_close(&p->err);
    worker_messages_release(&p->messages);
    arena_release(&p->arena);
    free(p);
}

/* --- for the record --------------------------------------------------------------------------- */

static void write_int(struct json_writer *w, const char *name, int64_t value)
{
    if (value > 0) {
        jw_key(w, str_from(name));
        jw_begin_object(w);
        jw_member_str(w, "type", STR("int"));
        jw_member_i64(w, "raw_value", value);
        jw_end_object(w);
    }
}

void step_result_write_output(const struct step_result *result, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    write_int(&w, "stdout_bytes", result->out.bytes);
    write_int(&w, "stdout_dropped_bytes", result->out.dropped);
    write_int(&w, "stderr_bytes", result->err.bytes);
    write_int(&w, "stderr_dropped_bytes", result->err.dropped);
    jw_end_object(&w);
}

void step_result_warn_left(const struct step_result *result, const struct step_left_by *by)
{
    if (result->left_processes == 0 || result->timed_out || result->canceled) {
        return;
    }
    LOG(WARN, "step.left_processes", F_S("run", by->run), F_S("asset", by->asset),
        F_S("check", by->check), F_I("attempt", by->attempt),
        F_I("processes", result->left_processes), F_T("action", "ended, as the step had"));
}

const struct step_asset *step_result_asset(const struct step_result *result, struct str key)
{
    uint32_t at = 0;
    if (result->asset_at != NULL) {
        return strmap_get(result->asset_at, key, &at) ? &result->assets[at] : NULL;
    }
    for (size_t i = 0; i < result->asset_count; i++) {
        if (str_eq(result->assets[i].asset, key)) {
            return &result->assets[i];
        }
    }
    return NULL;
}

const struct step_check *step_result_check(const struct step_result *result, struct str asset,
                                           struct str name)
{
    char text[LIMIT_ASSET_KEY_BYTES + LIMIT_CHECK_NAME_BYTES + 2];
    struct buf place = buf_fixed(text, sizeof(text));
    uint32_t at = 0;
    buf_addf(&place, STR_FMT "\n" STR_FMT, STR_ARG(asset), STR_ARG(name));
    if (result->check_at != NULL && !place.overflow) {
        return strmap_get(result->check_at, buf_str(&place), &at) ? &result->checks[at] : NULL;
    }
    for (size_t i = 0; i < result->check_count; i++) {
        if (str_eq(result->checks[i].asset, asset) && str_eq(result->checks[i].name, name)) {
            return &result->checks[i];
        }
    }
    return NULL;
}
