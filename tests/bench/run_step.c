/* run_step STATE_DIR RUNS STAMP - runs of one trivial step through agent/run, one after the other, each
 * durable when it has ended; and in turn, without a run, the same program spawned and waited for,
 * and a page written to the disk twice.
 * Prints the medians, also of how often a run called fdatasync(): its commits. Then as many runs of
 * STAMP, which tells when it began: the time from the request to the program's first instruction. */
#include "agent/run/runner.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char trivial[] = "/bin/true";
static const char definitions_text[] = "project: bench\n"
                                       "assets:\n"
                                       "  - {key: pos/trivial, run: [/bin/true]}\n"
                                       "  - {key: pos/stamp, run: [\"%s\", \"%s/stamp\"]}\n";

static int64_t synced;

/* In the place of libc's: SQLite's commits come by here. */
int fdatasync(int fildes)
{
    synced++;
    return (int)syscall(SYS_fdatasync, fildes);
}

struct bench {
    struct loop *loop;
    struct rng rng;
    struct store *store;
    struct definitions *defs;
    struct runner *runner;
    bool has_ended;
};

static void on_recorded(void *ctx, int64_t last_seq)
{
    (void)ctx;
    (void)last_seq;
}

static void on_run_ended(void *ctx, const struct run_end *end)
{
    struct bench *b = ctx;
    if (end->state != RUN_SUCCESS) {
        bench_die("run " STR_FMT " did not succeed", STR_ARG(end->run));
    }
    b->has_ended = true;
}

static bool no_variable(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    (void)name;
    (void)ret_value;
    return false;
}

static void open_all(struct bench *b, const char *state_dir, const char *stamp)
{
    AUTO(buf) text = buf_growing(4096);
    struct err err = {0};
    struct clock clock = clock_system();
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/agent.db", state_dir);
    b->rng = rng_system();
    bench_check(loop_open(&b->loop, clock, &err), &err);
    const struct store_options store = {
        .path = path, .quota_bytes = 64 << 20, .history_bytes = 16 << 20, .rng = &b->rng};
    bench_check(store_open(&b->store, &store, clock_wall(&clock), NULL, &err), &err);

    AUTO(arena) arena = arena_new(1 << 20);
    struct problems problems = {.arena = &arena};
    struct definitions_files files = definitions_system_files();
    buf_addf(&text, definitions_text, stamp, state_dir);
    bench_check(
        definitions_parse(buf_str(&text), STR("selvedge.yaml"), &files, &problems, &b->defs, &err),
        &err);
    static const struct env_lookup env = {.get = no_variable};
    const struct runner_options options = {.loop = b->loop,
                                           .rng = &b->rng,
                                           .store = b->store,
                                           .defs = b->defs,
                                           .state_dir = state_dir,
                                           .worker = "/bin/false",
                                           .env = &env,
                                           .steps_max = 2,
                                           .runs_max = 2,
                                           .retention = {.runs = 1000, .output_bytes = 1 << 28},
                                           .on_recorded = on_recorded,
                                           .on_run_ended = on_run_ended,
                                           .ctx = b};
    bench_check(runner_open(&b->runner, &options, &err), &err);
}

static int64_t run_once(struct bench *b, uint32_t asset)
{
    const struct run_request request = {
        .assets = &asset, .asset_count = 1, .cause = STR("manual"), .selection = STR("*")};
    char id[UUID_TEXT_SIZE];
    struct err err = {0};
    b->has_ended = false;
    struct bench_counters start = bench_now();
    bench_check(runner_enqueue(b->runner, &request, id, &err), &err);
    while (!b->has_ended) {
        bench_check(loop_turn(b->loop, -1, &err), &err);
    }
    return bench_now().wall_ns - start.wall_ns;
}

static int64_t spawn_once(void)
{
    const char *const argv[] = {trivial, NULL};
    const char *const envp[] = {NULL};
    const struct spawn_options options = {.argv = argv,
                                          .envp = envp,
                                          .stdin_fd = -1,
                                          .stdout_fd = -1,
                                          .stderr_fd = -1,
                                          .message_fd = -1};
    struct err err = {0};
    pid_t pid = 0;
    int pidfd = -1;
    struct bench_counters start = bench_now();
    bench_check(spawn_process(&options, &pid, &pidfd, &err), &err);
    (void)waitpid(pid, NULL, 0);
    int64_t ns = bench_now().wall_ns - start.wall_ns;
    (void)close(pidfd);
    return ns;
}

static int64_t sync_twice(int fd)
{
    static const char page[4096];
    struct bench_counters start = bench_now();
    for (int i = 0; i < 2; i++) {
        if (pwrite(fd, page, sizeof(page), 0) != sizeof(page) || syscall(SYS_fdatasync, fd) != 0) {
            bench_die("a page cannot be written");
        }
    }
    return bench_now().wall_ns - start.wall_ns;
}

/* From the request to the first instruction of the step's program. */
static int64_t stamp_once(struct bench *b, const char *state_dir)
{
    char path[512];
    AUTO(buf) text = buf_growing(64);
    struct err err = {0};
    int64_t began = 0;
    struct bench_counters start = bench_now();
    (void)run_once(b, 1);
    (void)snprintf(path, sizeof(path), "%s/stamp", state_dir);
    bench_check(files_read(path, &text, &err), &err);
    if (!str_to_i64(str_trim(buf_str(&text)), 0, INT64_MAX, &began)) {
        bench_die("%s holds no time", path);
    }
    return began - start.wall_ns;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t median(int64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    return times[count / 2];
}

static void close_all(struct bench *b)
{
    runner_close(b->runner);
    definitions_close(b->defs);
    store_close(b->store);
    loop_close(b->loop);
}

int main(int argc, char **argv)
{
    size_t runs = (size_t)bench_count_arg(argc, argv, 2);
    int64_t *times = calloc(4 * runs, sizeof(*times));
    if (times == NULL) {
        bench_die("out of memory");
    }
    int64_t *run = times;
    int64_t *commits = run + runs;
    int64_t *spawn = commits + runs;
    int64_t *sync = spawn + runs;
    struct bench b = {0};
    open_all(&b, bench_text_arg(argc, argv, 1), bench_text_arg(argc, argv, 3));
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/page", argv[1]);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i < runs; i++) {
        int64_t before = synced;
        run[i] = run_once(&b, 0);
        commits[i] = synced - before;
        spawn[i] = spawn_once();
        sync[i] = sync_twice(fd);
    }
    bench_print("run_ns", median(run, runs));
    bench_print("commits", median(commits, runs));
    bench_print("spawn_ns", median(spawn, runs));
    bench_print("sync_ns", median(sync, runs));
    (void)close(fd);
    for (size_t i = 0; i < runs; i++) {
        run[i] = stamp_once(&b, argv[1]);
    }
    bench_print("exec_p50_ns", median(run, runs));
    bench_print("exec_p99_ns", run[(runs - 1) * 99 / 100]);
    close_all(&b);
    free(times);
    return 0;
}
