#include "hub/broker/broker.h"

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/model/backoff.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CONFIG_BYTES_MAX = 64 << 10,
    REVOKED_BYTES_MAX = 8 << 20,
    LINE_BYTES_MAX = 4096,
    STOP_MS = 5000
};
#define RESTART_BASE_NS (200 * NS_PER_MS)
#define RESTART_MAX_NS  (10 * NS_PER_SEC)
#define STEADY_NS       (30 * NS_PER_SEC) /* a run this long forgets earlier failures */

struct broker {
    struct loop *loop;
    const struct rng *rng;
    struct broker_options options;
    struct broker_handlers handlers;
    char program[LIMIT_PATH_BYTES + 1];
    char dir[LIMIT_PATH_BYTES + 1];
    char fleet[LIMIT_NAME_BYTES + 1];
    struct loop_child child;
    struct loop_fd log_source;
    struct fd log_pipe;
    struct buf log;
    struct broker_reader reader;
    struct broker_clients clients;
    bool is_restarting; /* on purpose */
    struct loop_timer restart_timer;
    struct mono_time started;
    int failures;
    bool is_running;
};

static void schedule_restart(struct broker *b);
static void on_restart(void *ctx);

/* --- its log ---------------------------------------------------------------------------- */

static void close_log(struct broker *b)
{
    loop_fd_remove(b->loop, &b->log_source);
    fd_release(&b->log_pipe);
    b->log_pipe.n = -1;
    buf_reset(&b->log);
}

static void on_log(void *ctx, unsigned events)
{
    (void)events;
    struct broker *b = ctx;
    char bytes[32768];
    ssize_t len = read(b->log_pipe.n, bytes, sizeof(bytes));
    if (len <= 0) {
        if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_log(b);
        }
        return;
    }
    struct str rest = {bytes, (size_t)len};
    struct str line = STR_NONE;
    struct str tail = STR_NONE;
    while (str_cut(rest, '\n', &line, &tail)) {
        struct broker_line note;
        struct broker_client_line client;
        buf_add(&b->log, line);
        broker_read_client(buf_str(&b->log), &client);
        broker_clients_take(&b->clients, &client);
        if (client.type != BROKER_CLIENT_NONE && b->handlers.on_client != NULL) {
            b->handlers.on_client(b->handlers.ctx, &client);
        }
        broker_read_line(&b->reader, buf_str(&b->log), str_from(b->fleet), &note);
        if (note.note != BROKER_NOTE_NONE) {
            b->handlers.on_note(b->handlers.ctx, &note);
        }
        buf_reset(&b->log);
        rest = tail;
    }
    buf_add(&b->log, rest);
    if (b->log.overflow) {
        buf_reset(&b->log);
    }
}

/* --- its process ------------------------------------------------------------------------ */

static void on_exit_status(void *ctx, int wait_status)
{
    struct broker *b = ctx;
    char how[64];
    spawn_describe_status(wait_status, how, sizeof(how));
    b->is_running = false;
    broker_clients_clear(&b->clients);
    if (b->is_restarting) {
        b->is_restarting = false;
        on_restart(b);
        return;
    }
    if (loop_now(b->loop).ns - b->started.ns > STEADY_NS) {
        b->failures = 0;
    }
    b->failures++;
    LOG(ERROR, "broker.ended", F_T("how", how), F_T("action", "starting it again"));
    schedule_restart(b);
}

static bool spawn_broker(struct broker *b, struct err *err)
{
    char config[LIMIT_PATH_BYTES + 40];
    (void)snprintf(config, sizeof(config), "%s/mosquitto.conf", b->dir);
    /* The kernel ends the broker when the hub is killed: its ports must be free for the next one.
     */
    const char *const argv[] = {"setpriv",  "--pdeathsig", "TERM", "--",
                                b->program, "-c",          config, NULL};
    const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    int ends[2];
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    close_log(b);
    b->log_pipe.n = ends[0];
    AUTO(fd) child_end = {ends[1]};
    b->log_source = (struct loop_fd){.fd = ends[0], .on_ready = on_log, .ctx = b};
    struct spawn_options spawn = {.argv = argv,
                                  .envp = envp,
                                  .stdin_fd = -1,
                                  .stdout_fd = -1,
                                  .stderr_fd = child_end.n,
                                  .message_fd = -1};
    pid_t pid = 0;
    int pidfd = -1;
    if (!loop_fd_watch(b->loop, &b->log_source, LOOP_READ, err) ||
        !spawn_process(&spawn, &pid, &pidfd, err)) {
        return false;
    }
    b->child = (struct loop_child){.on_exit = on_exit_status, .ctx = b};
    b->started = loop_now(b->loop);
    if (!loop_child_watch(b->loop, &b->child, pid, pidfd, err)) {
        spawn_signal_group(pid, SIGKILL); /* nobody would hear of its end */
        (void)waitpid(pid, NULL, 0);
        return false;
    }
    b->is_running = true;
    return true;
}

/* A connection is a descriptor, and the usual soft limit of 1024 is a small fleet: the broker gets
 * what the hard limit allows. */
static void raise_open_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void on_restart(void *ctx)
{
    struct broker *b = ctx;
    struct err err = {0};
    if (!spawn_broker(b, &err)) {
        b->failures++;
        LOG(ERROR, "broker.start_failed", F_ERR(&err), F_T("action", "trying again"));
        schedule_restart(b);
    }
}

static void schedule_restart(struct broker *b)
{
    int64_t wait =
        reconnect_delay_ns(RESTART_BASE_NS, RESTART_MAX_NS, b->failures, rng_u64(b->rng));
    loop_timer_arm_in(b->loop, &b->restart_timer, wait);
}

/* --- its files -------------------------------------------------------------------------- */

static bool write_file(const struct broker *b, const char *name, const struct buf *text,
                       struct err *err)
{
    char path[LIMIT_PATH_BYTES + 40];
    (void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    if (text->overflow) {
        return err_set(err, ERR_FULL, "%s would be larger than %d bytes", path, CONFIG_BYTES_MAX);
    }
    return files_write(path, buf_str(text), 0640, err);
}

static bool write_files(const struct broker *b, struct err *err)
{
    AUTO(buf) config = buf_growing(CONFIG_BYTES_MAX);
    AUTO(buf) devices = buf_growing(CONFIG_BYTES_MAX);
    AUTO(buf) enrolment = buf_growing(CONFIG_BYTES_MAX);
    AUTO(buf) revoked = buf_growing(REVOKED_BYTES_MAX);
    broker_write_config(&config, &b->options);
    broker_write_device_acl(&devices, b->options.fleet);
    broker_write_enrol_acl(&enrolment, b->options.fleet);
    buf_add(&revoked, b->options.revoked);
    return write_file(b, "revoked.pem", &revoked, err) &&
           write_file(b, "mosquitto.conf", &config, err) &&
           write_file(b, "devices.acl", &devices, err) &&
           write_file(b, "enrolment.acl", &enrolment, err);
}

bool broker_start(struct broker **ret, struct loop *loop, const struct rng *rng,
                  const struct broker_options *options, const struct broker_handlers *handlers,
                  struct err *err)
{
    struct broker *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the broker: out of memory");
    }
    *b = (struct broker){
        .loop = loop, .rng = rng, .options = *options, .handlers = *handlers, .log_pipe = {-1}};
    (void)snprintf(b->program, sizeof(b->program), "%s", options->program);
    (void)snprintf(b->dir, sizeof(b->dir), "%s", options->dir);
    (void)snprintf(b->fleet, sizeof(b->fleet), STR_FMT, STR_ARG(options->fleet));
    b->log = buf_growing(LINE_BYTES_MAX);
    b->options.program = b->program;
    b->options.dir = b->dir;
    b->options.fleet = str_from(b->fleet);
    b->restart_timer = (struct loop_timer){.on_due = on_restart, .ctx = b};
    raise_open_files();
    bool ok = write_files(b, err);
    b->options.revoked = STR_NONE; /* not ours for longer */
    if (!ok || !spawn_broker(b, err)) {
        if (err->code == ERR_NOT_FOUND) {
            (void)err_hint(err, "install the package mosquitto, or set broker: in hub.yaml");
        }
        broker_stop(b);
        return false;
    }
    *ret = b;
    return true;
}

/* mosquitto without persistence ends at once; one that does not is killed. */
static void end_process(struct broker *b)
{
    struct pollfd end = {.fd = b->child.watch.fd, .events = POLLIN};
    spawn_signal_group(b->child.pid, SIGTERM);
    if (poll(&end, 1, STOP_MS) <= 0) {
        LOG(WARN, "broker.does_not_end", F_I("pid", b->child.pid), F_T("action", "killing it"));
        spawn_signal_group(b->child.pid, SIGKILL);
    }
    (void)waitpid(b->child.pid, NULL, 0);
    loop_child_remove(b->loop, &b->child);
}

void broker_stop(struct broker *b)
{
    if (b == NULL) {
        return;
    }
    loop_timer_disarm(b->loop, &b->restart_timer);
    /* The log first: nobody reads it from here on, and a broker that waits for us to take what it
     * says would never end. */
    close_log(b);
    if (b->is_running) {
        end_process(b);
    }
    broker_clients_clear(&b->clients);
    buf_release(&b->log);
    free(b);
}

int broker_pid(const struct broker *b)
{
    return b->is_running ? b->child.pid : 0;
}

const struct broker_clients *broker_clients(const struct broker *b)
{
    return &b->clients;
}

bool broker_set_revoked(struct broker *b, struct str revoked, struct err *err)
{
    AUTO(buf) text = buf_growing(REVOKED_BYTES_MAX);
    buf_add(&text, revoked);
    if (!write_file(b, "revoked.pem", &text, err)) {
        return false;
    }
    broker_reload(b);
    return true;
}

void broker_reload(struct broker *b)
{
    if (b->is_running) {
        (void)kill(b->child.pid, SIGHUP);
    }
}

void broker_restart(struct broker *b)
{
    if (b->is_running && !b->is_restarting) {
        b->is_restarting = true;
        spawn_signal_group(b->child.pid, SIGTERM);
    }
}
