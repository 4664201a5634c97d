#include "hub/api/report_jobs.h"

#include "common/log/log.h"
#include "common/platform/files.h"
#include "hub/fleet/errand.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGS_ARENA_BYTES = 16 << 10 };

enum job_state { JOB_NONE, JOB_WAITS, JOB_RUNS, JOB_READY };
struct report_job {
    struct report_jobs *jobs;
    enum job_state state;
    int64_t turn; /* the lowest begins first */
    int takers;   /* calls that have not left */
    struct mono_time ready_at;
    struct errand errand;
    struct fd output;
    struct err err; /* why it failed; code ERR_NONE: it did not */
    char key[REPORT_JOB_KEY_BYTES];
    size_t key_len;
    struct wall_time since, until;
    char group_by[REPORT_JOB_KEY_BYTES];
    enum report_format format;
    enum report_section section;
};
struct report_jobs {
    struct report_jobs_options options;
    struct report_job items[REPORT_JOBS_MAX];
    int64_t turns;
};

/* --- making ----------------------------------------------------------------------------------- */

static bool start(struct report_job *job, struct err *err)
{
    AUTO(arena) arena = arena_new(ARGS_ARENA_BYTES);
    const struct hub_config *config = job->jobs->options.config;
    const char *argv[16] = {
        "/proc/self/exe", /* ourselves, also when the file was replaced */
        "report-make",
        "--state-dir",
        arena_cstr(&arena, config->state_dir),
        "--since-ms",
        arena_cstr(&arena, arena_printf(&arena, "%lld", (long long)(job->since.ns / NS_PER_MS))),
        "--until-ms",
        arena_cstr(&arena, arena_printf(&arena, "%lld", (long long)(job->until.ns / NS_PER_MS))),
        "--format",
        report_format_names[job->format],
        "--section",
        report_section_name(job->section)};
    size_t count = 12;
    if (job->group_by[0] != '\0') {
        argv[count++] = arena_cstr(&arena, arena_printf(&arena, "--group-by=%s", job->group_by));
    }
    if (!str_is_empty(config->file)) {
        argv[count++] = "--config";
        argv[count++] = arena_cstr(&arena, config->file);
    }
    if (arena.exhausted) {
        return err_set(err, ERR_NO_MEMORY, "make a report: out of memory");
    }
    job->output.n = memfd_create("report", MFD_CLOEXEC);
    if (job->output.n < 0) {
        return err_errno(err, errno, "make room for a report");
    }
    struct spawn_options spawn = {
        .argv = argv, .stdin_fd = -1, .stdout_fd = job->output.n, .message_fd = -1};
    return errand_start(&job->errand, &spawn, err);
}

static void end(struct report_job *job, const struct err *why)
{
    const struct report_jobs_options *options = &job->jobs->options;
    job->state = JOB_READY;
    job->ready_at = loop_now(options->loop);
    if (why != NULL) {
        job->err = *why;
        LOG(WARN, "web.report_failed", F_ERR(why), F_T("action", "told to who asked"));
    }
    options->on_ready(options->ctx);
}

static void begin_next(struct report_jobs *jobs)
{
    struct err err = {0};
    struct report_job *next = NULL;
    int running = 0;
    for (size_t i = 0; i < REPORT_JOBS_MAX; i++) {
        struct report_job *job = &jobs->items[i];
        running += job->state == JOB_RUNS;
        if (job->state == JOB_WAITS && (next == NULL || job->turn < next->turn)) {
            next = job;
        }
    }
    if (next == NULL || running >= REPORT_JOBS_AT_ONCE) {
        return;
    }
    next->state = JOB_RUNS;
    if (!start(next, &err)) {
        end(next, &err);
    }
}

static void on_end(void *ctx, const struct err *why)
{
    struct report_job *job = ctx;
    end(job, why);
    begin_next(job->jobs);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void clear(struct report_job *job)
{
    fd_release(&job->output);
    job->output.n = -1;
    job->err = (struct err){0};
    job->state = JOB_NONE;
}

static bool is_same(const struct report_job *job, struct str key, struct mono_time now)
{
    bool is_good = job->state == JOB_WAITS || job->state == JOB_RUNS ||
                   (job->state == JOB_READY && job->err.code == ERR_NONE &&
                    now.ns - job->ready_at.ns < REPORT_JOB_KEPT_S * NS_PER_SEC);
    return is_good && str_eq(key, (struct str){job->key, job->key_len});
}

/* A place for a new one: free, or of the oldest that nobody waits for. */
static struct report_job *find_place(struct report_jobs *jobs)
{
    struct report_job *found = NULL;
    for (size_t i = 0; i < REPORT_JOBS_MAX; i++) {
        struct report_job *job = &jobs->items[i];
        if (job->state == JOB_NONE) {
            return job;
        }
        bool is_over = job->state == JOB_READY && job->takers == 0;
        if (is_over && (found == NULL || job->turn < found->turn)) {
            found = job;
        }
    }
    return found;
}

static bool set(struct report_job *job, const struct report_ask *ask, struct err *err)
{
    struct buf group = buf_fixed(job->group_by, sizeof(job->group_by));
    buf_add(&group, ask->group_by);
    if (buf_cstr(&group) == NULL || ask->key.len > sizeof(job->key)) {
        return err_set(err, ERR_INVALID, "what is asked for is too long");
    }
    clear(job);
    memcpy(job->key, ask->key.ptr, ask->key.len);
    job->key_len = ask->key.len;
    job->since = ask->since;
    job->until = ask->until;
    job->format = ask->format;
    job->section = ask->section;
    job->turn = job->jobs->turns++;
    job->state = JOB_WAITS;
    return true;
}

bool report_jobs_ask(struct report_jobs *jobs, const struct report_ask *ask,
                     struct report_job **ret, struct err *err)
{
    struct mono_time now = loop_now(jobs->options.loop);
    struct report_job *job = NULL;
    for (size_t i = 0; job == NULL && i < REPORT_JOBS_MAX; i++) {
        job = is_same(&jobs->items[i], ask->key, now) ? &jobs->items[i] : NULL;
    }
    if (job == NULL) {
        job = find_place(jobs);
        if (job == NULL) {
            (void)err_set(err, ERR_BUSY, "%d other reports are being made already",
                          REPORT_JOBS_MAX);
            return err_hint(err, "ask again in a minute");
        }
        if (!set(job, ask, err)) {
            return false;
        }
        begin_next(jobs);
    }
    job->takers++;
    *ret = job;
    return true;
}

bool report_job_is_ready(const struct report_job *job)
{
    return job->state == JOB_READY;
}

bool report_job_read(const struct report_job *job, struct buf *out, struct err *err)
{
    struct stat status;
    if (job->err.code != ERR_NONE) {
        *err = job->err;
        return err_wrap(err, "make the report");
    }
    if (fstat(job->output.n, &status) != 0) {
        return err_errno(err, errno, "read the report");
    }
    size_t len = (size_t)status.st_size;
    char *to = buf_reserve(out, len);
    if (to == NULL || (len > 0 && pread(job->output.n, to, len, 0) != (ssize_t)len)) {
        (void)err_set(err, ERR_FULL, "the report is larger than the hub makes answers");
        return err_hint(err, "a shorter time, or format=csv");
    }
    out->len += len;
    return true;
}

void report_job_leave(struct report_job *job)
{
    job->takers--;
}

/* --- life ------------------------------------------------------------------------------------- */

bool report_jobs_open(struct report_jobs **ret, const struct report_jobs_options *options,
                      struct err *err)
{
    struct report_jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports: out of memory");
    }
    jobs->options = *options;
    for (size_t i = 0; i < REPORT_JOBS_MAX; i++) {
        struct report_job *job = &jobs->items[i];
        job->jobs = jobs;
        job->output.n = -1;
        job->errand = (struct errand){.loop = options->loop,
                                      .on_end = on_end,
                                      .ctx = job,
                                      .run_ns = REPORT_JOB_SECONDS * NS_PER_SEC};
        errand_init(&job->errand);
    }
    *ret = jobs;
    return true;
}

void report_jobs_close(struct report_jobs *jobs)
{
    for (size_t i = 0; jobs != NULL && i < REPORT_JOBS_MAX; i++) {
        errand_fini(&jobs->items[i].errand, false);
        clear(&jobs->items[i]);
    }
    free(jobs);
}
