#include "agent/transform/dbt_drive.h"

#include "agent/dbt/run_results.h"
#include "agent/el/cancel.h"
#include "agent/el/line_source.h"
#include "agent/transform/dbt_command.h"
#include "agent/transform/drive_folder.h"
#include "common/platform/clock.h"
#include "common/platform/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS = 200,  /* a stop that came between two looks is seen by then */
    LAST_MS = 1500, /* after SIGKILL: to read what there is, and to tell it */
    LINES_A_TURN = 256,
    LINE_ARENA_BYTES = 8 * DBT_LOG_LINE_BYTES_MAX,
    COMMAND_ARENA_BYTES = 4 * DBT_DRIVE_COMMAND_BYTES_MAX,
    WORDS_BYTES = 300, /* of what dbt said last */
};

struct stream {
    struct line_source source;
    struct fd fd;
    bool is_over;
};
static void stream_close(struct stream *s)
{
    line_source_release(&s->source);
    fd_release(&s->fd);
    s->is_over = true;
}

struct driven {
    const struct dbt_drive *options;
    const struct node_listener *listener;
    struct drive_nodes *nodes;
    struct arena line_arena;
    struct clock clock;
    struct stream out, log; /* its standard output and error */
    pid_t pid;              /* 0: it has been waited for */
    struct fd pidfd;
    struct mono_time started, kill_at;
    enum err_code stop; /* why it was told to: ERR_CANCELLED, ERR_TIMEOUT, ERR_IO; ERR_NONE */
    struct err trouble; /* of stop ERR_IO: ours */
    int wait_status;
    int64_t too_long;
    bool gave_up;            /* what it said then is in `words` */
    char words[WORDS_BYTES]; /* the last that can tell why it failed */
};

static void driven_release(struct driven *d)
{
    if (d->pid > 0) {
        (void)spawn_signal_group(d->pid, SIGKILL);
        (void)waitpid(d->pid, NULL, 0);
    }
    stream_close(&d->out);
    stream_close(&d->log);
    fd_release(&d->pidfd);
    drive_nodes_free(d->nodes);
    arena_release(&d->line_arena);
}

static void say(const struct driven *d, enum log_level level, struct str text)
{
    d->listener->said(d->listener->ctx, STR_NONE, level, text);
}

/* -- listening -- */

/* One line of it, for an err. */
static void keep_words(struct driven *d, struct str text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < sizeof(d->words); i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c > ' ' || (len > 0 && d->words[len - 1] != ' ')) {
            d->words[len] = ' ';
            if (c > ' ') {
                d->words[len] = text.ptr[i];
            }
            len++;
        }
    }
    struct str words = str_trim((struct str){d->words, len});
    d->words[str_is_utf8(words) ? words.len : 0] = '\0';
}

static void note_words(struct driven *d, const struct dbt_log_event *event)
{
    bool is_error = event->level == LOG_ERROR && event->unique_id.len == 0;
    if (event->type == DBT_LOG_GAVE_UP) {
        d->gave_up = true;
        keep_words(d, event->text);
    } else if (!d->gave_up && (is_error || event->type == DBT_LOG_TEXT) &&
               str_trim(event->text).len > 0) {
        keep_words(d, event->text);
    }
}

static bool take_line(struct driven *d, struct str line, struct err *err)
{
    struct dbt_log_event event;
    arena_reset(&d->line_arena);
    if (!dbt_log_read(line, &d->line_arena, &event, err)) {
        return false;
    }
    note_words(d, &event);
    return drive_nodes_take(d->nodes, &event, clock_mono(&d->clock), err);
}

/* What is there. *ret_idle: nothing more. */
static bool hear(struct driven *d, struct stream *s, bool *ret_idle, struct err *err)
{
    for (int i = 0; i < LINES_A_TURN && !s->is_over; i++) {
        enum line_result result = LINE_IDLE;
        struct str line = STR_NONE;
        if (!line_source_next(&s->source, DBT_LOG_LINE_BYTES_MAX, 0, &result, &line, err)) {
            return false;
        }
        switch (result) {
        case LINE_TEXT:
            if (!take_line(d, line, err)) {
                return false;
            }
            break;
        case LINE_TOO_LONG:
            d->too_long++;
            break;
        case LINE_IDLE:
            return true;
        case LINE_END:
            stream_close(s);
            return true;
        }
    }
    *ret_idle = s->is_over;
    return true;
}

static bool hear_both(struct driven *d, bool *ret_idle, struct err *err)
{
    bool out_idle = true;
    bool log_idle = true;
    bool ok = hear(d, &d->out, &out_idle, err) && hear(d, &d->log, &log_idle, err);
    *ret_idle = out_idle && log_idle;
    return ok;
}

/* -- stopping -- */

static void stop(struct driven *d, enum err_code why, struct mono_time now)
{
    if (d->stop == ERR_NONE) {
        d->stop = why;
        d->kill_at.ns = now.ns + DBT_DRIVE_GRACE_MS * NS_PER_MS;
        (void)spawn_signal_group(d->pid, SIGINT);
    } else if (now.ns >= d->kill_at.ns) {
        (void)spawn_signal_group(d->pid, SIGKILL);
    }
}

static void look_whether_to_stop(struct driven *d)
{
    struct mono_time now = clock_mono(&d->clock);
    int64_t timeout_ns = d->options->timeout_ns;
    if (d->stop != ERR_NONE) {
        stop(d, d->stop, now);
    } else if (cancel_requested()) {
        say(d, LOG_INFO, STR("stopped on request; dbt is told to end"));
        stop(d, ERR_CANCELLED, now);
    } else if (timeout_ns > 0 && now.ns - d->started.ns >= timeout_ns) {
        say(d, LOG_WARN, STR("the time is up; dbt is told to end"));
        stop(d, ERR_TIMEOUT, now);
    }
}

/* Until it has ended and all that it wrote is heard. */
static void listen(struct driven *d)
{
    bool has_ended = false;
    while (!has_ended) {
        struct pollfd ends[] = {{.fd = d->pidfd.n, .events = POLLIN},
                                {.fd = d->out.is_over ? -1 : d->out.fd.n, .events = POLLIN},
                                {.fd = d->log.is_over ? -1 : d->log.fd.n, .events = POLLIN}};
        bool is_idle = true;
        (void)poll(ends, COUNT_OF(ends), LOOK_MS);
        bool was_over = (ends[0].revents & POLLIN) != 0;
        if (d->stop != ERR_IO && !hear_both(d, &is_idle, &d->trouble)) {
            stop(d, ERR_IO, clock_mono(&d->clock));
        }
        if (d->stop == ERR_IO) {
            stream_close(&d->out);
            stream_close(&d->log);
        }
        look_whether_to_stop(d);
        has_ended = was_over && is_idle;
    }
}

/* The group goes before its leader is reaped: until then its number is nobody else's. */
static void wait_for_end(struct driven *d)
{
    (void)spawn_signal_group(d->pid, SIGKILL);
    while (waitpid(d->pid, &d->wait_status, 0) < 0 && errno == EINTR) {
    }
    d->pid = 0;
}

/* -- its own record -- */

static bool reconcile(void *ctx, const struct dbt_outcome *outcome, struct err *err)
{
    return drive_nodes_reconcile(ctx, outcome, err);
}

static bool read_results(struct driven *d, int fd, struct err *err)
{
    char piece[16 << 10];
    AUTO(run_results) results;
    run_results_init(&results, reconcile, d->nodes);
    ssize_t got = 0;
    while ((got = read(fd, piece, sizeof(piece))) != 0) {
        if (got < 0 && errno != EINTR) {
            return err_errno(err, errno, "read run_results.json");
        }
        if (got > 0 && !run_results_read(&results, (struct str){piece, (size_t)got}, err)) {
            return false;
        }
    }
    if (results.too_long > 0) {
        char text[100];
        (void)snprintf(text, sizeof(text), "%lld results, longer than %d bytes, were passed over",
                       (long long)results.too_long, (int)RUN_RESULTS_ONE_BYTES_MAX);
        say(d, LOG_WARN, str_from(text));
    }
    return run_results_end(&results, err);
}

/* Without it the log alone counts. */
static void hold_against_results(struct driven *d, const struct drive_folder *folder)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    if (!files_join(folder->path, STR("run_results.json"), path, sizeof(path), &err)) {
        return;
    }
    AUTO(fd) file = {open(path, O_RDONLY | O_CLOEXEC)};
    if (file.n >= 0 && !read_results(d, file.n, &err)) {
        say(d, LOG_WARN, str_from(err.msg));
    }
    if (file.n < 0 && drive_nodes_counts(d->nodes).started > 0) {
        say(d, LOG_WARN, STR("dbt left no run_results.json: what its log says counts"));
    }
    if (d->too_long > 0) {
        char text[120];
        (void)snprintf(text, sizeof(text),
                       "%lld lines of dbt's log, longer than %d bytes, were passed over",
                       (long long)d->too_long, (int)DBT_LOG_LINE_BYTES_MAX);
        say(d, LOG_INFO, str_from(text));
    }
}

/* -- how it went -- */

static bool describe_exit(const struct driven *d, struct err *err)
{
    char status[64];
    spawn_describe_status(d->wait_status, status, sizeof(status));
    if (WIFSIGNALED(d->wait_status)) {
        err_set(err, ERR_IO, "dbt was %s", status);
        return err_hint(err, WTERMSIG(d->wait_status) == SIGKILL
                                 ? "somebody killed it; the kernel does so when memory runs out"
                                 : "its own words are in the step's log");
    }
    return err_set(err, ERR_IO, "dbt ended with %s: %s", status,
                   d->words[0] == '\0' ? "it does not say why" : d->words);
}

/* False: it did not run through. */
static bool judge(const struct driven *d, struct err *err)
{
    bool is_known = WIFEXITED(d->wait_status) && WEXITSTATUS(d->wait_status) <= 1;
    if (d->stop == ERR_CANCELLED) {
        return err_set(err, ERR_CANCELLED, "stopped on request");
    }
    if (d->stop == ERR_TIMEOUT) {
        char text[40];
        struct buf duration = buf_fixed(text, sizeof(text));
        buf_add_duration(&duration, d->options->timeout_ns);
        return err_set(err, ERR_TIMEOUT, "dbt ran longer than " STR_FMT,
                       STR_ARG(buf_str(&duration)));
    }
    if (d->stop == ERR_IO) {
        *err = d->trouble;
        return err_wrap(err, "listen to dbt");
    }
    return is_known || describe_exit(d, err);
}

static bool sum_up(struct driven *d, const struct drive_folder *folder, struct drive_counts *ret,
                   struct err *err)
{
    struct err why = {0};
    hold_against_results(d, folder);
    bool ran_through = judge(d, &why);
    drive_nodes_end(d->nodes, ran_through ? NULL : &why, clock_mono(&d->clock));
    *ret = drive_nodes_counts(d->nodes);
    if (ran_through && WEXITSTATUS(d->wait_status) == 1 && ret->failed == 0) {
        ran_through = describe_exit(d, &why); /* and no node is why */
    }
    /* Not of one that was killed before it ran a node: it may be half of it. */
    if (ran_through || ret->ended > 0) {
        drive_folder_keep_cache(folder);
    }
    if (!ran_through) {
        *err = why;
    }
    return ran_through;
}

/* -- starting -- */

static bool start(struct driven *d, const struct dbt_command *command, struct arena *arena,
                  struct err *err)
{
    int out[2];
    int log[2];
    if (!spawn_pipe(out, false, err)) {
        return false;
    }
    AUTO(fd) out_end = {out[1]};
    d->out.fd.n = out[0];
    if (!spawn_pipe(log, false, err)) {
        return false;
    }
    AUTO(fd) log_end = {log[1]};
    d->log.fd.n = log[0];
    d->out.source = (struct line_source){.fd = out[0]};
    d->log.source = (struct line_source){.fd = log[0]};
    const struct spawn_options options = {.argv = command->argv,
                                          .envp = command->envp,
                                          .cwd = arena_cstr(arena, d->options->project_dir),
                                          .stdin_fd = -1,
                                          .stdout_fd = out_end.n,
                                          .stderr_fd = log_end.n,
                                          .message_fd = -1};
    return spawn_process(&options, &d->pid, &d->pidfd.n, err);
}

static bool run(struct driven *d, const struct drive_folder *folder, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct dbt_command command;
    if (!dbt_command_make(d->options, folder->path, &arena, &command, err)) {
        return false;
    }
    cancel_allow(DBT_DRIVE_GRACE_MS + LAST_MS);
    if (!start(d, &command, &arena, err)) {
        return false;
    }
    char text[LIMIT_PATH_BYTES + 80];
    (void)snprintf(text, sizeof(text), "driving %s, process %d", command.argv[0], (int)d->pid);
    say(d, LOG_INFO, str_from(text));
    listen(d);
    wait_for_end(d);
    return true;
}

bool dbt_drive(const struct dbt_drive *drive, const struct node_listener *listener,
               struct drive_counts *ret_counts, struct err *err)
{
    AUTO(drive_folder) folder;
    AUTO(driven)
    d = {.options = drive,
         .listener = listener,
         .clock = clock_system(),
         .line_arena = arena_new(LINE_ARENA_BYTES),
         .out = {.fd = {-1}},
         .log = {.fd = {-1}},
         .pidfd = {-1}};
    *ret_counts = (struct drive_counts){0};
    d.started = clock_mono(&d.clock);
    return drive_folder_open(&folder, drive->state_dir, drive->project_dir, err) &&
           drive_nodes_new(listener, &d.nodes, err) && run(&d, &folder, err) &&
           sum_up(&d, &folder, ret_counts, err);
}
