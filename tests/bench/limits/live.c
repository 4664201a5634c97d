/* live PORT FIFO - server-sent events from bare libmicrohttpd: each byte that is read from FIFO is one event,
 * and every connection is a listener. One thread, epoll, suspended while there is nothing. Prints a line
 * when it listens; ends with its stdin. */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTENERS_MAX = 4096, BLOCK_BYTES = 1024, CONNECTION_BYTES = 12 << 10 };

struct listener {
    struct MHD_Connection *connection;
    unsigned told;
    bool is_suspended;
};
static struct listener *listeners[LISTENERS_MAX];
static unsigned events;
static const char text[] =
    "id: 0123456789ab-12345678\nevent: device\ndata: {\"device\":\"brooklyn\"}\n\n";

static ssize_t fill(void *cls, uint64_t position, char *into, size_t cap)
{
    struct listener *l = cls;
    (void)position;
    if (l->told == events) {
        l->is_suspended = true;
        MHD_suspend_connection(l->connection);
        return 0;
    }
    if (cap < sizeof(text)) {
        bench_die("no room");
    }
    l->told++;
    memcpy(into, text, sizeof(text) - 1);
    return (ssize_t)sizeof(text) - 1;
}

static void forget(void *cls)
{
    struct listener *l = cls;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        listeners[i] = listeners[i] == l ? NULL : listeners[i];
    }
    free(l);
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **con_cls)
{
    static int is_second;
    struct MHD_Response *response = NULL;
    size_t at = 0;
    (void)cls;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_len;
    if (*con_cls == NULL) {
        *con_cls = &is_second;
        return MHD_YES;
    }
    struct listener *l = calloc(1, sizeof(*l));
    while (at < LISTENERS_MAX && listeners[at] != NULL) {
        at++;
    }
    if (l == NULL || at == LISTENERS_MAX) {
        bench_die("too many listeners");
    }
    l->connection = connection;
    l->told = events - 1; /* says hello with the one before */
    listeners[at] = l;
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, fill, l, forget);
    (void)MHD_add_response_header(response, "Content-Type", "text/event-stream");
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void tell(int fifo)
{
    char bytes[64];
    ssize_t len = read(fifo, bytes, sizeof(bytes));
    events += len > 0 ? (unsigned)len : 0;
    for (size_t i = 0; len > 0 && i < LISTENERS_MAX; i++) {
        if (listeners[i] != NULL && listeners[i]->is_suspended) {
            listeners[i]->is_suspended = false;
            MHD_resume_connection(listeners[i]->connection);
        }
    }
}

int main(int argc, char **argv)
{
    int port = (int)bench_count_arg(argc, argv, 1);
    int fifo = open(bench_text_arg(argc, argv, 2), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, (uint16_t)port, NULL, NULL, answer, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)LISTENERS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    if (fifo < 0 || daemon == NULL) {
        bench_die("open");
    }
    struct pollfd fds[] = {
        {.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN},
        {.fd = fifo, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN}};
    events = 1;
    bench_print("port", port);
    (void)fflush(stdout);
    while (fds[2].revents == 0) {
        MHD_UNSIGNED_LONG_LONG wait = 1000;
        bool is_due = MHD_get_timeout(daemon, &wait) == MHD_YES && wait == 0;
        (void)poll(fds, 3, is_due ? 0 : 1000);
        if (fds[1].revents != 0) {
            tell(fifo);
        }
        (void)MHD_run(daemon);
    }
    _exit(0); /* with its listeners */
}
