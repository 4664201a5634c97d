/* http PORT - bare libmicrohttpd as the hub drives it, its epoll descriptor in a loop without threads: every request gets the
 * same kilobyte of JSON, made beforehand. No route, no account, no header of ours. Ends with its standard input. */
#include "tests/bench/bench.h"

#include <microhttpd.h>
#include <poll.h>
#include <string.h>

enum { ANSWER_BYTES = 1024, CONNECTIONS = 4096 };

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request)
{
    static int seen;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_size;
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, ctx);
}

int main(int argc, char **argv)
{
    static char answer[ANSWER_BYTES];
    int64_t port = bench_count_arg(argc, argv, 1);
    memset(answer, 'x', sizeof(answer));
    answer[0] = answer[sizeof(answer) - 1] = '"';
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof(answer), answer, MHD_RESPMEM_PERSISTENT);
    if (response == NULL ||
        MHD_add_response_header(response, "Content-Type", "application/json") != MHD_YES) {
        bench_die("no memory");
    }
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL, (uint16_t)port, NULL, NULL, on_request, response,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_END);
    if (daemon == NULL) {
        bench_die("cannot listen at port %d", (int)port);
    }
    int epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct pollfd ready[2] = {{.fd = epoll, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (ready[1].revents == 0) {
        MHD_UNSIGNED_LONG_LONG wait = 0;
        int wait_ms = MHD_get_timeout(daemon, &wait) == MHD_YES ? (int)wait : 1000;
        (void)poll(ready, 2, wait_ms);
        if (MHD_run(daemon) != MHD_YES) {
            bench_die("libmicrohttpd has failed");
        }
    }
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}
