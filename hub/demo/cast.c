#include "hub/demo/cast.h"

#include "common/base/buf.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_BYTES_MAX = 1 << 20, HINT_BYTES = 180 };
#define TOOL_NS (60 * NS_PER_SEC)
#define END_NS  (15 * NS_PER_SEC) /* then KILL */

/* --- processes -------------------------------------------------------------------------------- */

static void on_actor_exit(void *ctx, int wait_status)
{
    struct actor *actor = ctx;
    actor->is_running = false;
    actor->has_died = true;
    actor->wait_status = wait_status;
}

static bool open_log(const struct cast *cast, const char *name, const char *suffix, struct fd *ret,
                     struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/%s.%s", cast->dir, name, suffix);
    ret->n = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return ret->n >= 0 || err_errno(err, errno, "open %s", path);
}

/* What it prints goes to <dir>/<name>.out and <name>.log. */
static bool start(struct cast *cast, struct actor *actor, const char *name,
                  const char *const argv[], struct err *err)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv */
    const char *path = getenv("PATH");
    char path_entry[4096];
    (void)snprintf(path_entry, sizeof(path_entry), "PATH=%s",
                   path != NULL ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
    const char *const envp[] = {path_entry, NULL};
    AUTO(fd) out = {-1};
    AUTO(fd) log = {-1};
    if (!open_log(cast, name, "out", &out, err) || !open_log(cast, name, "log", &log, err)) {
        return false;
    }
    struct spawn_options options = {.argv = argv,
                                    .envp = envp,
                                    .stdin_fd = -1,
                                    .stdout_fd = out.n,
                                    .stderr_fd = log.n,
                                    .message_fd = -1};
    pid_t pid = 0;
    int pidfd = -1;
    if (!spawn_process(&options, &pid, &pidfd, err)) {
        return false;
    }
    *actor = (struct actor){.is_running = true};
    (void)snprintf(actor->name, sizeof(actor->name), "%s", name);
    actor->child = (struct loop_child){.on_exit = on_actor_exit, .ctx = actor};
    return loop_child_watch(cast->loop, &actor->child, pid, pidfd, err);
}

/* Turns the loop until the program has ended; false at the time-out. */
static bool wait_end(struct cast *cast, struct actor *actor, int64_t limit_ns)
{
    struct err err = {0};
    int64_t end = clock_mono(loop_clock(cast->loop)).ns + limit_ns;
    while (actor->is_running && clock_mono(loop_clock(cast->loop)).ns < end) {
        if (!loop_turn(cast->loop, 100 * NS_PER_MS, &err)) {
            return false;
        }
    }
    return !actor->is_running;
}

static void end(struct cast *cast, struct actor *actor)
{
    if (actor->is_running && !wait_end(cast, actor, END_NS)) {
        spawn_signal_group(actor->child.pid, SIGKILL);
        (void)wait_end(cast, actor, END_NS);
    }
}

static void read_output(const struct cast *cast, const char *name, const char *suffix,
                        struct buf *out)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s.%s", cast->dir, name, suffix);
    if (!files_read(path, out, &err)) {
        buf_reset(out); /* it said nothing */
    }
}

/* The last line that a program said: the reason why it ended, as a rule. */
static void add_last_words(const struct cast *cast, const char *name, struct err *err)
{
    AUTO(buf) log = buf_growing(64 << 20);
    struct str rest = STR_NONE;
    struct str last = STR_NONE;
    read_output(cast, name, "log", &log);
    (void)str_cut_last(str_trim(buf_str(&log)), '\n', &rest, &last);
    (void)err_hint(err, "it said: " STR_FMT, STR_ARG(str_slice(last, 0, HINT_BYTES)));
}

/* Runs a program to its end; what it printed is appended to `out` (may be NULL). */
static bool run_tool(struct cast *cast, const char *name, const char *const argv[], struct buf *out,
                     struct err *err)
{
    struct actor tool = {0};
    if (!start(cast, &tool, name, argv, err)) {
        return false;
    }
    if (!wait_end(cast, &tool, TOOL_NS)) {
        spawn_signal_group(tool.child.pid, SIGKILL);
        (void)wait_end(cast, &tool, END_NS);
        return err_set(err, ERR_TIMEOUT, "%s took longer than %lld s", name,
                       (long long)(TOOL_NS / NS_PER_SEC));
    }
    if (tool.wait_status != 0) {
        char how[64];
        spawn_describe_status(tool.wait_status, how, sizeof(how));
        (void)err_set(err, ERR_INTERNAL, "%s: %s", name, how);
        add_last_words(cast, name, err);
        return false;
    }
    if (out != NULL) {
        read_output(cast, name, "out", out);
    }
    return true;
}

/* --- the stage -------------------------------------------------------------------------------- */

/* The folder of the program that this is. */
static bool find_programs(struct cast *cast, struct err *err)
{
    char self[sizeof(cast->bin)];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct str dir = STR_NONE;
    struct str name = STR_NONE;
    if (len <= 0 || !str_cut_last((struct str){self, (size_t)len}, '/', &dir, &name)) {
        return err_set(err, ERR_NOT_FOUND, "find the programs: /proc/self/exe cannot be read");
    }
    (void)snprintf(cast->bin, sizeof(cast->bin), STR_FMT, STR_ARG(dir));
    return true;
}

bool cast_has_agent(const struct cast *cast, struct err *err)
{
    char agent[LIMIT_PATH_BYTES + 1];
    (void)snprintf(agent, sizeof(agent), "%s/selvedge-agent", cast->bin);
    if (!files_exist(agent)) {
        (void)err_set(err, ERR_NOT_FOUND,
                      "the demo needs selvedge-agent beside selvedge-hub: %s is not there", agent);
        return err_hint(err, "install the package selvedge-agent too");
    }
    return true;
}

bool cast_open(struct cast *cast, struct loop *loop, const char *name, const char *dir,
               struct err *err)
{
    *cast = (struct cast){.loop = loop, .name = name};
    if (dir == NULL) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): as above */
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(cast->dir, sizeof(cast->dir), "%s/selvedge-%s-XXXXXX",
                       tmp != NULL ? tmp : "/tmp", name);
        if (mkdtemp(cast->dir) == NULL) {
            return err_errno(err, errno, "make a folder like %s", cast->dir);
        }
    } else {
        (void)snprintf(cast->dir, sizeof(cast->dir), "%s", dir);
        if (!files_make_dirs(cast->dir, 0750, err)) {
            return false;
        }
    }
    (void)snprintf(cast->hub_dir, sizeof(cast->hub_dir), "%s/hub", cast->dir);
    (void)snprintf(cast->hub_db, sizeof(cast->hub_db), "%s/hub.db", cast->hub_dir);
    return find_programs(cast, err) && free_port(&cast->port, err) &&
           free_port(&cast->enrol_port, err);
}

void cast_close(struct cast *cast, bool keep)
{
    struct err err = {0};
    for (size_t i = 0; i < cast->agent_count; i++) {
        if (cast->agents[i].is_running) {
            spawn_signal_group(cast->agents[i].child.pid, SIGTERM);
        }
    }
    for (size_t i = 0; i < cast->agent_count; i++) {
        end(cast, &cast->agents[i]);
    }
    if (cast->hub.is_running) {
        spawn_signal_group(cast->hub.child.pid, SIGTERM);
    }
    end(cast, &cast->hub);
    relay_close(cast->relay);
    cast->relay = NULL;
    if (!keep && cast->dir[0] != '\0' && !files_remove_tree(cast->dir, &err)) {
        LOG(WARN, "demo.folder_kept", F_T("path", cast->dir), F_ERR(&err));
    }
}

/* --- the hub ---------------------------------------------------------------------------------- */

/* On a port of its own: somebody's hub, or another demo, may have the usual one. */
static bool write_web(const struct cast *cast, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(8192);
    int port = 0;
    (void)snprintf(path, sizeof(path), "%s/hub.yaml", cast->hub_dir);
    if (!files_read(path, &text, err) || (cast->has_web && !free_port(&port, err))) {
        return false;
    }
    if (cast->has_web) {
        buf_addf(&text, "http: {port: %d}\n", port);
    } else {
        buf_add(&text, STR("http: off\n"));
    }
    return files_write(path, buf_str(&text), 0640, err);
}

bool cast_start_hub(struct cast *cast, struct err *err)
{
    char program[LIMIT_PATH_BYTES + 1];
    char port[16];
    char enrol_port[16];
    (void)snprintf(program, sizeof(program), "%s/selvedge-hub", cast->bin);
    (void)snprintf(port, sizeof(port), "%d", cast->port);
    (void)snprintf(enrol_port, sizeof(enrol_port), "%d", cast->enrol_port);
    const char *const init[] = {program,        "init",     "--state-dir", cast->hub_dir, "--fleet",
                                cast->name,     "--host",   "127.0.0.1",   "--port",      port,
                                "--enrol-port", enrol_port, "--bind",      "127.0.0.1",   NULL};
    const char *const serve[] = {program, "serve", "--state-dir", cast->hub_dir, NULL};
    return run_tool(cast, "init", init, NULL, err) && write_web(cast, err) &&
           relay_open(&cast->relay, cast->loop, cast->port, err) &&
           start(cast, &cast->hub, "hub", serve, err);
}

bool cast_hub_is_ready(struct cast *cast)
{
    AUTO(buf) log = buf_growing(OUTPUT_BYTES_MAX);
    read_output(cast, "hub", "log", &log);
    return str_contains(buf_str(&log), STR("hub.online"));
}

bool cast_web_link(struct cast *cast, struct buf *ret)
{
    AUTO(buf) log = buf_growing(OUTPUT_BYTES_MAX);
    struct str line = STR_NONE;
    struct str link = STR_NONE;
    read_output(cast, "hub", "log", &log);
    struct str rest = buf_str(&log);
    while (str_cut(rest, '\n', &line, &rest)) {
        if (str_contains(line, STR("event=web.setup open=\"")) &&
            str_cut(line, '"', &link, &line) && str_cut(line, '"', &link, &line)) {
            buf_add(ret, link);
            return true;
        }
    }
    return false;
}

bool cast_show_report(struct cast *cast, struct cli *cli, struct err *err)
{
    char program[LIMIT_PATH_BYTES + 1];
    (void)snprintf(program, sizeof(program), "%s/selvedge-hub", cast->bin);
    const char *const argv[] = {program, "report", "--state-dir", cast->hub_dir, NULL};
    AUTO(buf) text = buf_growing(OUTPUT_BYTES_MAX);
    if (!run_tool(cast, "report", argv, &text, err)) {
        return false;
    }
    cli_printf(cli, "\n" STR_FMT "\n", STR_ARG(buf_str(&text)));
    return true;
}

/* --- devices ---------------------------------------------------------------------------------- */

static bool write_settings(const struct cast *cast, const char *dir, bool over_relay,
                           struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(8192);
    (void)snprintf(path, sizeof(path), "%s/agent.yaml", dir);
    buf_addf(
        &text,
        "state_dir: %s/state\ndefinitions: %s/selvedge.yaml\nreconnect_max: 2s\nkeepalive_s: 5\n",
        dir, dir);
    if (over_relay) {
        buf_addf(&text, "hub_host: 127.0.0.1\nhub_port: %d\n", relay_port(cast->relay));
    }
    return files_write(path, buf_str(&text), 0640, err);
}

bool cast_enrol(struct cast *cast, const char *device, const char *dir, bool is_cut_later,
                struct err *err)
{
    char hub[LIMIT_PATH_BYTES + 1];
    char agent[LIMIT_PATH_BYTES + 1];
    char config[LIMIT_PATH_BYTES + 1];
    (void)snprintf(hub, sizeof(hub), "%s/selvedge-hub", cast->bin);
    (void)snprintf(agent, sizeof(agent), "%s/selvedge-agent", cast->bin);
    (void)snprintf(config, sizeof(config), "%s/agent.yaml", dir);
    AUTO(buf) token = buf_growing(4096);
    const char *const create[] = {hub,    "token",       "create",      "--label",
                                  device, "--state-dir", cast->hub_dir, NULL};
    if (!write_settings(cast, dir, is_cut_later, err) ||
        !run_tool(cast, "token", create, &token, err)) {
        return false;
    }
    struct str text = str_trim(buf_str(&token));
    token.len = text.len;
    const char *const enroll[] = {agent,  "enroll",   buf_cstr(&token), "--name",
                                  device, "--config", config,           NULL};
    return run_tool(cast, "enroll", enroll, NULL, err);
}

bool cast_start_agent(struct cast *cast, const char *device, const char *dir, struct err *err)
{
    char agent[LIMIT_PATH_BYTES + 1];
    char config[LIMIT_PATH_BYTES + 1];
    (void)snprintf(agent, sizeof(agent), "%s/selvedge-agent", cast->bin);
    (void)snprintf(config, sizeof(config), "%s/agent.yaml", dir);
    const char *const argv[] = {agent, "daemon", "--config", config, NULL};
    if (cast->agent_count == CAST_AGENTS_MAX) {
        return err_set(err, ERR_FULL, "at most %d devices", CAST_AGENTS_MAX);
    }
    return start(cast, &cast->agents[cast->agent_count++], device, argv, err);
}

void cast_cut_network(struct cast *cast, bool is_cut)
{
    relay_cut(cast->relay, is_cut);
}

static bool is_well(const struct cast *cast, const struct actor *actor, struct err *err)
{
    if (!actor->has_died) {
        return true;
    }
    char how[64];
    spawn_describe_status(actor->wait_status, how, sizeof(how));
    (void)err_set(err, ERR_INTERNAL, "%s has ended: %s", actor->name, how);
    add_last_words(cast, actor->name, err);
    return false;
}

bool cast_is_well(struct cast *cast, struct err *err)
{
    for (size_t i = 0; i < cast->agent_count; i++) {
        if (!is_well(cast, &cast->agents[i], err)) {
            return false;
        }
    }
    return is_well(cast, &cast->hub, err);
}
