/* ready SOCKET PROGRAM ARGUMENT... - starts a service and waits for its READY=1 (sd_notify) at
 * SOCKET; prints how long that took from posix_spawn, then ends it. */
#include "common/platform/spawn.h"
#include "tests/bench/bench.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        bench_die("%s: too long for a socket", path);
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        bench_die("%s: cannot listen", path);
    }
    return fd;
}

static void wait_until_ready(int fd)
{
    char text[4096];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t len = poll(&p, 1, PATIENCE_MS) == 1 ? recv(fd, text, sizeof(text), 0) : -1;
        if (len < 0) {
            bench_die("not ready within %d ms", PATIENCE_MS);
        }
        if (str_contains((struct str){text, (size_t)len}, STR("READY=1"))) {
            return;
        }
    }
}

int main(int argc, char **argv)
{
    char variable[256];
    (void)snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%s", bench_text_arg(argc, argv, 1));
    (void)bench_text_arg(argc, argv, 2);
    const char *const envp[] = {"PATH=/usr/bin:/bin", variable, NULL};
    const struct spawn_options options = {.argv = (const char *const *)(void *)(argv + 2),
                                          .envp = envp,
                                          .stdin_fd = -1,
                                          .stdout_fd = -1,
                                          .stderr_fd = -1,
                                          .message_fd = -1};
    int fd = listen_at(argv[1]);
    struct err err = {0};
    pid_t pid = 0;
    int pidfd = -1;
    struct bench_counters start = bench_now();
    bench_check(spawn_process(&options, &pid, &pidfd, &err), &err);
    wait_until_ready(fd);
    bench_print("ready_ns", bench_now().wall_ns - start.wall_ns);
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
    (void)unlink(argv[1]);
    return 0;
}
