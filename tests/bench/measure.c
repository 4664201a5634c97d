/* measure PROGRAM ARGUMENT... - runs a program (its stdout goes nowhere) and says what it took. Small
 * itself, because a child's peak memory counts from before its exec. */
#include "common/base/time.h"
#include "common/platform/spawn.h"
#include "tests/bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int64_t ns(struct timeval t)
{
    return t.tv_sec * NS_PER_SEC + t.tv_usec * NS_PER_US;
}

int main(int argc, char **argv)
{
    (void)bench_text_arg(argc, argv, 1);
    const struct spawn_options options = {.argv = (const char *const *)(void *)(argv + 1),
                                          .envp = (const char *const *)(void *)environ,
                                          .stdin_fd = STDIN_FILENO,
                                          .stdout_fd = -1,
                                          .stderr_fd = STDERR_FILENO,
                                          .message_fd = -1};
    struct err err = {0};
    pid_t pid = 0;
    int pidfd = -1;
    struct bench_counters start = bench_now();
    bench_check(spawn_process(&options, &pid, &pidfd, &err), &err);
    int status = 0;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) != pid) {
        bench_die("wait4: %s", strerror(errno)); /* NOLINT(concurrency-mt-unsafe): one thread */
    }
    struct bench_counters end = bench_now();
    if (status != 0) {
        char how[64];
        spawn_describe_status(status, how, sizeof(how));
        bench_die("%s: %s", argv[1], how);
    }
    bench_print("started_ns", start.wall_ns);
    bench_print("wall_ns", end.wall_ns - start.wall_ns);
    bench_print("cpu_ns", ns(usage.ru_utime) + ns(usage.ru_stime));
    bench_print("peak_bytes", (int64_t)usage.ru_maxrss * 1024);
    return 0;
}
